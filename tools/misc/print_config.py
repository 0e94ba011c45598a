"""Print the config that will run, or the place of each class in it."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    from ocec.apis.option_values import CFG_OPTIONS_HELP

    parser = argparse.ArgumentParser(
        description='Print the config that will run: bases merged, options applied.'
    )
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help=CFG_OPTIONS_HELP,
    )
    parser.add_argument(
        '--where',
        action='store_true',
        help='print the file and line of the class behind each type instead',
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    try:  # `import ocec` refuses an environment with clashing packages
        args = parse_args()
        from ocec.apis.command import run_command
        from ocec.apis.print_config import print_config
    except ImportError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(print_config, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
