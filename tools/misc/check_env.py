"""Print what is installed and what this machine can do; exit 1 if it cannot train."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Print versions, devices and backends, and what is wrong here '
        'with the command that mends it. Exit code 1 when something is wrong.'
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    parse_args()
    try:  # `import ocec` refuses an environment with clashing packages
        from ocec.apis.check_env import check_env, format_env
    except ImportError as error:
        print(f'problem: {error}')
        return 1
    report = check_env()
    print(format_env(report))
    return 1 if report.problems else 0


if __name__ == '__main__':
    sys.exit(main())
