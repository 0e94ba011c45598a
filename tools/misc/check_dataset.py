"""Check a data set for leaks between its splits and for rows that do harm."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Check a data set: groups, copies and look-alikes in two splits, '
        'contradicting labels, unreadable pictures, and whether size or brightness '
        'tells the label. The first line is NO LEAK FOUND (exit code 0), LEAK FOUND '
        '(1), or LEAK NOT EXCLUDED (0): none was found, but rows without a split or a '
        'group, a single split, or more than 1% of unreadable pictures in a split may '
        'hide one. A check that fails exits with 1 too, wrong usage with 2.',
    )
    parser.add_argument(
        'files',
        nargs='+',
        metavar='FILE',
        help='parquet file, folder or pattern; several are one data set',
    )
    parser.add_argument(
        '--json', dest='json_file', metavar='FILE.json', help='all numbers and rows'
    )
    parser.add_argument(
        '--html', metavar='FILE.html', help='a page with contact sheets'
    )
    parser.add_argument(
        '--near-distance',
        type=int,
        default=argparse.SUPPRESS,
        metavar='BITS',
        help='bits of 64 in which the hashes of look-alikes may differ (default: 6)',
    )
    parser.add_argument(
        '--near-correlation',
        type=float,
        default=argparse.SUPPRESS,
        metavar='R',
        help='how far look-alikes must correlate, up to 1 (default: 0.96)',
    )
    parser.add_argument(
        '--max-near-share',
        type=float,
        default=argparse.SUPPRESS,
        metavar='SHARE',
        help='share of val or test that may look like a row of another split before '
        'that is a leak (default: 0.01)',
    )
    parser.add_argument(
        '--allow-outside',
        action='store_true',
        help='also read pictures outside the folder of their parquet file',
    )
    parser.add_argument('--jobs', type=int, help='processes; all cores if not given')
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.check_dataset import require_no_leak
        from ocec.apis.command import run_command
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(require_no_leak, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
