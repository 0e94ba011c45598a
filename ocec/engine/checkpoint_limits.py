"""Sizes of checkpoints, looked at before and after they are unpickled.

What torch restricts is code, not sizes: an archive may unpack to any amount, one number
may be seen as a tensor of any shape, and a list that holds itself has no end.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

MAX_VALUES = 10_000_000
"""Of texts, numbers and containers, one that is met twice counted twice; a run with
optimizer has some thousands."""

SMALL_BYTES, MAX_RATIO = 1 << 28, 16
"""Tensors of more than 256 MiB must not be larger than this many times their file:
what is stored is not packed, and only an expanded tensor is larger."""

MAX_DEPTH = 100
"""Levels of lists and dicts; configs have less than 20."""


def check_archive(path: str | Path) -> None:
    """Refuse a packed archive: torch stores its members as they are.

    Args:
        path: of the checkpoint; one that is no zip archive passes.

    Raises:
        ValueError: the archive is packed, or its members are larger than the file.
    """
    path = Path(path)
    try:
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise ValueError(f'{path}: damaged checkpoint: {error}') from error
    present = path.stat().st_size
    declared = sum(member.file_size for member in members)
    is_packed = any(member.compress_type != zipfile.ZIP_STORED for member in members)
    if is_packed or declared > present:
        raise ValueError(
            f'{path}: damaged checkpoint: an archive of {present:,} bytes that unpacks '
            f'to {declared:,}; those of torch are not packed'
        )


def check_content(checkpoint: Any, path: str | Path) -> None:
    """Refuse what would fill the memory as soon as something is done with it.

    Args:
        checkpoint: as unpickled.
        path: of its file.

    Raises:
        ValueError: it is nested too deeply or holds itself, has too many values, or
            its tensors are far larger than the file.
    """
    try:
        num_values, num_bytes = _measure(checkpoint, {}, MAX_DEPTH)
    except RecursionError as error:
        raise ValueError(
            f'{path}: damaged checkpoint: nested more than {MAX_DEPTH} levels, or it '
            'holds itself'
        ) from error
    if num_values > MAX_VALUES:
        raise ValueError(
            f'{path}: damaged checkpoint: more than {MAX_VALUES:,} values beside the '
            'tensors'
        )
    present = Path(path).stat().st_size
    if num_bytes > max(SMALL_BYTES, MAX_RATIO * present):
        raise ValueError(
            f'{path}: damaged checkpoint: tensors of {num_bytes:,} bytes in a file of '
            f'{present:,}'
        )


def _measure(
    value: Any, seen: dict[int, tuple[int, int] | None], depth: int
) -> tuple[int, int]:
    """Count values and bytes of tensors as if nothing was shared."""
    if isinstance(value, torch.Tensor):
        return 1, value.numel() * value.element_size()
    if isinstance(value, Mapping):
        items = [*value.keys(), *value.values()]
    elif isinstance(value, (list, tuple, set)):
        items = value
    else:
        return 1, 0
    measured = seen.get(id(value), ()) if depth else None
    if measured is None:  # too deep, or inside of itself
        raise RecursionError
    if not measured:
        seen[id(value)] = None
        # each container once, however often it is met: a chain of pairs of the same
        # list stands for 2 ** length values
        parts = [_measure(item, seen, depth - 1) for item in items]
        measured = 1 + sum(n for n, _ in parts), sum(b for _, b in parts)
        seen[id(value)] = measured
    return measured
