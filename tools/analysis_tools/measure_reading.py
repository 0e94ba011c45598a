"""Measure how fast a data set is decoded and read, and the memory that takes."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='How fast pictures are decoded into the cache and read from it in '
        'random batches on one thread, the memory of both (each in a process of its '
        'own), the bytes kept per row, and what that makes for 10 million rows.',
    )
    parser.add_argument('data', metavar='DATA', help='parquet file, folder or pattern')
    parser.add_argument(
        '--split',
        choices=['train', 'val', 'test'],
        default='train',
        help='of the reading (default: train)',
    )
    parser.add_argument(
        '--image-size', default='32x64', metavar='HxW', help='default: 32x64'
    )
    parser.add_argument('--batch-size', type=int, default=256, help='default: 256')
    parser.add_argument(
        '--num-batches', type=int, metavar='N', help='default: all images once'
    )
    parser.add_argument(
        '--cache-dir',
        metavar='DIR',
        help='of the decoded cache; an empty one measures the build (default: '
        '$OCEC_CACHE_DIR, else the cache folder of the user)',
    )
    parser.add_argument(
        '--stream',
        action='store_true',
        help='read onwards without a cache instead, as EyeParquetStream does',
    )
    parser.add_argument(
        '--json', dest='json_file', metavar='FILE', help='write all numbers there'
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = vars(parse_args())
    try:
        from ocec.apis.command import run_command

        if args.pop('stream'):
            from ocec.apis.measure_stream import measure_stream as measure

            del args['cache_dir']
        else:
            from ocec.apis.measure_reading import measure_reading as measure
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(measure, **args)


if __name__ == '__main__':
    sys.exit(main())
