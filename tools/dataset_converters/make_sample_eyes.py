"""Draw sample eye crops, open and closed, into one parquet file."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Draw sample eye crops, open and closed, into one parquet file.',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        '--out', default='data/sample_eyes.parquet', help='file to write'
    )
    parser.add_argument('--subjects', type=int, default=96, help='number of subjects')
    parser.add_argument('--crops', type=int, default=100, help='crops of each subject')
    parser.add_argument('--look', choices=['visible', 'infrared'], default='visible')
    parser.add_argument('--seed', type=int, default=42, help='seed of all randomness')
    parser.add_argument('--jobs', type=int, help='processes; all cores if not given')
    parser.add_argument(
        '--force', action='store_true', help='overwrite a file with other settings'
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code: 0 done, 1 failed, 2 wrong usage."""
    args = parse_args()
    from ocec.apis.command import run_command
    from ocec.apis.sample_data import make_sample_eyes

    return run_command(
        make_sample_eyes,
        out=args.out,
        num_subjects=args.subjects,
        crops_per_subject=args.crops,
        look=args.look,
        seed=args.seed,
        jobs=args.jobs,
        force=args.force,
    )


if __name__ == '__main__':
    sys.exit(main())
