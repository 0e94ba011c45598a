"""Make a checkpoint ready to hand out: averaged weights, digest in the name, card."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Write NAME-1a2b3c4d.pth (the first digits of its SHA-256) with '
        'the averaged weights, the config without folders of this machine, classes '
        'and thresholds, and a model card beside it as Markdown and JSON. The state of '
        'the training stays behind.',
    )
    parser.add_argument('checkpoint', metavar='CHECKPOINT')
    parser.add_argument('out_dir', metavar='OUT_DIR', help='folder to write')
    parser.add_argument('--name', help='of the files (default: that of the run)')
    parser.add_argument('--config', help='config, where the checkpoint holds none')
    parser.add_argument(
        '--data',
        metavar='FILE',
        help='parquet file, folder or pattern to score the published file on; without '
        'it the card has the numbers beside the checkpoint, and says so',
    )
    parser.add_argument(
        '--split', help='split of --data (default: that of the test loader)'
    )
    parser.add_argument(
        '--format',
        dest='formats',
        nargs='+',
        choices=('pth', 'safetensors'),
        default=argparse.SUPPRESS,
        help='one or both (default: pth)',
    )
    parser.add_argument(
        '--license',
        dest='license_name',
        metavar='NAME',
        help='licence of the weights, for the card, as Apache-2.0',
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
        from ocec.apis.publish_model import publish_model
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(publish_model, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
