"""Convert a released checkpoint of EPAM-Net to one of this toolbox."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Give the weights of a released EPAM-Net checkpoint the names and '
        'shapes of the layers here (a 2D network, equal to its Conv3d one).',
    )
    parser.add_argument('checkpoint', help='released .pth file')
    parser.add_argument(
        '-o', '--out', required=True, metavar='FILE', help='checkpoint to write'
    )
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='load a checkpoint that could run code',
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.import_epam import import_epam
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(import_epam, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
