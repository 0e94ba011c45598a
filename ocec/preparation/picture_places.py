"""Reads the bytes of listed pictures, from files or out of parquet files."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
import pyarrow.parquet as pq

from ocec.functional.picture_limits import MAX_PICTURE_BYTES

Place = tuple[str, int]
"""A picture file and -1, or a parquet file and a row."""

FILES_PER_CHUNK = 256
_ROWS_AT_ONCE = 256


def chunk_places(places: Sequence[Place]) -> list[list[Place]]:
    """Cut places into pieces that can be read one by one at no extra cost.

    Args:
        places: in the order wanted.

    Returns:
        Chunks of up to 256 picture files, or of the rows of one row group.
    """
    first_rows: dict[str, np.ndarray] = {}

    def key(indexed: tuple[int, Place]) -> tuple:
        index, (file, row) = indexed
        if row < 0:
            return 'files', index // FILES_PER_CHUNK
        if file not in first_rows:
            first_rows[file] = _first_rows(pq.ParquetFile(file))
        return file, int(np.searchsorted(first_rows[file], row, side='right'))

    return [
        [place for _, place in chunk] for _, chunk in groupby(enumerate(places), key)
    ]


def read_pictures(places: Sequence[Place]) -> Iterator[bytes | str]:
    """Read the bytes of pictures one after the other.

    Args:
        places: rows of one parquet file in ascending order.

    Yields:
        The bytes of each file, or a text: why it cannot be read.
    """
    for (file, is_row), run in groupby(places, lambda place: (place[0], place[1] >= 0)):
        if is_row:
            yield from _read_rows(file, [row for _, row in run])
            continue
        for _ in run:
            try:
                yield _read_file(file)
            except OSError as error:
                yield f'cannot be read: {error.strerror}'


def _read_file(file: str) -> bytes | str:
    facts = os.stat(file)
    # a pipe would be waited for; of a folder open() says what is wrong
    if not stat.S_ISREG(facts.st_mode) and not stat.S_ISDIR(facts.st_mode):
        return 'cannot be read: no regular file'
    if facts.st_size > MAX_PICTURE_BYTES:
        return f'{facts.st_size:,} bytes: more than {MAX_PICTURE_BYTES:,} are not read'
    with open(file, 'rb') as stream:
        return stream.read()


def _read_rows(file: str, rows: list[int]) -> Iterator[bytes]:
    parquet = pq.ParquetFile(file)
    first_rows = _first_rows(parquet)
    groups = np.unique(np.searchsorted(first_rows, rows, side='right') - 1).tolist()
    wanted = iter(rows)
    row = next(wanted)
    for group in groups:
        start = int(first_rows[group])
        for batch in parquet.iter_batches(
            _ROWS_AT_ONCE, row_groups=[group], columns=['image_bytes']
        ):
            while row is not None and row < start + batch.num_rows:
                yield batch.column(0)[row - start].as_py()
                row = next(wanted, None)
            start += batch.num_rows


def _first_rows(parquet: pq.ParquetFile) -> np.ndarray:
    metadata = parquet.metadata
    sizes = [metadata.row_group(g).num_rows for g in range(metadata.num_row_groups)]
    return np.cumsum([0, *sizes])[:-1]
