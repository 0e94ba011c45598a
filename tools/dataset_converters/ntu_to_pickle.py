"""Turn the skeleton files of NTU RGB+D 60 or 120 into one pickle."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Turn the .skeleton files of NTU RGB+D 60 or 120 into one pickle '
        'in the layout of mmaction2 and pyskl, with the splits of the data set. At '
        'most two bodies of a clip stay, by the rules of its authors. The joints are '
        'the 25 of the Kinect, not the 17 of COCO.',
    )
    parser.add_argument('folder', help='with *.skeleton files, at any depth')
    parser.add_argument('out', metavar='OUT.pkl', help='pickle to write')
    parser.add_argument(
        '--coords',
        choices=('3d', 'color'),
        default='3d',
        help='3d: metres, as ntu60_3danno of pyskl (default); color: pixels of the '
        '1920x1080 videos, with scores: 0.5 of joints that were inferred',
    )
    parser.add_argument(
        '--frames',
        choices=('found', 'all'),
        help='all of the video (default of color), or those with a body, as pyskl '
        '(default of 3d)',
    )
    parser.add_argument(
        '--dtype',
        choices=('float16', 'float32'),
        default='float32',
        help='float16, as pyskl, has steps of 2 mm, or of 1 pixel on the right '
        '(default: float32)',
    )
    parser.add_argument(
        '--missing', metavar='FILE.txt', help='list of clips that are left out'
    )
    parser.add_argument(
        '--dataset',
        choices=('auto', 'ntu60', 'ntu120'),
        default='auto',
        help='which splits are written (default: ntu120 if there are actions above 60)',
    )
    parser.add_argument(
        '--bad-files',
        choices=('error', 'skip'),
        default='error',
        help='damaged files stop the tool at the end (default), or are left out; both '
        'lists them in OUT.pkl.bad_files.txt',
    )
    parser.add_argument('--overwrite', action='store_true', help='replace OUT.pkl')
    parser.add_argument('--jobs', type=int, help='processes; all cores if not given')
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code: 0 done, 1 failed, 2 wrong usage."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.ntu_to_pickle import ntu_to_pickle
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(ntu_to_pickle, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
