"""The statistics of the pictures of one data set, read row group by row group.

Shapes: N chosen rows, n rows of one row group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ocec.apis.check_dataset_scan import RowGroup, find_row_groups
from ocec.apis.process_map import map_in_processes
from ocec.apis.progress import track
from ocec.datasets.eye_table import (
    NO_GROUP,
    SPLITS,
    BadRow,
    EyeTable,
    find_parquet_files,
    read_eye_table,
)
from ocec.datasets.picture_decode import PictureError, decode_picture
from ocec.datasets.picture_file import read_encoded
from ocec.functional.picture_statistics import PIXEL_STATISTICS, measure_pixels
from ocec.preparation.drift_numbers import STATISTICS

ROWS_PER_BATCH = 256


@dataclass(frozen=True)
class MeasuredSet:
    """One data set in numbers.

    Args:
        name: what it is called in a report.
        table: all rows of its files.
        num_rows: rows of the split.
        row_N: (N,) the rows measured, ascending.
        value_NK: (N, 13) float32 in the order of ``drift_numbers.STATISTICS``.
        bad_rows: chosen rows that could not be read.
    """

    name: str
    table: EyeTable
    num_rows: int
    row_N: np.ndarray
    value_NK: np.ndarray
    bad_rows: tuple[BadRow, ...]

    @property
    def labels(self) -> np.ndarray:
        """Label of each measured row: 1 open, 0 closed, -1 unknown."""
        return self.table.label_N[self.row_N]

    @property
    def group_names(self) -> list[str]:
        """Known groups of the measured rows."""
        codes = np.unique(self.table.group_N[self.row_N])
        return [self.table.group_names[code] for code in codes if code != NO_GROUP]


def measure_set(
    data: str | Path | Sequence[str],
    split: str | None,
    *,
    image_size: tuple[int, int],
    max_rows: int,
    seed: int = 0,
    jobs: int | None = None,
    allow_outside: bool = False,
) -> MeasuredSet:
    """Measure the pictures of a data set.

    Memory holds 52 bytes per measured row, and a batch and a row group per process.

    Args:
        data: a parquet file, a folder of them, a pattern, or a list of those.
        split: ``train``, ``val`` or ``test``; None takes all rows.
        image_size: (H, W) that pixels are measured at, as a model sees them.
        max_rows: of more rows a random choice is measured, >= 1.
        seed: of that choice.
        jobs: processes, >= 1; None takes all cores.
        allow_outside: also read pictures outside the folder of their parquet file.

    Returns:
        The numbers.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: a file is damaged, no row of the split can be read, or an argument
            is out of range.
    """
    table = read_eye_table(find_parquet_files(data))
    chosen = rows = _rows_of(table, split)
    if len(rows) > max_rows:
        rng = np.random.default_rng(seed)
        chosen = np.sort(rng.choice(rows, max_rows, replace=False))
    name = f'{data}' + (f' [{split}]' if split else '')
    tasks = _tasks(table, chosen)
    measure = partial(
        _measure_group, image_size=image_size, allow_outside=allow_outside
    )
    results = map_in_processes(measure, tasks, jobs=jobs)
    row_parts, value_parts, bad_rows = [], [], []
    for (group, _), (row_n, value_nK, problems) in zip(
        tasks,
        track(results, total=len(tasks), what=f'row groups of {name}'),
        strict=True,
    ):
        row_parts.append(group.first_row + row_n)
        value_parts.append(value_nK)
        bad_rows += [
            BadRow(*table.locate(group.first_row + n), text) for n, text in problems
        ]
    row_N = np.concatenate(row_parts)
    if not len(row_N):
        raise ValueError(f'{name}: no picture can be read, as {bad_rows[0]}')
    return MeasuredSet(
        name, table, len(rows), row_N, np.concatenate(value_parts), tuple(bad_rows)
    )


def _rows_of(table: EyeTable, split: str | None) -> np.ndarray:
    if split is None:
        rows, what = np.arange(len(table)), 'row'
    elif split not in SPLITS:
        raise ValueError(f'split must be one of {SPLITS}, got {split!r}')
    else:
        rows = np.flatnonzero(table.split_N == SPLITS.index(split))
        what = f'row in split "{split}"'
    if not len(rows):
        counts = {
            name: int((table.split_N == code).sum()) for code, name in enumerate(SPLITS)
        }
        raise ValueError(f'{table.files[0]}: no {what}; rows by split: {counts}')
    return rows


def _tasks(table: EyeTable, rows: np.ndarray) -> list[tuple[RowGroup, np.ndarray]]:
    """Row groups with their chosen rows, counted within the group."""
    groups = find_row_groups(table)
    starts = [group.first_row for group in groups]
    group_N = np.searchsorted(starts, rows, side='right') - 1
    return [
        (groups[index], rows[group_N == index] - groups[index].first_row)
        for index in np.unique(group_N)
    ]


def _measure_group(task, *, image_size: tuple[int, int], allow_outside: bool):
    """Read rows (n,), their statistics (n, 13) and [(row in the group, problem)]."""
    group, wanted = task
    parquet = pq.ParquetFile(group.file)
    names = {'image_bytes', 'image_path'} & set(parquet.schema_arrow.names)
    batches = parquet.iter_batches(
        ROWS_PER_BATCH, row_groups=[group.group], columns=sorted(names)
    )
    rows, values, problems, start = [], [np.zeros((0, len(STATISTICS)))], [], 0
    try:
        for batch in batches:
            here = wanted[(wanted >= start) & (wanted < start + batch.num_rows)]
            if len(here):
                chosen = batch.take(pa.array(here - start))
                encoded = read_encoded(chosen, group.file, allow_outside)
                read, measured, failed = _measure(encoded, here, image_size)
                rows += read
                values.append(measured)
                problems += failed
            start += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        row = group.first_row_in_file + start
        raise ValueError(
            f'{group.file}: damaged from row {row:,} on: {error}'
        ) from error
    return (
        np.array(rows, np.int64),
        np.concatenate(values).astype(np.float32),
        problems,
    )


def _measure(encoded, here: np.ndarray, image_size: tuple[int, int]):
    """Decode, resize and measure the rows of a batch."""
    read, sizes, images, problems = [], [], [], []
    for row, item in zip(here.tolist(), encoded, strict=True):
        try:
            if isinstance(item, PictureError):
                raise item
            image = decode_picture(item)
        except PictureError as error:
            problems.append((row, str(error)))
            continue
        height, width = image.shape[:2]
        read.append(row)
        sizes.append((width, height, width / height))
        # bilinear, as a dataset resizes by default
        images.append(cv2.resize(image, image_size[::-1])[..., ::-1])
    if not read:
        return [], np.zeros((0, len(STATISTICS))), problems
    pixels = measure_pixels(np.stack(images))
    assert pixels.shape[1] == len(PIXEL_STATISTICS)
    return read, np.concatenate([sizes, pixels], axis=1), problems
