"""Write the statistics of a pickle of skeletons, and find what is wrong with it."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Statistics of a pickle of skeletons. Exit code 1 where a split '
        'leaks into its opposite (a clip or equal skeletons in train and val; a '
        'subject under xsub, a camera under xview, a setup under xset), or a clip is '
        'of no use (cannot be read, no joint at all, label too high, named by a split '
        'and not there; with --videos: no video, or one shorter than annotated). Else '
        '0; wrong usage 2.',
    )
    parser.add_argument(
        'annotations', metavar='PICKLE', help='layout of mmaction2 and pyskl'
    )
    parser.add_argument(
        '--videos', metavar='FOLDER', help='count the frames of the videos, too'
    )
    parser.add_argument(
        '--layout', default='auto', help='of the names of the videos (default: auto)'
    )
    parser.add_argument(
        '--num-joints', type=int, help='of every clip (default: that of most)'
    )
    parser.add_argument('--num-classes', type=int, help='labels must be below')
    parser.add_argument(
        '--json', dest='json_file', metavar='FILE.json', help='all numbers and names'
    )
    parser.add_argument('--html', metavar='FILE.html', help='a page with figures')
    parser.add_argument('--jobs', type=int, help='processes; all cores if not given')
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code: 0 good, 1 not, 2 wrong usage."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.skeleton_statistics import require_good_skeletons
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(require_good_skeletons, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
