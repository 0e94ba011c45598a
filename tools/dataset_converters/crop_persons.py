"""Crop all videos of an action data set to their persons, once."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Crop all videos of an action data set to their persons, once: '
        'training then reads small files in place of 1920x1080. A run that was stopped '
        'goes on where it was. Recipes read OUT_FOLDER as rgb.root, with the same '
        'padding of the box as here.',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add('annotations', metavar='PICKLE', help='skeletons in pixels')
    add('videos', metavar='VIDEO_FOLDER', help='videos that show whole frames')
    add('out', metavar='OUT_FOLDER', help='folder to write')
    box = parser.add_argument_group('box, as of the data set of the recipe')
    box.add_argument('--padding', type=float, default=0.25, help='share around joints')
    box.add_argument('--ratio', type=_ratio, default=1.0, help='height/width, or none')
    box.add_argument(
        '--min-size-px', type=float, default=10.0, help='below: the whole frame'
    )
    box.add_argument(
        '--beyond-frame', action='store_true', help='let it end outside the frame'
    )
    files = parser.add_argument_group('files')
    files.add_argument('--format', choices=('mp4', 'jpeg'), default='mp4', help='kind')
    files.add_argument(
        '--size',
        type=int,
        default=224,
        help='pixels, as frame_size of the recipe: more where it crops at random, '
        'such as 256',
    )
    files.add_argument(
        '--keep-ratio', action='store_true', help='--size is of the short side'
    )
    files.add_argument('--gop', type=int, default=8, help='mp4: from key to key frame')
    files.add_argument('--crf', type=int, default=18, help='mp4: 0 best, 51 worst')
    files.add_argument('--quality', type=int, default=90, help='jpeg: 1 to 100')
    clips = parser.add_argument_group('clips')
    clips.add_argument('--layout', default='auto', help='of the names of the videos')
    clips.add_argument('--split', help='only these clips')
    clips.add_argument('--left-out', metavar='FILE.txt', help='list of clips')
    clips.add_argument('--num-joints', type=int, default=17, help='of every clip')
    clips.add_argument('--num-classes', type=int, help='labels must be below')
    clips.add_argument(
        '--bad-clips',
        choices=('error', 'skip'),
        default='error',
        help='clips without a crop give exit code 1, or are only listed',
    )
    clips.add_argument('--jobs', type=int, help='processes; all cores if not given')
    return parser.parse_args()


def _ratio(text: str) -> float | None:
    return None if text == 'none' else float(text)


SETTINGS = ('padding', 'ratio', 'min_size_px', 'beyond_frame', 'format', 'size')
SETTINGS += ('keep_ratio', 'gop', 'crf', 'quality')


def main() -> int:
    """Run the tool; returns its exit code: 0 done, 1 failed, 2 wrong usage."""
    arguments = vars(parse_args())
    settings = {name: arguments.pop(name) for name in SETTINGS}
    try:
        from ocec.apis.command import run_command
        from ocec.apis.crop_persons import crop_persons
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(crop_persons, settings=settings, **arguments)


if __name__ == '__main__':
    sys.exit(main())
