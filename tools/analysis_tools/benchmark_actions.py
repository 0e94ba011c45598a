"""Compare the training of an action network with Conv3d and loops over joints."""

import argparse
import sys

PARTS = ['step', 'heatmaps', 'reading', 'training']


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Time the training step against the same network with Conv3d, '
        'heatmaps against a loop of numpy, the reading of clips, and how long a step '
        'waits for its batch. Contenders take turns; ratios are what counts.',
    )
    parser.add_argument('config', metavar='CONFIG')
    parser.add_argument(
        '--data', required=True, help='folder or pickle of skeletons, or synthetic'
    )
    parser.add_argument('--device', choices=['cpu', 'cuda'], default='cpu')
    parser.add_argument(
        '--parts',
        nargs='+',
        choices=PARTS,
        default=PARTS,
        help='step: against Conv3d; heatmaps: against a loop; reading: by a worker; '
        'training: with workers (default: all)',
    )
    parser.add_argument('--repeats', type=int, default=5, help='turns (default: 5)')
    parser.add_argument(
        '--batch-size', type=int, default=2, help='of the compared steps (default: 2)'
    )
    parser.add_argument(
        '--train-batch-size',
        type=int,
        default=8,
        help='of heatmaps, reading and training (default: 8)',
    )
    parser.add_argument(
        '--workers', type=int, default=2, help='of the training (default: 2)'
    )
    parser.add_argument('--threads', type=int, default=1, help='of torch (default: 1)')
    parser.add_argument(
        '--json', dest='json_file', metavar='FILE', help='all figures go there'
    )
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='as in train'
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.benchmark_actions import benchmark_actions
        from ocec.apis.command import run_command
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(benchmark_actions, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
