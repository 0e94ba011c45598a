"""Test a checkpoint."""

import argparse
import os
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Test a checkpoint.')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--work-dir', help='folder for the log and test_metrics.json')
    parser.add_argument('--out', help='CSV of predictions to write')
    parser.add_argument(
        '--data',
        help='your parquet file, folder or pattern; of actions: folder or pickle',
    )
    parser.add_argument('--val-data', help='the same; wins over --data')
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='change settings: test_dataloader.dataset.split=train',
    )
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm'], default='none'
    )
    parser.add_argument('--seed', type=int, help='seed of all random numbers')
    parser.add_argument(
        '--deterministic', action='store_true', help='only deterministic kernels'
    )
    parser.add_argument(
        '--no-check', action='store_true', help='test even if config_check objects'
    )
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='unpickle anything from the checkpoint; it could run code as you',
    )
    parser.add_argument(
        '--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS
    )
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    del args.local_rank
    return args


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.test import test
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(test, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
