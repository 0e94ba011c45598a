"""Report on digit pairs: stages, learning curves, errors, ensemble."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Score the best checkpoint of each run and write one page: table '
        'by stage, learning curves from the logs, confusion, accuracy by covered share '
        'and by difference of the digits, the errors themselves, and the ensemble '
        'against its members. Exit code 1 if a model cannot be scored; the report '
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
        '--stack', metavar='stack.json', help='what tools/stack.py found'
    )
    parser.add_argument(
        '--model',
        metavar='NAME',
        help='whose errors are shown (default: the best on val)',
    )
    parser.add_argument('-o', '--out', required=True, metavar='FILE.html')
    parser.add_argument(
        '--format',
        dest='formats',
        type=lambda text: [kind.strip() for kind in text.split(',') if kind.strip()],
        default=[],
        metavar='html,png',
        help='both beside each other (default: by the name of -o)',
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
        from ocec.apis.pair_report import pair_report
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(pair_report, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
