"""Print mean and std of the pixels of a parquet, ready for a config."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Print mean and std (R, G, B; pixel values 0 to 255) of each file '
        'and of all together, ready for the data_preprocessor of a config.',
    )
    parser.add_argument(
        'files', nargs='+', metavar='FILE', help='parquet file, folder or pattern'
    )
    parser.add_argument(
        '--split',
        choices=['train', 'val', 'test'],
        default='train',
        help='whose images (default: train)',
    )
    parser.add_argument(
        '--image-size',
        nargs=2,
        type=int,
        default=[32, 64],
        metavar=('H', 'W'),
        help='size that images are resized to, in pixels (default: 32 64)',
    )
    parser.add_argument(
        '--group',
        nargs='+',
        action='extend',
        default=[],
        dest='groups',
        metavar='NAME',
        help='only images of these groups (subjects, recordings)',
    )
    parser.add_argument(
        '--bad-rows',
        choices=['error', 'skip'],
        default='error',
        help='stop at rows that cannot be used, or leave them out (default: error)',
    )
    parser.add_argument(
        '--out', metavar='FILE.json', help='write the numbers there too'
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.compute_mean_std import compute_mean_std
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(compute_mean_std, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
