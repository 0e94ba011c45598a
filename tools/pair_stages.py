"""Train all stages of the digit pairs, or some of them, and stack the members."""

import argparse
import sys


def words(text: str) -> list[str]:
    """Split what is separated by commas."""
    return [word.strip() for word in text.split(',') if word.strip()]


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Train stage0 to stage3 and the order stage, then stack all '
        'members (stage4). What has finished is skipped, what was interrupted goes on '
        'from its last checkpoint, so the same command resumes after a crash. Each '
        'member has its own folder, WORK_DIR/STAGE/NAME-sSEED. Exit code 1 if a member '
        'failed; the others are trained all the same.',
    )
    parser.add_argument(
        '--data',
        default='data/digit_pairs',
        help='folder of pairs; drawn if it does not exist (default: %(default)s)',
    )
    parser.add_argument(
        '--work-dir', default='work_dirs/pair', help='default: %(default)s'
    )
    parser.add_argument(
        '--small', action='store_true', help='the nets for two CPU cores'
    )
    parser.add_argument(
        '--stages',
        type=words,
        default=[],
        metavar='stage1,stage4',
        help='stage0, stage1, stage2, stage3, order, stage4 (default: all)',
    )
    parser.add_argument(
        '--members',
        type=words,
        default=[],
        metavar='NAME,NAME',
        help='nets of these stages, as fpn (default: all)',
    )
    parser.add_argument(
        '--seeds',
        type=lambda text: [int(word) for word in words(text)],
        default=[],
        metavar='42,2023',
        help='in place of those of the plan',
    )
    parser.add_argument(
        '--jobs', type=int, default=1, help='trainings at once; they share the cores'
    )
    parser.add_argument(
        '--digits', metavar='FILE', help='single digits, if pairs have to be drawn'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='change settings of every member: train_cfg.max_epochs=5',
    )
    parser.add_argument(
        '--retrain', action='store_true', help='begin the chosen members anew'
    )
    parser.add_argument(
        '--dry-run', action='store_true', help='only show what would be trained'
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.pair_stages import pair_stages
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(pair_stages, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
