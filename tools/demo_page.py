"""Write a page that runs an exported model in the browser, without a network."""

import argparse
import sys


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description='Write one HTML file with a model and all that runs it. Crops, a '
        'video or the camera give P(open), the state and the latency; nothing leaves '
        'the browser. Needs onnxruntime-web (npm). Exit codes: 0 done, 1 failed, 2 '
        'wrong usage or no onnxruntime-web.',
    )
    parser.add_argument(
        'model', metavar='MODEL.onnx', help='file written by tools/export_onnx.py'
    )
    parser.add_argument(
        '-o', '--out', default='demo.html', metavar='FILE.html', help='page to write'
    )
    parser.add_argument(
        '--runtime',
        metavar='DIR',
        help='folder of onnxruntime-web (default: web/node_modules/onnxruntime-web in '
        'the Python environment, then node_modules/onnxruntime-web here)',
    )
    parser.add_argument(
        '--threshold',
        type=float,
        metavar='P',
        help='P(open) from which an eye counts as open (default: that of the model)',
    )
    return parser.parse_args()


def main() -> int:
    """Run the tool; returns its exit code."""
    args = parse_args()
    try:
        from ocec.apis.command import run_command
        from ocec.apis.demo_page import make_demo_page
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(make_demo_page, **vars(args))


if __name__ == '__main__':
    sys.exit(main())
