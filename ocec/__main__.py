"""``python -m ocec``: the command line of the training guides."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from ocec.apis.guide_export_settings import GuideExport, add_export_arguments
from ocec.apis.guide_parser import add_train_arguments
from ocec.apis.guide_settings import GuideSettings


def parse_args(arguments: Sequence[str] | None = None) -> GuideSettings | GuideExport:
    """Read the command line.

    Args:
        arguments: the words after the program; None takes those of the process.

    Returns:
        The settings of ``train`` or of ``exportonnx``.
    """
    parser = argparse.ArgumentParser(
        prog='python -m ocec', description='Open or closed eyes, as the guides do it.'
    )
    commands = parser.add_subparsers(dest='command', metavar='COMMAND', required=True)
    train = commands.add_parser(
        'train',
        help='train a classifier',
        description='Train as the guides do: print the equivalent call of '
        'tools/train.py, then run it. Every flag may be written with dashes too.',
    )
    add_train_arguments(train)
    export = commands.add_parser(
        'exportonnx',
        help='export a checkpoint to ONNX',
        description='Print the equivalent call of tools/export_onnx.py, which can do '
        'more, then run it.',
    )
    add_export_arguments(export)
    args = vars(parser.parse_args(arguments))
    if args.pop('command') == 'exportonnx':
        return GuideExport(**args)
    args['pretrain'] = tuple(args['pretrain'])
    try:
        return GuideSettings(**args)
    except ValueError as error:
        train.error(str(error))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: the words after the program; None takes those of the process.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong usage or config.
    """
    settings = parse_args(arguments)
    if settings.device == 'cpu':
        # counts only until torch has looked for GPUs
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
    try:
        from ocec.apis.command import run_command

        if isinstance(settings, GuideExport):
            from ocec.apis.guide_export import export_by_guide as function
        else:
            from ocec.apis.guide_command import train_by_guide as function
    except ImportError as error:  # a broken install; the message says what mends it
        print(f'error: {error}', file=sys.stderr)
        return 1
    return run_command(function, settings=settings)


if __name__ == '__main__':
    sys.exit(main())
