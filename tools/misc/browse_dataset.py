"""Write contact sheets of what a model sees, before and after each augmentation."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Contact sheets (PNG, and one HTML page) of what the model of a '
        'config sees: the file, each augmentation alone, the whole list several '
        'times, mixing. Pixels are shown before normalisation. Needs no display.',
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('--out-dir', required=True, help='folder for page and sheets')
    parser.add_argument('--data', help='your parquet file, folder or pattern')
    parser.add_argument(
        '--split',
        choices=['train', 'val', 'test'],
        default='train',
        help='whose pictures (default: train)',
    )
    parser.add_argument(
        '--num', type=int, default=12, help='pictures of each class (default: 12)'
    )
    parser.add_argument(
        '--class',
        dest='classes',
        choices=['open', 'closed', 'both'],
        default='both',
        help='which class (default: both)',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='of choice and augmentation (default: 0)'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='change settings: train_dataloader.dataset.image_size=(24,40)',
    )
    parser.add_argument(
        '--no-check', action='store_true', help='go on even if config_check objects'
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.browse_dataset import browse_dataset
        from ocec.apis.command import run_command
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(browse_dataset, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
