"""Draw sample clips of actions, videos and skeletons, laid out like NTU RGB+D 60."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Draw sample clips of actions, videos and skeletons, laid out '
        'like NTU RGB+D 60.',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        'out', nargs='?', default='data/sample_actions', help='folder to write'
    )
    parser.add_argument('--clips', type=int, default=300, help='number of clips')
    parser.add_argument('--classes', nargs='+', help='their names; all if not given')
    parser.add_argument('--subjects', type=int, default=12, help='number of subjects')
    parser.add_argument('--seed', type=int, default=42, help='seed of all randomness')
    parser.add_argument('--jobs', type=int, help='processes; all cores if not given')
    parser.add_argument(
        '--size', type=_size, default='160x120', help='width x height in pixels'
    )
    parser.add_argument(
        '--frames', type=_span, default='40-90', help='shortest and longest clip'
    )
    parser.add_argument(
        '--force', action='store_true', help='overwrite a set with other settings'
    )
    return parser.parse_args()


def _size(text: str) -> tuple[int, int]:
    return _two(text, 'x', '160x120')


def _span(text: str) -> tuple[int, int]:
    return _two(text, '-', '40-90')


def _two(text: str, sign: str, example: str) -> tuple[int, int]:
    first, _, second = text.partition(sign)
    if not (first.isdecimal() and second.isdecimal()):
        raise argparse.ArgumentTypeError(f'{text!r} is not written like {example}')
    return int(first), int(second)


def main() -> int:
    """Run the tool; returns its exit code: 0 done, 1 failed, 2 wrong usage."""
    args = parse_args()
    from ocec.apis.command import run_command
    from ocec.apis.make_sample_actions import make_sample_actions

    return run_command(
        make_sample_actions,
        out=args.out,
        num_clips=args.clips,
        classes=args.classes,
        num_subjects=args.subjects,
        seed=args.seed,
        size=args.size,
        frames=args.frames,
        jobs=args.jobs,
        force=args.force,
    )


if __name__ == '__main__':
    sys.exit(main())
