"""The source digits that pairs are made of, as ``digits.npz`` holds them.

Shapes: S digits of one split.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ocec.datasets.pair_file import SIDE_PX, load_npz
from ocec.functional.json_text import read_json

DIGITS_FILE, META_FILE = 'digits.npz', 'meta.json'
NEEDED = ('x', 'digit', 'split', 'block')


@dataclass(frozen=True)
class SourceDigits:
    """Images of single digits of one split.

    Args:
        file: where they come from.
        x_SHW: (S, 28, 28) uint8.
        digit_S: (S,) int64 in [0, 9].
        block_S: (S,) int32 >= 0, each with all ten digits.
        row_S: (S,) int64, their rows in the file, rising.
        source_fingerprint: of all digits of the file; None if it is not known.
    """

    file: Path
    x_SHW: np.ndarray
    digit_S: np.ndarray
    block_S: np.ndarray
    row_S: np.ndarray
    source_fingerprint: str | None


def read_source_digits(path: Path, split: str) -> SourceDigits:
    """Read the digits of one split.

    Args:
        path: ``digits.npz``, or the folder it lies in.
        split: ``train``, ``val``, ``stack`` or ``test``.

    Returns:
        The digits, in the order of the file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, an array is missing or wrong, or the split is
            empty; the message names the file.
    """
    file = path / DIGITS_FILE if path.is_dir() else path
    arrays = load_npz(file)
    if missing := [name for name in NEEDED if name not in arrays]:
        raise ValueError(
            f'{file}: arrays are missing: {", ".join(missing)}; found {sorted(arrays)}'
        )
    x_AHW = arrays['x']
    if x_AHW.shape[1:] != (SIDE_PX, SIDE_PX) or x_AHW.dtype != np.uint8:
        raise ValueError(
            f'{file}: x must be uint8 of shape (S, {SIDE_PX}, {SIDE_PX}), got '
            f'{x_AHW.dtype} {x_AHW.shape}'
        )
    for name in NEEDED[1:]:
        if arrays[name].shape != (len(x_AHW),):
            raise ValueError(
                f'{file}: {name} must have one entry per image, got '
                f'{arrays[name].shape} for {len(x_AHW):,} images'
            )
    for name in ('digit', 'block'):
        if arrays[name].dtype.kind not in 'iu':
            raise ValueError(
                f'{file}: {name} must hold whole numbers, got {arrays[name].dtype}'
            )
    row_S = np.flatnonzero(arrays['split'] == split)
    if len(row_S) == 0:
        found = sorted(set(arrays['split'].tolist()))
        raise ValueError(f'{file}: no digit of split "{split}"; found {found}')
    meta = file.with_name(META_FILE)
    known = read_json(meta, dict) if meta.is_file() else {}
    return SourceDigits(
        file=file,
        x_SHW=x_AHW[row_S],
        digit_S=_digits(file, arrays['digit'][row_S]),
        block_S=arrays['block'][row_S].astype(np.int32),
        row_S=row_S,
        source_fingerprint=known.get('source_fingerprint'),
    )


def _digits(file: Path, digit_S: np.ndarray) -> np.ndarray:
    if digit_S.min() < 0 or digit_S.max() > 9:
        raise ValueError(
            f'{file}: digits must be in [0, 9], got {digit_S.min()} to {digit_S.max()}'
        )
    return digit_S.astype(np.int64)
