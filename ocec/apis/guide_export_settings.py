"""What ``python -m ocec exportonnx`` can be told.

Imports the standard library only, so that the command has its help text at once.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from ocec.apis.guide_settings import DEVICES

DEFAULT_OPSET = 17


@dataclass(frozen=True, kw_only=True)
class GuideExport:
    """One call of ``python -m ocec exportonnx``.

    Args:
        checkpoint: to export.
        output: the ONNX file.
        opset: of the file.
        device: ``auto``, ``cuda`` or ``cpu``; exports are made on the CPU.
        data: to compare on; None takes those of the config in the checkpoint.
        no_parity: do not compare.
    """

    checkpoint: str
    output: str
    opset: int = DEFAULT_OPSET
    device: str = 'auto'
    data: str | None = None
    no_parity: bool = False


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """Give a parser the flags of the command.

    Args:
        parser: gets one argument per field of :class:`GuideExport`.
    """
    add = parser.add_argument
    add('--checkpoint', required=True, help='to export')
    add('--output', required=True, help='the ONNX file')
    add(
        '--opset',
        type=int,
        default=DEFAULT_OPSET,
        help='15 to 23 (default: %(default)s)',
    )
    add(
        '--device',
        choices=DEVICES,
        default='auto',
        help='without effect: exports are made on the CPU (default: %(default)s)',
    )
    add('--data', help='parquet file or folder to compare on; its val split counts')
    add(
        '--no_parity',
        '--no-parity',
        action='store_true',
        help='do not compare the file with the checkpoint',
    )
