"""One pass over all pictures of a data set, on all cores, row group by row group."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ocec.apis.process_map import map_in_processes
from ocec.apis.progress import track
from ocec.datasets.eye_table import BadRow, EyeTable
from ocec.datasets.picture_decode import PictureError, decode_picture
from ocec.datasets.picture_file import read_encoded
from ocec.functional.perceptual_hash import THUMBNAIL_HW
from ocec.preparation.check_pictures import PICTURE_DTYPE, describe_pictures

# decoded at once by a process
ROWS_PER_BATCH = 256


@dataclass(frozen=True)
class RowGroup:
    """A piece of work.

    Args:
        file: the parquet file.
        group: number of the row group in it.
        first_row: number of its first row in the table.
        first_row_in_file: number of its first row in the file.
    """

    file: Path
    group: int
    first_row: int
    first_row_in_file: int


@dataclass(frozen=True)
class ScannedPictures:
    """The pictures of all rows in numbers.

    Args:
        facts_N: (N,) of ``PICTURE_DTYPE``; height 0 where a row could not be read.
        thumb_NHW: (N, 12, 24) uint8 grey, in a temporary file.
        bad_rows: rows that could not be read.
    """

    facts_N: np.ndarray
    thumb_NHW: np.ndarray
    bad_rows: tuple[tuple[int, BadRow], ...]


def scan_pictures(
    table: EyeTable, *, jobs: int | None = None, allow_outside: bool = False
) -> ScannedPictures:
    """Decode and measure every picture.

    Memory holds 40 bytes per row and one row group per process; the thumbnails lie
    in a temporary file without a name, which the system removes.

    Args:
        table: the rows.
        jobs: processes, >= 1; None takes all cores.
        allow_outside: also read pictures outside the folder of their parquet file.

    Returns:
        The numbers.

    Raises:
        ValueError: a parquet file is damaged, or jobs is below 1.
    """
    facts_N = np.zeros(len(table), PICTURE_DTYPE)
    thumb_NHW = _temporary_array((len(table), *THUMBNAIL_HW))
    bad_rows: list[tuple[int, BadRow]] = []
    groups = find_row_groups(table)
    if groups:
        scan = partial(_scan_group, allow_outside=allow_outside)
        results = map_in_processes(scan, groups, jobs=jobs)
        shown = track(results, total=len(groups), what='row groups read')
        for group, (facts, thumbs, problems) in zip(groups, shown, strict=True):
            rows = slice(group.first_row, group.first_row + len(facts))
            facts_N[rows], thumb_NHW[rows] = facts, thumbs
            bad_rows += [
                (
                    group.first_row + n,
                    BadRow(str(group.file), group.first_row_in_file + n, text),
                )
                for n, text in problems
            ]
    return ScannedPictures(facts_N, thumb_NHW, tuple(bad_rows))


def find_row_groups(table: EyeTable) -> list[RowGroup]:
    """List the row groups of all files.

    Args:
        table: the rows.

    Returns:
        All that hold rows, in order.
    """
    found = []
    for file, start in zip(table.files, table.first_row_F[:-1].tolist(), strict=True):
        metadata, row = pq.ParquetFile(file).metadata, 0
        for group in range(metadata.num_row_groups):
            num_rows = metadata.row_group(group).num_rows
            if num_rows:
                found.append(RowGroup(file, group, start + row, row))
            row += num_rows
    return found


def read_pictures(
    table: EyeTable, rows: Sequence[int], *, allow_outside: bool = False
) -> dict[int, np.ndarray]:
    """Read some pictures at native size; each row group is read once.

    Args:
        table: the rows.
        rows: numbers of rows, in any order.
        allow_outside: also read pictures outside the folder of their parquet file.

    Returns:
        row -> (h, w, 3) uint8 RGB; rows that cannot be read are left out.
    """
    wanted, images = np.unique(np.asarray(rows, np.int64)), {}
    groups = find_row_groups(table)
    starts = [group.first_row for group in groups]
    of_row = np.searchsorted(starts, wanted, side='right') - 1
    for index in np.unique(of_row):
        group, row_K = groups[index], wanted[of_row == index]
        parquet = pq.ParquetFile(group.file)
        read = parquet.read_row_group(group.group, columns=_columns(parquet))
        chosen = read.take(row_K - group.first_row).combine_chunks().to_batches()
        encoded = [
            item
            for batch in chosen
            for item in read_encoded(batch, group.file, allow_outside)
        ]
        for row, item in zip(row_K.tolist(), encoded, strict=True):
            image, _ = _decode(item)
            if image is not None:
                images[row] = image[..., ::-1]
    return images


def _scan_group(group: RowGroup, *, allow_outside: bool):
    """Measure a row group: facts, thumbnails and [(row in the group, problem)]."""
    parquet = pq.ParquetFile(group.file)
    facts, thumbs, problems, row = [], [], [], 0
    try:
        for batch in parquet.iter_batches(
            ROWS_PER_BATCH, row_groups=[group.group], columns=_columns(parquet)
        ):
            images = []
            for encoded in read_encoded(batch, group.file, allow_outside):
                image, problem = _decode(encoded)
                images.append(image)
                if problem is not None:
                    problems.append((row + len(images) - 1, problem))
            for found, measured in zip(
                (facts, thumbs), describe_pictures(images), strict=True
            ):
                found.append(measured)
            row += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise ValueError(
            f'{group.file}: damaged from row {group.first_row_in_file + row:,} on: '
            f'{error}'
        ) from error
    return np.concatenate(facts), np.concatenate(thumbs), problems


def _decode(encoded) -> tuple[np.ndarray | None, str | None]:
    """The picture (BGR), or what is wrong."""
    try:
        if isinstance(encoded, PictureError):
            raise encoded
        return decode_picture(encoded), None
    except PictureError as error:
        return None, str(error)


def _columns(parquet: pq.ParquetFile) -> list[str]:
    names = set(parquet.schema_arrow.names)
    return sorted({'image_bytes', 'image_path'} & names)


def _temporary_array(shape: tuple[int, ...]) -> np.ndarray:
    if not shape[0]:
        return np.zeros(shape, np.uint8)
    # numpy keeps the descriptor open: the file lives as long as the array
    with tempfile.TemporaryFile() as stream:
        return np.memmap(stream, np.uint8, mode='w+', shape=shape)
