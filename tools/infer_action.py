"""Say what people in a video do."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Recognise the actions in a video from its frames and skeletons, '
        'in windows that slide over it, and write windows.csv, segments.csv and '
        'actions.json. Exit code: 0 done, 1 failed or parts of the video cannot be '
        'read, 2 wrong usage.',
    )
    add = parser.add_argument
    add('video', metavar='VIDEO', help='file; - for a model of skeletons alone')
    add(
        'poses',
        metavar='POSES',
        nargs='?',
        help='.pkl in the layout of mmaction2, or .csv with the columns frame, person, '
        'joint, x, y, score',
    )
    add('--model', required=True, metavar='CHECKPOINT', help='of actions')
    add('--config', help='config of a checkpoint that holds none')
    add(
        '--pose-model',
        metavar='FILE.onnx',
        help='in place of POSES: picture (1, 3, H, W) -> joints (P, K, 3)',
    )
    add('--clip', help='of the pickle (default: the one named as the video)')
    add(
        '--window',
        default='3',
        metavar='LENGTH',
        help='seconds as 2.5, frames as 75f, or all (default: 3 seconds)',
    )
    add('--stride', metavar='LENGTH', help='from window to window (default: half)')
    add('--top', type=int, default=5, help='classes listed of a window (default: 5)')
    add('-o', '--out-dir', metavar='DIR', help='default: work_dirs/actions/NAME')
    add('--overlay', metavar='FILE.mp4', help='write the video with skeletons and bars')
    add('--save-poses', metavar='FILE.csv', help='write the skeletons')
    add('--fps', type=float, help='of poses without a video (default: 30)')
    add('--frame-size', metavar='HxW', help='of a .csv without a video, in pixels')
    add('--device', default='cpu', help='as cuda:0 (default: cpu)')
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
        from ocec.apis.command import run_command
        from ocec.apis.infer_action import infer_action
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(infer_action, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
