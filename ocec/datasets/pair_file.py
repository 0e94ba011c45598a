"""Files of pairs: an npz with pixels, and labels in it or in a CSV, joined by id.

Shapes: N pairs, 2 sides (left, right) of 28 x 28 pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ocec.functional.csv_rows import NamedRows
from ocec.functional.npz_file import read_arrays

SIDE_PX = 28
UNKNOWN = -1
ID_COLUMN, LABEL_COLUMN = 'id', 'label'
# how many ids an error message shows
SHOWN_IDS = 3


@dataclass(frozen=True)
class PairTable:
    """Pairs of one file.

    Args:
        file: where they come from.
        x_N2HW: (N, 2, 28, 28) uint8, left and right.
        label_N: (N,) int8, 1 left is larger, 0 left is smaller; -1 unknown.
        id_N: (N,) text, each once.
        digit_N2: (N, 2) int8 in [0, 9]; -1 unknown.
        source_N2: (N, 2) int32, number of the source digit; -1 unknown.
        block_N: (N,) int32, pairs of two blocks share no source digit; -1 unknown.
        occluded_N2: (N, 2) float32, covered share of each side in [0, 1]; NaN unknown.
    """

    file: Path
    x_N2HW: np.ndarray
    label_N: np.ndarray
    id_N: np.ndarray
    digit_N2: np.ndarray
    source_N2: np.ndarray
    block_N: np.ndarray
    occluded_N2: np.ndarray


def read_pairs(
    file: Path, *, labels: Path | None = None, need_labels: bool = True
) -> PairTable:
    """Read an npz of pairs.

    It holds ``x`` (N, 28, 56) uint8, left and right side by side, and, as far as known,
    ``y`` (N,), ``id`` (N,), ``digit`` (N, 2), ``source`` (N, 2), ``block`` (N,) and
    ``occluded`` (N, 2).

    Args:
        file: the npz; pickled objects in it are refused.
        labels: CSV with the columns ``id`` and ``label``, in any order of the rows, in
            place of ``y``.
        need_labels: refuse a file without labels; else they are -1.

    Returns:
        The pairs, in the order of the npz.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is damaged, an array is missing or wrong, or the ids of
            npz and CSV differ; the message names file and array.
    """
    arrays = load_npz(file)
    x_NHW = _checked_pixels(file, arrays)
    num_pairs = len(x_NHW)
    id_N = _checked_ids(file, arrays, num_pairs)
    if labels is not None:
        label_N = _join_labels(labels, id_N, file)
    elif 'y' in arrays:
        label_N = _checked_labels(file, arrays['y'], num_pairs)
    elif need_labels:
        raise ValueError(
            f'{file}: no labels: it has no array y, so give labels=CSV with the '
            f'columns {ID_COLUMN} and {LABEL_COLUMN}; found {sorted(arrays)}'
        )
    else:
        label_N = np.full(num_pairs, UNKNOWN, np.int8)
    known = {
        name: _optional(file, arrays, name, shape, dtype)
        for name, shape, dtype in (
            ('digit', (num_pairs, 2), np.int8),
            ('source', (num_pairs, 2), np.int32),
            ('block', (num_pairs,), np.int32),
            ('occluded', (num_pairs, 2), np.float32),
        )
    }
    sides_N2HW = x_NHW.reshape(num_pairs, SIDE_PX, 2, SIDE_PX).swapaxes(1, 2)
    return PairTable(
        file=file,
        x_N2HW=np.ascontiguousarray(sides_N2HW),
        label_N=label_N,
        id_N=id_N,
        digit_N2=known['digit'],
        source_N2=known['source'],
        block_N=known['block'],
        occluded_N2=known['occluded'],
    )


def read_source_rows(file: Path) -> np.ndarray:
    """Read which source digits the pairs of an npz are made of, and nothing else.

    Args:
        file: the npz.

    Returns:
        Their numbers, sorted, each once; none where they are not known.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, no npz, or holds pickled objects.
    """
    arrays = read_arrays(file, lambda names: [n for n in names if n == 'source'])
    numbers = np.unique(arrays.get('source', np.zeros(0, np.int32)))
    return numbers[numbers != UNKNOWN]


def load_npz(file: Path) -> dict[str, np.ndarray]:
    """Read all arrays of an npz.

    Args:
        file: the npz.

    Returns:
        Name to array.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged, no npz, or holds pickled objects.
    """
    if not file.is_file():
        raise FileNotFoundError(f'{file}: no such file of pairs')
    return read_arrays(file)


def _checked_pixels(file: Path, arrays: dict) -> np.ndarray:
    if 'x' not in arrays:
        raise ValueError(f'{file}: array x is missing; found {sorted(arrays)}')
    x_NHW = arrays['x']
    if x_NHW.shape[1:] != (SIDE_PX, 2 * SIDE_PX) or x_NHW.dtype != np.uint8:
        raise ValueError(
            f'{file}: x must be uint8 of shape (N, {SIDE_PX}, {2 * SIDE_PX}), got '
            f'{x_NHW.dtype} {x_NHW.shape}'
        )
    if len(x_NHW) == 0:
        raise ValueError(f'{file}: x holds no pairs')
    return x_NHW


def _checked_ids(file: Path, arrays: dict, num_pairs: int) -> np.ndarray:
    if 'id' not in arrays:
        return np.arange(num_pairs).astype(str)
    id_N = arrays['id']
    if id_N.shape != (num_pairs,):
        raise ValueError(
            f'{file}: id must have one entry per pair, got {id_N.shape} for '
            f'{num_pairs:,} pairs'
        )
    id_N = id_N.astype(str)
    _check_unique(id_N, str(file))
    return id_N


def _checked_labels(file: Path, y_N: np.ndarray, num_pairs: int) -> np.ndarray:
    if y_N.shape != (num_pairs,):
        raise ValueError(
            f'{file}: y must have one label per pair, got {y_N.shape} for '
            f'{num_pairs:,} pairs'
        )
    wrong_N = ~np.isin(y_N, (0, 1))
    if wrong_N.any():
        row = int(wrong_N.argmax())
        raise ValueError(
            f'{file}: y must be 0 or 1, got {y_N[row].item()!r} in row {row} '
            f'({wrong_N.sum():,} rows in all)'
        )
    return y_N.astype(np.int8)


def _optional(file: Path, arrays: dict, name: str, shape, dtype) -> np.ndarray:
    if name not in arrays:
        unknown = np.nan if dtype == np.float32 else UNKNOWN
        return np.full(shape, unknown, dtype)
    if arrays[name].shape != shape:
        raise ValueError(
            f'{file}: {name} must have shape {shape}, got {arrays[name].shape}'
        )
    if arrays[name].dtype.kind not in ('fiu' if dtype == np.float32 else 'iu'):
        raise ValueError(
            f'{file}: {name} must hold numbers as {np.dtype(dtype).name}, got '
            f'{arrays[name].dtype}'
        )
    return arrays[name].astype(dtype)


def _join_labels(labels: Path, id_N: np.ndarray, file: Path) -> np.ndarray:
    """Labels of the CSV in the order of the npz, whatever the order of its rows."""
    listed, label_of = _read_labels(labels)
    _check_unique(np.array(listed), str(labels))
    wanted = set(id_N.tolist())
    if missing := sorted(wanted - set(label_of)):
        raise ValueError(
            f'{labels}: {len(missing):,} of {len(id_N):,} ids of {file} are missing '
            f'({_first(missing)})'
        )
    if extra := sorted(set(label_of) - wanted):
        raise ValueError(
            f'{labels}: {len(extra):,} ids are not in {file} ({_first(extra)})'
        )
    return np.array([label_of[name] for name in id_N.tolist()], np.int8)


def _read_labels(path: Path) -> tuple[list[str], dict[str, int]]:
    if not path.is_file():
        raise FileNotFoundError(f'{path}: no such file of labels')
    listed, label_of = [], {}
    with open(path, newline='', encoding='utf-8-sig') as stream:
        reader = NamedRows(stream, path)
        columns = reader.columns
        if not {ID_COLUMN, LABEL_COLUMN} <= set(columns):
            raise ValueError(
                f'{path}: needs the columns {ID_COLUMN} and {LABEL_COLUMN}, found '
                f'{columns}'
            )
        for row in reader:
            if row[LABEL_COLUMN] not in ('0', '1'):
                raise ValueError(
                    f'{path}, line {reader.line_num}: label must be 0 or 1, got '
                    f'{row[LABEL_COLUMN]!r}'
                )
            listed.append(row[ID_COLUMN])
            label_of[row[ID_COLUMN]] = int(row[LABEL_COLUMN])
    return listed, label_of


def _check_unique(id_N: np.ndarray, where: str) -> None:
    names, counts = np.unique(id_N, return_counts=True)
    if (repeated := names[counts > 1].tolist()) != []:
        raise ValueError(
            f'{where}: {len(repeated):,} ids occur more than once ({_first(repeated)})'
        )


def _first(names: list[str]) -> str:
    return ', '.join(names[:SHOWN_IDS]) + (', ...' if len(names) > SHOWN_IDS else '')
