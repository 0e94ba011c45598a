"""Find blinks in a video or before a camera."""

import argparse
import sys

RULE = ('close_below', 'open_from', 'min_closed_s', 'min_open_s')
RULE += ('max_blink_s', 'max_gap_s')


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Score both eyes in every frame of a video or camera, smooth the '
        'scores, and write frames.csv, closures.csv and .json (blinks, long closures, '
        'rate, PERCLOS) and overlay.mp4. Needs no display. Ctrl-C ends with complete '
        'files. Exit code: 0 done, 1 failed or the video ends early, 2 wrong usage, '
        '130 a file was interrupted.',
    )
    add = parser.add_argument
    add('source', metavar='VIDEO|CAMERA', help='file, address, or number as 0')
    add('--model', required=True, help='exported .onnx file or checkpoint')
    add(
        '--detector',
        required=True,
        metavar='KIND:WHAT',
        help='yunet:FILE.onnx, deim:FILE.onnx, csv:FILE.csv or '
        'boxes:x1,y1,x2,y2[;x1,y1,x2,y2]',
    )
    add('-o', '--out-dir', metavar='DIR', help='default: work_dirs/video/NAME')
    add('--config', help='config of a checkpoint that holds none')
    add('--threshold', type=float, help='open from this P on (default: the model says)')
    add('--eye-class', type=int, help='label of eyes of a DEIMv2 (default: 17)')
    add('--min-score', type=float, help='least score of what the detector finds')
    choices = ('median', 'exponential', 'none')
    add('--smoothing', choices=choices, default='median', help='default: median')
    add(
        '--smoothing-s',
        type=float,
        default=0.1,
        metavar='S',
        help='window of the median, time constant of the average (default: 0.1)',
    )
    add('--close-below', type=float, metavar='P', help='default: 0.8 x threshold')
    add('--open-from', type=float, metavar='P', help='default: 20%% of the way to 1')
    add('--min-closed', dest='min_closed_s', type=float, metavar='S')
    add('--min-open', dest='min_open_s', type=float, metavar='S')
    add('--max-blink', dest='max_blink_s', type=float, metavar='S', help='then long')
    add('--max-gap', dest='max_gap_s', type=float, metavar='S', help='eye not seen')
    add(
        '--window',
        dest='window_s',
        type=float,
        default=60.0,
        metavar='S',
        help='of blink rate and PERCLOS (default: 60)',
    )
    add('--max-seconds', type=float, metavar='S', help='of the video')
    add('--no-overlay', dest='overlay', action='store_false', help='no overlay.mp4')
    add('--show', action='store_true', help='in a window, too; q ends')
    add(
        '--trust-checkpoint',
        action='store_true',
        help='load a checkpoint that can run code: only if you know its origin',
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = vars(parse_args())
    rule = {name: args.pop(name) for name in RULE}
    try:
        from ocec.apis.command import run_command
        from ocec.apis.infer_video import infer_video
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(infer_video, rule=rule, **args)


if __name__ == '__main__':
    sys.exit(main())
