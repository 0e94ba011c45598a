"""Estimate hours per epoch on many GPUs, and what bounds them."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Hours per epoch, bytes per second and what bounds them, '
        'calculated from measured constants and from assumptions about machines. '
        'Constants that are not given have the defaults of docs/scaling.md.',
    )
    parser.add_argument(
        '--gpus', type=int, nargs='+', default=[1, 8, 64], help='default: 1 8 64'
    )
    parser.add_argument('--images', type=float, help='of an epoch')
    parser.add_argument('--image-bytes', type=float, help='of an encoded picture')
    parser.add_argument(
        '--decoded-per-core', type=float, help='images per second, of measure_reading'
    )
    parser.add_argument('--cores-per-gpu', type=float, help='that read')
    parser.add_argument('--gpu-images', type=float, help='trained per second by a GPU')
    parser.add_argument('--batch-size', type=int, help='of one GPU')
    parser.add_argument('--parameters', type=float, help='of the network')
    parser.add_argument('--compression', choices=['none', 'fp16', 'bf16'])
    parser.add_argument('--gpus-per-machine', type=int)
    parser.add_argument('--link-bytes', type=float, help='per second, of a machine')
    parser.add_argument('--hop-seconds', type=float, help='latency of a message')
    parser.add_argument(
        '--storage-bytes', type=float, help='per second, of all together'
    )
    parser.add_argument('--bytes-per-row', type=float, help='memory of a rank')
    parser.add_argument('--machine-memory', type=float, help='bytes')
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = {name: x for name, x in vars(parse_args()).items() if x is not None}
    try:
        from ocec.apis.command import run_command
        from ocec.apis.estimate_scaling import estimate_scaling
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(estimate_scaling, **args)


if __name__ == '__main__':
    sys.exit(main())
