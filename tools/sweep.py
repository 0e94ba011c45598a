"""Search settings, or repeat trainings over seeds and folds."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Search settings (grid, random, TPE, CMA-ES), or repeat trainings '
        'over seeds and folds and compare configs. The same command goes on after a '
        'crash, and on several machines it shares the work: docs/search.md.',
    )
    parser.add_argument('config', help='config of the sweep, as configs/sweeps/*.py')
    parser.add_argument('--data', help='parquet file, folder or pattern of all trials')
    parser.add_argument(
        '--workers',
        type=int,
        default=1,
        metavar='N',
        help='trials at once here; they share the cores, and the GPUs by turns',
    )
    parser.add_argument(
        '--work-dir', help='folder of all trials (default: work_dirs/<config name>)'
    )
    parser.add_argument(
        '--storage',
        metavar='URL',
        help='sqlite:///FILE, postgresql://USER:PASSWORD@HOST/NAME or a journal file '
        '(default: journal.log in the work_dir)',
    )
    parser.add_argument(
        '--trials', type=int, metavar='N', help='in all, in place of num_trials'
    )
    parser.add_argument(
        '--timeout-minutes',
        type=float,
        metavar='M',
        help='begin no trial after that; those that go on are finished',
    )
    parser.add_argument(
        '--retry-failed', action='store_true', help='do failed trials again'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action='extend',
        default=[],
        metavar='KEY=VALUE',
        help='change settings of every trial: train_cfg.max_epochs=5',
    )
    parser.add_argument(
        '--dry-run', action='store_true', help='only check, and show the trials'
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.sweep import sweep
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(sweep, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
