"""Report on fine-tuning: methods against each other, on the new data and the old."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Score the start (zero-shot) and the best checkpoint of each run '
        'on B, the new camera, and on A, the old one, and write one page that needs no '
        'network: F1, AUC and accuracy with seeds and intervals, differences on the '
        'same images, what is forgotten, minutes and epochs, convergence curves, and '
        'which images were fixed and broken. Exit code: 0 done, 1 failed, 2 wrong '
        'usage or config.',
    )
    add = parser.add_argument
    add('--a', required=True, metavar='A_DATA', help='data that the start is from')
    add('--b', required=True, metavar='B_DATA', help='data of the new camera')
    add('--split', choices=('val', 'test'), default='val', help='of both')
    add(
        '--start',
        required=True,
        metavar='CHECKPOINT',
        help='or its work_dir; several with commas, where each seed had its own',
    )
    add(
        '--run',
        dest='runs',
        action='append',
        default=[],
        metavar='NAME=WORK_DIR[,WORK_DIR2]',
        help='a method and its seeds, may be given several times; a checkpoint may '
        'stand in place of a work_dir; others are compared with the one called scratch',
    )
    add(
        '-o',
        '--out',
        default='finetune_report.html',
        metavar='FILE.html',
        help='the page (default: finetune_report.html)',
    )
    add('--json', metavar='FILE.json', help='write all numbers')
    add(
        '--markdown',
        nargs='?',
        const='-',
        metavar='FILE.md',
        help='write the table as Markdown; without a file print it that way',
    )
    add(
        '--limit',
        type=int,
        default=40,
        metavar='N',
        help='images of each list of the page (default: 40)',
    )
    add(
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
        from ocec.apis.finetune_report import finetune_report
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(finetune_report, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
