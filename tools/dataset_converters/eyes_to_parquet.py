"""Make an OCEC parquet from folders, CSV files, MRL names or another parquet."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Make an OCEC parquet from folders open/ and closed/, CSV files '
        '(path,label[,group]), pictures with MRL names, or another parquet.'
    )
    add = parser.add_argument
    add('sources', nargs='+', metavar='SOURCE', help='folder, .csv or .parquet')
    add('--out', required=True, help='.parquet file, or folder for dataset.parquet')
    add('--format', choices=['auto', 'folder', 'csv', 'mrl', 'parquet'], default='auto')
    add('--data-root', metavar='DIR', help='folder of the paths in CSV files')
    groups = parser.add_argument_group('groups: who is in the picture')
    add = groups.add_argument
    add('--group-pattern', metavar='REGEX', help="on the path, as '(?P<group>s[0-9]+)'")
    add('--group-by', choices=['names', 'near-duplicates'], default='names')
    add('--near-distance', type=int, metavar='BITS', help='of 64 (default: 6)')
    splits = parser.add_argument_group('splits')
    add = splits.add_argument
    add('--split', choices=['keep', 'grouped', 'time', 'folds', 'lists', 'random'])
    add('--resplit', action='store_true', help='divide anew what has splits')
    add('--ratios', nargs='+', type=share, metavar='SPLIT=SHARE', help='sum to 1')
    add('--seed', type=int, help='of the split (default: 42)')
    add('--fold', type=int, help='which fold is val, from 1')
    add('--num-folds', type=int, metavar='K', help='number of folds (default: 5)')
    add('--lists', nargs='+', type=pair, metavar='SPLIT=FILE', help='groups or paths')
    add('--frame-pattern', metavar='REGEX', help="as '_(?P<frame>[0-9]+)_'")
    add('--gap', type=int, metavar='FRAMES', help='left out at a cut in time')
    rows = parser.add_argument_group('rows and files')
    add = rows.add_argument
    add('--min-size', nargs=2, type=int, metavar=('H', 'W'), help='in pixels')
    add('--max-size', nargs=2, type=int, metavar=('H', 'W'), help='in pixels')
    add('--min-aspect', type=float, help='width / height')
    add('--max-aspect', type=float, help='width / height')
    add('--bad-rows', choices=['error', 'skip'], default='error')
    add('--duplicates', choices=['first', 'error'], default='first')
    add('--allow-outside', action='store_true', help='files outside the data folder')
    add('--store', choices=['bytes', 'paths'], default='bytes')
    add('--max-rows-per-file', type=int, metavar='N', help='write numbered shards')
    add('--jobs', type=int, help='processes; all cores if not given')
    add('--force', action='store_true', help='overwrite whatever is there')
    return parser.parse_args()


def pair(text: str) -> tuple[str, str]:
    """Read NAME=VALUE."""
    name, sign, value = text.partition('=')
    if not (name and sign and value):
        raise argparse.ArgumentTypeError(f'{text!r} is not NAME=VALUE')
    return name, value


def share(text: str) -> tuple[str, float]:
    """Read NAME=NUMBER."""
    name, value = pair(text)
    return name, float(value)


def main() -> int:
    """Run the tool; returns its exit code: 0 done, 1 failed, 2 wrong usage."""
    args = vars(parse_args())
    own = {name: args.pop(name) for name in ('sources', 'out', 'jobs', 'force')}
    # what is not given keeps the default of the settings
    settings = {name: value for name, value in args.items() if value is not None}
    if 'ratios' in settings:
        settings['ratios'] = dict(settings['ratios'])
    if 'lists' in settings:
        settings['lists'] = dict(settings['lists'])
    try:
        from ocec.apis.command import run_command
        from ocec.apis.convert_data import convert_data
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(convert_data, **own, settings=settings)


if __name__ == '__main__':
    sys.exit(main())
