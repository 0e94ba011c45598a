"""Average a model and its fine-tuned version, and draw the curve of both data sets."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Weight averaging after fine-tuning (WiSE-FT, Wortsman et al., '
        '2022): score (1 - alpha) A + alpha B on the data of both, and write the '
        'model that is chosen on them, with table, JSON and picture.',
    )
    parser.add_argument('checkpoint_a', metavar='A', help='the model started from')
    parser.add_argument('checkpoint_b', metavar='B', help='the fine-tuned model')
    parser.add_argument(
        '-o', '--out-dir', required=True, metavar='DIR', help='folder to write'
    )
    for side in 'AB':
        parser.add_argument(
            f'--data-{side.lower()}',
            required=True,
            metavar='FILE',
            help=f'parquet file, folder or pattern with images of {side}',
        )
    parser.add_argument(
        '--alphas',
        nargs='+',
        type=float,
        default=argparse.SUPPRESS,
        metavar='SHARE',
        help='shares of B; 0 and 1 always count (default: 0 0.1 ... 1)',
    )
    parser.add_argument(
        '--split',
        default='val',
        help='split that is scored and chosen on (default: val)',
    )
    parser.add_argument(
        '--weight-b',
        type=float,
        default=0.5,
        metavar='SHARE',
        help='choose the highest mean F1, with this weight of B (default: 0.5)',
    )
    parser.add_argument(
        '--keep-a',
        type=float,
        metavar='LOSS',
        help='choose the highest F1 on B instead, among those that lose at most this '
        'much F1 on A, as 0.01',
    )
    parser.add_argument(
        '--batch-norm',
        choices=('interpolate', 'reestimate'),
        default='interpolate',
        help='statistics of batch norms: between those of A and B, or measured '
        'on as many images of train of A as of B (default: interpolate)',
    )
    parser.add_argument('--config', help='config of both; by default that stored in B')
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='load checkpoints that could run code',
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.average_weights import average_weights
        from ocec.apis.command import run_command
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(average_weights, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
