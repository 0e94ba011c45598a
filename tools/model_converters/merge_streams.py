"""Make the start of a two-stream model from an RGB-only and a pose-only checkpoint."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Put the streams of two checkpoints into one, for load_from of a '
        'two-stream config. Attention and connections between the streams begin anew.',
    )
    parser.add_argument('rgb_checkpoint', metavar='RGB', help='model of RGB frames')
    parser.add_argument('pose_checkpoint', metavar='POSE', help='model of poses')
    parser.add_argument(
        '-o', '--out', required=True, metavar='FILE', help='checkpoint to write'
    )
    parser.add_argument(
        '--config',
        help='of the two-stream model: check the weights against it, and fill with '
        'zeros what each stream sees of the other (RGBPoseConv3D needs it)',
    )
    parser.add_argument(
        '--weights',
        choices=('ema', 'raw'),
        default='ema',
        help='which weights of a run with EMA (default: ema)',
    )
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='load checkpoints that could run code',
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.merge_streams import merge_streams
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(merge_streams, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
