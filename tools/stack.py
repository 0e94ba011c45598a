"""Stack trained models, or predict with a saved ensemble."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Combine trained models: scores on data that no model has seen, '
        'combiners judged out of fold and on an untouched test, a saved ensemble. Or '
        'predict with such an ensemble, or check a file of decisions.',
        usage='stack.py CONFIG [--out FOLDER] [--allow-unverified]\n'
        '       stack.py --predict ENSEMBLE DATA -o submission.csv [--split NAME]\n'
        '       stack.py --check submission.csv ENSEMBLE DATA [--split NAME]',
    )
    parser.add_argument('config', nargs='?', help='config of the stacking')
    parser.add_argument(
        '--predict', nargs=2, metavar=('ENSEMBLE', 'DATA'), help='predict id,label'
    )
    parser.add_argument(
        '--check',
        nargs=3,
        metavar=('CSV', 'ENSEMBLE', 'DATA'),
        help='check a file of decisions: columns, ids, labels',
    )
    parser.add_argument(
        '-o', '--out', help='folder of the stacking; file of the prediction'
    )
    parser.add_argument('--split', help='split of DATA: train, val, stack, test')
    parser.add_argument('--combiner', help='another one than the ensemble would take')
    parser.add_argument(
        '--allow-unverified',
        action='store_true',
        help='stack members although their training data cannot be found, so that '
        'nothing tells whether they have seen the rows; the report says so',
    )
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='unpickle anything from checkpoints; they could run code as you',
    )
    args = parser.parse_args()
    if sum(map(bool, (args.config, args.predict, args.check))) != 1:
        parser.error('give a CONFIG, or --predict, or --check')
    if args.predict and not args.out:
        parser.error('--predict needs -o FILE.csv')
    if args.config and (args.split or args.combiner):
        parser.error('--split and --combiner are for --predict and --check')
    return args


def run(args: argparse.Namespace) -> int:
    """Call what the arguments ask for; returns the exit code."""
    from ocec.apis.command import run_command
    from ocec.apis.stack import check_predictions, predict_ensemble, stack

    trust = {'trust_checkpoint': args.trust_checkpoint}
    if args.config:
        allow = args.allow_unverified
        settings = {'out': args.out, 'allow_unverified': allow, **trust}
        return run_command(stack, config=args.config, **settings)
    if args.predict:
        ensemble, data = args.predict
        settings = {'out': args.out, 'split': args.split, 'combiner': args.combiner}
        return run_command(
            predict_ensemble, ensemble=ensemble, data=data, **settings, **trust
        )
    submission, ensemble, data = args.check
    settings = {'ensemble': ensemble, 'data': data, 'split': args.split}
    return run_command(check_predictions, submission=submission, **settings, **trust)


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        return run(args)
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1


if __name__ == '__main__':
    sys.exit(main())
