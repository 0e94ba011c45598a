"""The list of hard samples: which images to draw more often, and by how much.

Shapes: K listed samples.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from ocec.functional.csv_rows import NamedRows

ID_COLUMN, WEIGHT_COLUMN = 'sample_id', 'weight'
# how many ids an error message shows
SHOWN_IDS = 3


def read_hard_samples(
    path: str | Path, *, default_weight: float
) -> tuple[np.ndarray, np.ndarray]:
    """Read a CSV of sample ids, with or without a weight of each.

    Args:
        path: CSV with a header; column ``sample_id``, a row number of the dataset's
            source as in :class:`ocec.structures.BatchTargets`, and optionally
            ``weight``, > 0, how many times as often as before. Further columns are
            allowed.
        default_weight: weight of all samples where there is no such column.

    Returns:
        (K,) int64 ids, and (K,) float64 weights.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the column of the ids is missing, an id is no whole number or
            listed twice, or a weight is not > 0; the message names file and line.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f'hard_samples: {path}: no such file. Give a CSV with a column '
            f'"{ID_COLUMN}", or leave hard_samples out'
        )
    with open(path, newline='', encoding='utf-8-sig') as stream:
        reader = NamedRows(stream, path)
        columns = reader.columns
        if ID_COLUMN not in columns:
            raise ValueError(
                f'{path}: column "{ID_COLUMN}" is missing; found {columns}'
            )
        rows = [(f'{path}, line {reader.line_num}', row) for row in reader]
    id_K = np.array([_id(row[ID_COLUMN], where) for where, row in rows], np.int64)
    weight_K = np.full(len(rows), float(default_weight))
    if WEIGHT_COLUMN in columns:
        weight_K[:] = [_weight(row[WEIGHT_COLUMN], where) for where, row in rows]
    _check_unique(id_K, path)
    return id_K, weight_K


def _id(text: str | None, where: str) -> int:
    try:
        number = int(text or '')
    except ValueError as error:
        raise ValueError(
            f'{where}: {ID_COLUMN} must be a whole number, got {text!r}'
        ) from error
    if not 0 <= number < 2**63:
        raise ValueError(f'{where}: {ID_COLUMN} must be >= 0, got {text}')
    return number


def _weight(text: str | None, where: str) -> float:
    try:
        weight = float(text or 'nan')
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        raise ValueError(f'{where}: {WEIGHT_COLUMN} must be > 0, got {text!r}')
    return weight


def _check_unique(id_K: np.ndarray, path: Path) -> None:
    ids, counts = np.unique(id_K, return_counts=True)
    if (repeated := ids[counts > 1].tolist()) != []:
        shown = ', '.join(map(str, repeated[:SHOWN_IDS]))
        raise ValueError(
            f'{path}: {len(repeated):,} of {len(ids):,} samples are listed more than '
            f'once ({shown}); leave one line of each'
        )
