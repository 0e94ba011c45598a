"""Write a page that shows where a checkpoint goes wrong, to look at and relabel."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Score a split with a checkpoint and write one HTML page that '
        'needs no network: metrics with intervals, errors by group and further '
        'columns; hard samples, confident errors, probable label errors and '
        'outliers to filter, enlarge, compare with their neighbours and export as '
        'CSV for relabelling. Exit code: 0 done, 1 failed, 2 wrong usage or config.',
    )
    add = parser.add_argument
    add('checkpoint', help='weights, as best_eye_f1_epoch_17.pth')
    add('--config', help='config file (default: the one that the checkpoint holds)')
    add('--data', help='parquet file, folder or pattern in place of that of the config')
    add('--split', help='train, val or test (default: that of the test loader)')
    add('-o', '--out', metavar='FILE.html', help='default: beside the checkpoint')
    add(
        '--threshold',
        help='P(open) from which an eye counts as open: a number, or best_f1, '
        'precision or false_alarm as stored in the checkpoint (default: that of the '
        'metric)',
    )
    add(
        '--limit',
        type=int,
        default=500,
        metavar='N',
        help='samples of each list (default: 500)',
    )
    add(
        '--neighbours',
        type=int,
        default=6,
        metavar='K',
        help='nearest samples shown beside each (default: 6)',
    )
    add(
        '--all',
        dest='all_samples',
        action='store_true',
        help='also list every sample, up to the limit',
    )
    add(
        '--held-out',
        action='store_true',
        help='the model was not trained on these samples although their split is train',
    )
    add('--batch-size', type=int, metavar='B', help='images in a batch')
    add('--cfg-options', nargs='+', default=(), metavar='KEY=VALUE')
    add(
        '--trust-checkpoint',
        action='store_true',
        help='load a checkpoint that can run code: only if you know its origin',
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.analyze_errors import analyze_errors
        from ocec.apis.command import run_command
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(analyze_errors, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
