"""Merge a corrected CSV back into its parquet file, with a log of what changed."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Write a parquet file with the labels of a corrected CSV, as '
        'exported by tools/analysis_tools/analyze_errors.py: new_label holds '
        'open or closed, or nothing for a row that stays. A CSV of another file, or of '
        'another state of it, is refused. Exit code: 0 done, 1 failed, 2 wrong usage.',
    )
    add = parser.add_argument
    add('corrected', metavar='CORRECTED.csv')
    add('data', metavar='DATA.parquet', help='the file that the CSV is about')
    add('-o', '--out', metavar='NEW.parquet', help='the file to write')
    add('--in-place', action='store_true', help='replace DATA.parquet instead')
    add(
        '--log',
        metavar='FILE',
        help='.json or .csv of the changes (default: NEW.label_changes.json)',
    )
    add('--force', action='store_true', help='overwrite files that exist')
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.merge_labels import merge_labels
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(merge_labels, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
