"""Compare two data sets: statistics, labels, and a domain classifier's AUC."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='How B differs from A, on which a model was trained: colour, '
        'brightness, contrast, saturation, sharpness, size and labels, and how well a '
        'small classifier tells the two apart by them (AUC 0.5: not at all; 1.0: '
        'every picture, so fine-tune on B and validate there).',
    )
    parser.add_argument('a', metavar='A', help='parquet file, folder or pattern')
    parser.add_argument('b', metavar='B', help='parquet file, folder or pattern')
    for name in 'ab':
        parser.add_argument(
            f'--split-{name}',
            choices=['train', 'val', 'test'],
            help=f'only this split of {name.upper()} (default: all rows)',
        )
    parser.add_argument(
        '--image-size',
        nargs=2,
        type=int,
        default=[32, 64],
        metavar=('H', 'W'),
        help='size that pixels are measured at, in pixels (default: 32 64)',
    )
    parser.add_argument(
        '--json', dest='json_file', metavar='FILE', help='write all numbers there'
    )
    parser.add_argument(
        '--html', metavar='FILE', help='write a page with histograms and pictures'
    )
    parser.add_argument(
        '--max-rows',
        type=int,
        default=100_000,
        help='of more rows of a set a random choice is measured (default: 100000)',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='of that choice and the classifier'
    )
    parser.add_argument(
        '--allow-outside',
        action='store_true',
        help='also read pictures outside the folder of their parquet file',
    )
    parser.add_argument(
        '--jobs', type=int, metavar='N', help='processes (default: all cores)'
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.compare_datasets import compare_datasets
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(compare_datasets, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
