"""Generate a video of a face that blinks at known times."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Draw a face that blinks, winks and squints at known times: '
        'clip.mp4, boxes.csv, truth.csv and clip.json.',
    )
    add = parser.add_argument
    add(
        '-o',
        '--out-dir',
        default='data/blink_clip',
        help='folder to write (default: data/blink_clip)',
    )
    add('--seconds', dest='duration_s', type=float, default=30.0, help='default: 30')
    add('--fps', type=float, default=30.0, help='frames per second (default: 30)')
    add('--width', type=int, default=320, help='pixels (default: 320)')
    add('--height', type=int, default=240, help='pixels (default: 240)')
    add('--look', choices=('visible', 'infrared'), default='visible')
    add(
        '--dropped',
        type=float,
        default=0.0,
        metavar='SHARE',
        help='of frames left out: the frame rate then varies (default: 0)',
    )
    add('--seed', type=int, default=0, help='of all randomness (default: 0)')
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.blink_clip import make_blink_clip
        from ocec.apis.command import run_command
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(make_blink_clip, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
