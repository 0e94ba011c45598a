"""From a pickled checkpoint to safetensors and back."""

from __future__ import annotations

from pathlib import Path

from ocec.apis.errors import ConfigError
from ocec.engine.checkpoint_io import load_safely, save_atomically
from ocec.engine.safetensors_io import SUFFIX

PICKLED = ('.pth', '.pt')


def convert_checkpoint(
    checkpoint: str | Path, out: str | Path, *, trust_checkpoint: bool = False
) -> str:
    """Write a checkpoint in the other format; nothing of it is lost.

    Args:
        checkpoint: ``.pth`` or ``.pt``, or ``.safetensors``.
        out: file to write, of the other format; the ending decides.
        trust_checkpoint: unpickle anything when loading.

    Returns:
        The SHA-256 of what was written, in hexadecimal.

    Raises:
        ConfigError: a file has another ending, both have one format, or there is no
            checkpoint.
        ImportError: safetensors is not installed.
        ValueError: the checkpoint is damaged or not trusted, or holds more than
            tensors and plain values.
    """
    formats = [_format_of(file) for file in (checkpoint, out)]
    if formats[0] == formats[1]:
        raise ConfigError(
            f'{checkpoint} and {out} are of one format: one of the two must end in '
            f'{SUFFIX}'
        )
    if not Path(checkpoint).is_file():
        raise ConfigError(f'{checkpoint}: no such checkpoint')
    content = load_safely(checkpoint, trust=trust_checkpoint)
    digest = save_atomically(content, out)
    print(f'{out}: {Path(out).stat().st_size:,} bytes, SHA-256 {digest}')
    return digest


def _format_of(file: str | Path) -> str:
    suffix = Path(file).suffix
    if suffix not in (*PICKLED, SUFFIX):
        raise ConfigError(
            f'{file}: a checkpoint ends in {", ".join(PICKLED)} or {SUFFIX}'
        )
    return SUFFIX if suffix == SUFFIX else PICKLED[0]
