"""File size and latency of models as ONNX: the six published sizes by default."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Export the model of each config with random weights, and tell '
        'the size of the file and the median time of one image on one thread, in '
        'torch and in onnxruntime by turns. An export that gives other numbers than '
        'torch fails.',
    )
    parser.add_argument(
        'configs',
        nargs='*',
        metavar='CONFIG_OR_FOLDER',
        help='(default: the published sizes P, N, S, C, M and L)',
    )
    parser.add_argument('--out', metavar='FILE.json', help='the same numbers')
    parser.add_argument(
        '--markdown', action='store_true', help='print the table as Markdown'
    )
    parser.add_argument(
        '--calls',
        type=int,
        default=400,
        metavar='N',
        help='calls that a median is of (default: 400)',
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.export_sizes import export_sizes
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(export_sizes, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
