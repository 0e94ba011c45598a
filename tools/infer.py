"""Say of pictures whether the eye is open."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Say of pictures whether the eye is open, with a checkpoint or an '
        'exported file. Pictures that cannot be read are listed with the reason; the '
        'exit code is 0 all the same, unless none can be read or --strict is given (1).'
    )
    parser.add_argument(
        'model', metavar='MODEL', help='.onnx file, checkpoint, or folder of a run'
    )
    parser.add_argument(
        'sources',
        nargs='+',
        metavar='SOURCE',
        help='picture, folder (with all below it), pattern or parquet file',
    )
    parser.add_argument(
        '--out', required=True, metavar='FILE', help='.csv or .parquet to write'
    )
    parser.add_argument(
        '--threshold',
        type=float,
        metavar='P',
        help='P(open) from which an eye counts as open, in [0, 1] (default: the one '
        'stored with the model, of the best F1 on its validation split)',
    )
    parser.add_argument(
        '--batch-size', type=int, default=256, metavar='N', help='default: 256'
    )
    parser.add_argument(
        '--data-column',
        metavar='NAME',
        help='column of parquet files with pictures: bytes, paths, or a struct of both '
        '(default: image_bytes and image_path)',
    )
    parser.add_argument(
        '--allow-outside',
        action='store_true',
        help='also read pictures outside the folder of their parquet file',
    )
    parser.add_argument(
        '--config', help='config file, for a checkpoint that holds none'
    )
    parser.add_argument(
        '--strict', action='store_true', help='exit with 1 if a picture is unreadable'
    )
    parser.add_argument(
        '--threads', type=int, metavar='N', help='of decoding and of the network'
    )
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='unpickle anything from the checkpoint; it could run code as you',
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.infer import infer
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(infer, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
