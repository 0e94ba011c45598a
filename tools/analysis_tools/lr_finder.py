"""Suggest a learning rate: train with a rising rate and watch the loss."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Learning-rate range test (Smith, 2017): train with a rate that '
        'rises at every step and suggest a tenth of the one where the smoothed loss '
        'is lowest. Weights are thrown away, work_dirs of trainings left alone.',
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('--data', help='your parquet file, folder or pattern')
    parser.add_argument(
        '--min-lr', type=float, default=1e-6, help='first rate (default: 1e-6)'
    )
    parser.add_argument(
        '--max-lr', type=float, default=1.0, help='last rate (default: 1)'
    )
    parser.add_argument(
        '--num-iters',
        type=int,
        default=200,
        help='steps (default: 200); below 30 a decade the suggestion comes out high',
    )
    parser.add_argument(
        '--out-dir',
        help='folder for lr_curve.png, .json, .csv (default: work_dirs/CONFIG_lr)',
    )
    parser.add_argument('--seed', type=int, help='seed of all random numbers')
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='change settings: train_dataloader.batch_size=512',
    )
    parser.add_argument(
        '--no-check', action='store_true', help='go on even if config_check objects'
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.lr_finder import find_lr
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(find_lr, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
