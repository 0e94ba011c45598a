"""``python -m ocec exportonnx``: the original's command on this export."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from ocec.apis.export_onnx import ExportResult, export_onnx
from ocec.apis.guide_command import packed_file, shown_path
from ocec.apis.guide_export_settings import GuideExport

TOOL = 'tools/export_onnx.py'


def export_by_guide(settings: GuideExport) -> ExportResult:
    """Print the equivalent call of ``tools/export_onnx.py``, then run it.

    Args:
        settings: of the command.

    Returns:
        The files.

    Raises:
        ConfigError: an argument or the config is wrong, or the data are missing.
        ValueError: the file differs too much from the checkpoint.
    """
    print(f'The same with the tool:\n{tool_call(settings)}\n', flush=True)
    return export_onnx(
        settings.checkpoint,
        out=settings.output,
        opset=settings.opset,
        data=settings.data,
        parity=not settings.no_parity,
    )


def tool_call(settings: GuideExport) -> str:
    """Return the call of ``tools/export_onnx.py`` that a command stands for.

    Args:
        settings: of the command.

    Returns:
        The call for a shell.
    """
    words = [shown_path(Path(sys.executable)), shown_path(packed_file(TOOL))]
    words += [settings.checkpoint, '--out', settings.output]
    words += ['--opset', str(settings.opset)]
    if settings.data is not None:
        words += ['--data', settings.data]
    if settings.no_parity:
        words.append('--no-parity')
    return shlex.join(words)
