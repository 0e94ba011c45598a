"""Test one trained model, or all of a folder: a table with intervals."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Test the best checkpoint of each run on one split: parameters, '
        'accuracy with its 95 % interval, F1, minutes. Exit code 1 if a model cannot '
        'be tested, or is 2 points or more from what is expected of it; the table '
        'holds the others.',
    )
    parser.add_argument('work_dirs', nargs='*', metavar='WORK_DIR', help='of a run')
    parser.add_argument(
        '--all', dest='all_in', metavar='DIR', help='every run below this folder'
    )
    parser.add_argument(
        '--data', help='folder of pairs (default: that of the config of each run)'
    )
    parser.add_argument(
        '--split', default='test', choices=['train', 'val', 'stack', 'test']
    )
    parser.add_argument(
        '--expected',
        metavar='FILE.json',
        help='accuracy of each model: a JSON of this tool, or {"NAME": 0.8875}',
    )
    parser.add_argument('-o', '--out', metavar='FILE', help='table.md, .csv or .json')
    parser.add_argument(
        '--format',
        dest='formats',
        type=lambda text: [kind.strip() for kind in text.split(',') if kind.strip()],
        default=[],
        metavar='md,csv,json',
        help='several formats beside each other (default: by the name of -o)',
    )
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='unpickle anything from checkpoints; they could run code as you',
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.measure_models import measure_models
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(measure_models, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
