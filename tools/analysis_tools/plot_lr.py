"""Draw the learning rates of a run before it is run."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Draw the learning rate of each parameter group over the whole '
        'run: schedulers, layer-wise rates, frozen stages and their warmups. Nothing '
        'is trained.',
    )
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--dataset-size',
        type=int,
        metavar='IMAGES',
        help='images of the train split; without it they are counted, which builds '
        'the cache of the data',
    )
    parser.add_argument('--data', help='your parquet file, folder or pattern')
    parser.add_argument(
        '--out', metavar='FILE.png', help='picture (default: work_dirs/CONFIG_lr.png)'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='change settings: optim_wrapper.optimizer.lr=2e-5',
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
        from ocec.apis.plot_lr import plot_lr
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(plot_lr, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
