"""Generate eyes, train the smallest config, test it: what ``make quickstart`` runs."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='From nothing to a classifier.')
    parser.add_argument('--data', help='your parquet file, folder or pattern')
    parser.add_argument('--work-dir', default='work_dirs/quickstart')
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.quickstart import quickstart
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(quickstart, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
