"""The encoded pictures of parquet files, embedded or in files of their own."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from ocec.datasets.eye_columns import open_piecewise
from ocec.datasets.eye_table import EyeTable
from ocec.datasets.picture_decode import PictureError
from ocec.functional.picture_limits import MAX_PICTURE_BYTES

# of a path in a message; systems take up to 4,096
SHOWN_CHARACTERS = 1024


def picture_path(parquet_file: Path, image_path: str) -> Path:
    """Resolve ``image_path`` against the folder of its own parquet file.

    Args:
        parquet_file: the parquet file.
        image_path: as its row names it; an absolute path stays.

    Returns:
        Where the picture lies.
    """
    return parquet_file.parent / image_path.replace('\\', '/')


def read_picture_file(
    parquet_file: Path, image_path: str, *, allow_outside: bool = False
) -> np.ndarray:
    """Read the bytes of a picture.

    Args:
        parquet_file: the parquet file that names it.
        image_path: as its row names it.
        allow_outside: also read pictures that do not lie below the folder of the
            parquet file, be it by ``../``, an absolute path or a symbolic link. A
            parquet from elsewhere could name any file of yours.

    Returns:
        (n,) uint8, encoded.

    Raises:
        PictureError: it cannot be read, or lies outside.
    """
    path = picture_path(parquet_file, image_path)
    try:
        is_outside = not allow_outside and not path.resolve().is_relative_to(
            parquet_file.parent.resolve()
        )
        if not is_outside:
            _check_regular(path)
        encoded = None if is_outside else np.fromfile(path, np.uint8)
    except (OSError, RuntimeError, ValueError) as error:
        # RuntimeError: links in a circle; ValueError: a null byte in the name
        problem = getattr(error, 'strerror', None) or error
        raise PictureError(f'{_shown(path)}: {problem}') from error
    if is_outside:
        raise PictureError(
            f'{_shown(path)}: lies outside the folder of its parquet file; if you '
            'trust the file, allow that with allow_outside=True'
        )
    return encoded


def _shown(path: Path) -> str:
    text = str(path)
    return text if len(text) <= SHOWN_CHARACTERS else f'{text[:SHOWN_CHARACTERS]}...'


def _check_regular(path: Path) -> None:
    """Refuse what would be waited for, as a pipe, or would fill the memory."""
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode) and not stat.S_ISDIR(facts.st_mode):
        raise ValueError('no regular file')
    if facts.st_size > MAX_PICTURE_BYTES:
        raise ValueError(f'{facts.st_size:,} bytes: this is no eye crop')


def stream_encoded(
    table: EyeTable, rows_per_batch: int
) -> Iterator[tuple[int, pa.RecordBatch, Path]]:
    """Stream the columns that hold the pictures, file by file.

    Args:
        table: the rows.
        rows_per_batch: rows of a batch, at most, >= 1.

    Yields:
        number of the first row in the table, the batch, and its file.

    Raises:
        ValueError: a file is damaged; the message says from which row on.
    """
    for index, file in enumerate(table.files):
        first_row, row = int(table.first_row_F[index]), 0
        parquet = open_piecewise(file)
        wanted = {'image_bytes', 'image_path'} & set(parquet.schema_arrow.names)
        batches = parquet.iter_batches(rows_per_batch, columns=sorted(wanted))
        try:
            for batch in batches:
                yield first_row + row, batch, file
                row += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise ValueError(f'{file}: damaged from row {row:,} on: {error}') from error


def read_encoded(
    batch: pa.RecordBatch, file: Path, allow_outside: bool = False
) -> Iterator[np.ndarray | PictureError]:
    """Read the encoded picture of each row of a batch.

    Args:
        batch: rows with ``image_bytes`` and/or ``image_path``.
        file: the parquet file they are from.
        allow_outside: also read pictures outside the folder of that file.

    Yields:
        (n,) uint8, or what is wrong with the row.
    """
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    no_values = [None] * batch.num_rows
    embedded = columns.get('image_bytes', no_values)
    paths = columns.get('image_path', no_values)
    for data, path in zip(embedded, paths, strict=True):
        if data is not None and data.is_valid:
            yield np.frombuffer(data.as_buffer(), np.uint8)
        elif path is not None and path.is_valid and path.as_py():
            try:
                yield read_picture_file(file, path.as_py(), allow_outside=allow_outside)
            except PictureError as error:
                yield error
        else:
            yield PictureError('neither image_bytes nor image_path')
