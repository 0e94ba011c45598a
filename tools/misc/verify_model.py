"""Check a config before a long run."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Check a config before a long run: data, network, gradients, one '
        'small batch learnt, learning rates, weights to begin with, device, disk. One '
        'line a check: ok, WARN or FAIL, the reason and the way out. Exit code 0: none '
        'failed; 1: one did; 2: the config cannot be run, or wrong usage.'
    )
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--data',
        help='your parquet file, folder, pickle or pattern, for every dataset; '
        '"synthetic" for the generated actions',
    )
    parser.add_argument('--val-data', help='the same, for validation and test only')
    parser.add_argument('--work-dir', help='folder of the run that is planned')
    parser.add_argument(
        '--pretrain',
        nargs='+',
        default=[],
        metavar='PATH',
        help='weights that the run will begin with, as for tools/train.py',
    )
    parser.add_argument('--device', help='cpu or cuda; by default as in a training')
    parser.add_argument(
        '--skip',
        nargs='+',
        action='extend',
        default=[],
        metavar='CHECK',
        help='checks to leave out, by the names that are printed',
    )
    parser.add_argument(
        '--steps',
        type=int,
        default=20,
        help='of the training on one small batch, and up to ten times as many while '
        'the loss does not fall (default: 20)',
    )
    parser.add_argument('--quick', action='store_true', help='leave out that training')
    parser.add_argument(
        '--json', dest='json_file', metavar='FILE.json', help='all results'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='change settings: optim_wrapper.optimizer.lr=0.002',
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.verify_model import verify_model
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(verify_model, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
