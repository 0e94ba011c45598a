"""Write pictures of clips of actions as a model sees them."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Animations or contact sheets, and one HTML page, of the clips of '
        'a config: pictures with skeletons, heatmaps, and with a checkpoint answers '
        'and attention. Clips of train are augmented. Needs no display.',
    )
    add = parser.add_argument
    add('config', help='config file')
    add('--checkpoint', help='weights of the model of the config')
    add('--out-dir', required=True, help='folder for page and pictures')
    add('--data', help='your pickle or folder of actions, or synthetic')
    add(
        '--split',
        choices=['train', 'val', 'test'],
        default='train',
        help='whose clips (default: train)',
    )
    add(
        '--clips',
        nargs='+',
        action='extend',
        default=[],
        metavar='NAME',
        help='which (default: some at random)',
    )
    add('--num', type=int, default=6, help='how many at random (default: 6)')
    add(
        '--format',
        dest='form',
        choices=['gif', 'png'],
        default='gif',
        help='animations or contact sheets (default: gif)',
    )
    add('--raw', action='store_true', help='whole frames, before crop and augmentation')
    add('--seed', type=int, default=0, help='of choice and augmentation (default: 0)')
    add(
        '--cfg-options',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='change settings: model.data_preprocessor.flip_prob=1',
    )
    add('--no-check', action='store_true', help='go on even if config_check objects')
    add(
        '--trust-checkpoint',
        action='store_true',
        help='unpickle anything from the checkpoint; it could run code as you',
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.browse_actions import browse_actions
        from ocec.apis.command import run_command
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(browse_actions, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
