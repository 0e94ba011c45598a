"""Write a checkpoint as safetensors, or one in safetensors as .pth."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Convert a checkpoint between .pth and .safetensors, whichever IN '
        'is not. Weights, config, thresholds and the state of a training are kept '
        'bit by bit; a .safetensors file cannot run code when it is loaded.',
    )
    parser.add_argument('checkpoint', metavar='IN', help='.pth, .pt or .safetensors')
    parser.add_argument('out', metavar='OUT', help='file to write, in the other format')
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='load a checkpoint that could run code',
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.convert_checkpoint import convert_checkpoint
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(convert_checkpoint, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
