"""Say whether a model of A works on B, where it fails, and what to do."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Before fine-tuning: score A, which a model was trained on, and '
        'B, which it shall work on; compare decisions, thresholds, calibration, '
        'embeddings and pictures, name the groups of B that fail, and conclude: keep '
        'the model, move its threshold, fine-tune its head, or all of it. B may lack '
        'labels. Exit code: 0 done, 1 failed, 2 wrong usage or config.',
    )
    add = parser.add_argument
    add('a', metavar='A', help='parquet file, folder or pattern')
    add('b', metavar='B', help='parquet file, folder or pattern')
    add('checkpoint', metavar='CHECKPOINT', help='weights, as best_eye_f1_epoch_17.pth')
    for name in 'ab':
        add(
            f'--split-{name}',
            choices=['train', 'val', 'test', 'all'],
            default='val',
            help=f'rows of {name.upper()} (default: val)',
        )
    add('-o', '--out', default='drift.html', metavar='FILE.html', help='the page')
    add('--json', dest='json_file', metavar='FILE', help='write all numbers there')
    add('--config', help='config file (default: the one that the checkpoint holds)')
    add(
        '--threshold',
        help='P(open) from which an eye counts as open: a number, or best_f1, '
        'precision or false_alarm as stored in the checkpoint (default: its best_f1, '
        'else that of the metric)',
    )
    add(
        '--max-rows',
        type=int,
        default=20_000,
        metavar='N',
        help='of more rows of a set a random choice is used (default: 20000)',
    )
    add('--seed', type=int, default=0, help='of that choice, folds and classifiers')
    add(
        '--allow-outside',
        action='store_true',
        help='also read pictures outside the folder of their parquet file',
    )
    add(
        '--trust-checkpoint',
        action='store_true',
        help='load a checkpoint that can run code: only if you know its origin',
    )
    add('--jobs', type=int, metavar='N', help='processes (default: all cores)')
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.drift_report import drift_report
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(drift_report, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
