"""Export a checkpoint to ONNX and compare the file with it on real images."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line; what is not given is left to ``ExportSettings``."""
    parser = argparse.ArgumentParser(
        argument_default=argparse.SUPPRESS,
        description='Export a checkpoint to ONNX files that say P(open), one for each '
        'precision, and compare each with the checkpoint on real images: largest '
        'difference, decisions that flip, F1, latency. A file that differs too much '
        'does not get its name. Exit codes: 0 done, 1 failed or too different, 2 wrong '
        'usage or config.',
    )
    add = parser.add_argument
    add('checkpoint')
    add('--config', metavar='FILE', help='default: the one in the checkpoint')
    add('--out', metavar='FILE.onnx', help='default: beside the checkpoint')
    add(
        '--input',
        choices=('resized', 'raw'),
        help='resized: images of the network size (default); raw: uint8 pictures of '
        'any size, resized inside as the training did',
    )
    add(
        '--normalize',
        choices=('inside', 'outside'),
        help='where mean and std are applied (default: inside)',
    )
    add(
        '--dtype',
        choices=('float32', 'uint8'),
        help='of the input (default: float32; uint8 for raw)',
    )
    add(
        '--precision',
        dest='precisions',
        nargs='+',
        choices=('fp32', 'fp16', 'int8'),
        help='one file each (default: fp32)',
    )
    add('--batch', type=int, metavar='N', help='fixed number of images (default: any)')
    add('--embedding', action='store_true', help='also output what the head decides on')
    add('--opset', type=int, help='15 to 23 (default: 18)')
    add('--exporter', choices=('auto', 'dynamo', 'torchscript'))
    add(
        '--slim',
        action=argparse.BooleanOptionalAction,
        help='let onnxslim simplify the graph (default: no)',
    )
    add(
        '--threshold',
        help='stored in the file: a number, best_f1, precision or false_alarm '
        '(default: best_f1 where it is stored, else that of the metric)',
    )
    add('--data', metavar='FILE', help='parquet file, folder or pattern to compare on')
    add('--split', help='of the data (default: val)')
    add('--no-parity', dest='parity', action='store_false', help='do not compare')
    add('--max-drop', type=float, help='of F1 by int8 (default: 0.003)')
    add(
        '--max-images',
        type=int,
        metavar='N',
        help='compare on N, spread over the split; 0: all (default: 10000)',
    )
    add('--repeats', type=int, help='timed calls of each runtime (default: 300)')
    add('--cfg-options', nargs='+', metavar='KEY=VALUE', help='change the config')
    add('--trust-checkpoint', action='store_true', help='unpickle anything')
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = vars(parse_args())
    if 'precisions' in args:
        args['precisions'] = tuple(args['precisions'])
    try:
        from ocec.apis.command import run_command
        from ocec.apis.export_onnx import export_onnx
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(export_onnx, **args)


if __name__ == '__main__':
    sys.exit(main())
