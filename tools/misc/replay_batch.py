"""Train again on a batch that made numbers that are not finite."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Train again on a batch whose loss or gradients were not finite, '
        'without a step. The first line is REPRODUCED or NOT REPRODUCED; then samples, '
        'the first module whose output is not finite, and parameters.'
    )
    parser.add_argument('file', help='non_finite_epochE_iterI.pth of a work_dir')
    parser.add_argument('--device', default='cpu', help='cpu (default) or cuda')
    parser.add_argument(
        '--full-precision',
        action='store_true',
        help='in float32, though the run used mixed precision',
    )
    parser.add_argument(
        '--detect-anomaly',
        action='store_true',
        help='let torch name the line of the forward whose gradient is NaN',
    )
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='run the config of the file even if it is more than plain data',
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.replay_batch import replay_batch
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(replay_batch, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
