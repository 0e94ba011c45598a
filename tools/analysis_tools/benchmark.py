"""Measure the stages of a training, and compare it with stock mmpretrain and others."""

import argparse
import sys

PARTS = ['stages', 'peers', 'quality', 'ranks', 'growth']


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Time the stages of a training step, and compare the whole with '
        'pure compute, stock mmpretrain and a plain DataLoader loop, in turns, each in '
        'a process of its own. Ratios are what counts: keep the machine quiet. Data '
        'and caches lie in a temporary folder, below $TMPDIR.',
    )
    parser.add_argument('config', metavar='CONFIG')
    parser.add_argument('--data', required=True, help='parquet file, folder or pattern')
    parser.add_argument(
        '--out', default='benchmark', metavar='DIR', help='default: benchmark'
    )
    parser.add_argument('--device', choices=['cpu', 'cuda'], default='cpu')
    parser.add_argument(
        '--parts',
        nargs='+',
        choices=PARTS,
        default=PARTS,
        help='stages: of a step; peers: against others; quality: seconds to a '
        'validation F1; ranks: CPU ranks against threads; growth: larger data sets '
        '(default: all)',
    )
    parser.add_argument('--repeats', type=int, default=3, help='turns (default: 3)')
    parser.add_argument(
        '--epochs', type=int, default=2, help='timed in each turn (default: 2)'
    )
    parser.add_argument(
        '--num-images',
        type=int,
        default=6144,
        help='of the train split, for the comparison (default: 6144)',
    )
    parser.add_argument(
        '--sizes',
        nargs='+',
        type=int,
        default=[10_000, 50_000, 200_000, 470_811],
        help='images of the growing data sets',
    )
    parser.add_argument('--target-f1', type=float, default=0.9, help='default: 0.9')
    parser.add_argument('--threads', type=int, help='of torch (default: the cores)')
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='as in train'
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.benchmark import benchmark
        from ocec.apis.command import run_command
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(benchmark, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
