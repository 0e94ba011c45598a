"""Print parameters and multiply-accumulates of the models of configs."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Print parameters and multiply-accumulates (MACs) of one image, '
        'or of one clip of actions, as it is in training. '
        'MACs count convolutions, linear layers, matrix products and attention.',
    )
    parser.add_argument(
        'configs',
        nargs='*',
        default=['configs/ocec'],
        metavar='CONFIG_OR_FOLDER',
        help='config files, or folders of them (default: configs/ocec)',
    )
    parser.add_argument(
        '--shape',
        nargs=2,
        type=int,
        metavar=('H', 'W'),
        help="image in pixels; by default the config's image_size; not for actions",
    )
    parser.add_argument(
        '--json', dest='json_file', metavar='FILE', help='write the numbers there too'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='change settings of every config: model.backbone.num_blocks=8',
    )
    parser.add_argument(
        '--no-check', action='store_true', help='go on even if config_check objects'
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.get_flops import get_flops
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(get_flops, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
