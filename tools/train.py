"""Train a config."""

import argparse
import os
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description='Train a config.')
    parser.add_argument('config', help='config file')
    parser.add_argument('--work-dir', help='folder of the run (logs, checkpoints)')
    parser.add_argument(
        '--data',
        help='your parquet file, folder or pattern, for every dataset; '
        'NAME=FILE,NAME=FILE for a config with several sources',
    )
    parser.add_argument('--val-data', help='the same, for validation and test only')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='go on from a checkpoint; without one, from the last of the work_dir',
    )
    parser.add_argument(
        '--pretrain',
        nargs='+',
        default=[],
        metavar='PATH',
        help='begin with the weights of a checkpoint; of a pattern or a work_dir: of '
        'the best',
    )
    parser.add_argument(
        '--load-weights',
        choices=['ema', 'raw'],
        help='which weights of a run with EMA to begin with (default: ema)',
    )
    parser.add_argument('--amp', action='store_true', help='mixed precision')
    parser.add_argument('--no-validate', action='store_true', help='do not validate')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate with the effective batch',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='change settings: train_cfg.max_epochs=5 param_scheduler.1.end=5',
    )
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm'], default='none'
    )
    parser.add_argument('--seed', type=int, help='seed of all random numbers')
    parser.add_argument(
        '--deterministic', action='store_true', help='only deterministic kernels'
    )
    parser.add_argument(
        '--no-check', action='store_true', help='train even if config_check objects'
    )
    parser.add_argument(
        '--data-check',
        choices=['auto', 'always', 'never'],
        default='auto',
        help='look for leaks between train and val first, and warn (default: auto, '
        'up to a million images)',
    )
    parser.add_argument(
        '--save-every-minutes', type=float, metavar='M', help='save within epochs too'
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
        from ocec.apis.train import train
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(train, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
