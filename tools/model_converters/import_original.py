"""Turn a .pt file of the original OCEC trainer into a checkpoint of this package."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Import a checkpoint of the original OCEC trainer: the same '
        'P(open) for the same pixels, with a config inside, so that it can be tested, '
        'exported and trained on. Refused: the convnext of the fork, which normalises '
        'otherwise, and models with a margin, whose plain head was never trained.',
    )
    parser.add_argument('checkpoint', metavar='IN.pt', help='of the original trainer')
    parser.add_argument('out', metavar='OUT', help='.pth or .safetensors to write')
    parser.add_argument(
        '--image-size', metavar='HxW', help='of the images, where IN.pt lacks it'
    )
    parser.add_argument(
        '--token-grid',
        metavar='HxW',
        help='of a transformer or MLP-Mixer head, where IN.pt lacks it',
    )
    for name in ('mean', 'std'):
        parser.add_argument(
            f'--{name}',
            nargs=3,
            type=float,
            metavar=('R', 'G', 'B'),
            help=f'{name} of the training as shares of 1, where IN.pt lacks it',
        )
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
        from ocec.apis.import_original import import_original
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(import_original, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
