"""Compare runs by their work_dirs: one page, tables, a picture."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Compare runs: best metric, epochs and minutes to a target, '
        'seconds per epoch, smoothness of the loss, train-val gap, curves with seeds '
        'as a band, config, data and code differences. Training numbers, as the top-1 '
        'of actions, are those of augmented samples with dropout. Reads metrics.jsonl '
        'of this toolbox, vis_data/*.json of mmengine and history.json of the original '
        'OCEC. '
        'Exit code 1 if a folder cannot be shown; the report holds the others.',
    )
    parser.add_argument(
        'work_dirs',
        nargs='+',
        metavar='WORK_DIR',
        help='work_dir of a run, or a folder of work_dirs',
    )
    parser.add_argument(
        '-o', '--out', metavar='FILE', help='report.html (default: only the terminal)'
    )
    parser.add_argument(
        '--format',
        dest='formats',
        type=lambda text: [kind.strip() for kind in text.split(',') if kind.strip()],
        default=[],
        metavar='html,md,csv,png',
        help='several formats beside each other (default: by the name of -o)',
    )
    parser.add_argument(
        '--metric',
        help='to judge by, as f1, eye/auc or loss (default: f1; fused_top1 of actions)',
    )
    parser.add_argument(
        '--target',
        type=float,
        help='of that metric, for epochs and minutes to it (default: what every run '
        'reaches); the page has a slider',
    )
    parser.add_argument(
        '--watch',
        type=float,
        metavar='SECONDS',
        help='write again every so often until all runs have ended; the page reloads',
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.compare_runs import compare_runs
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(compare_runs, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
