"""Pictures by row number at native size, for the per-image pipeline."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from ocec.datasets.eye_columns import open_eye_file, stream_image_paths
from ocec.datasets.eye_table import EyeTable
from ocec.datasets.picture_decode import PictureError, decode_picture
from ocec.datasets.picture_file import read_picture_file


class PictureReader:
    """Reads single pictures; holds the encoded bytes of all files in memory.

    Where bytes are missing, the paths are held too.

    Args:
        table: the rows.
        allow_outside: also read pictures outside the folder of their parquet file.

    Raises:
        ValueError: a file is damaged; the message names it and the column.
    """

    def __init__(self, table: EyeTable, *, allow_outside: bool = False) -> None:
        self.table = table
        self.allow_outside = allow_outside
        self._bytes_of_file = [_read_bytes(file) for file in table.files]
        self._paths_of_file = [
            _read_paths(file) if column is None or column.null_count else None
            for file, column in zip(table.files, self._bytes_of_file, strict=True)
        ]

    def read(self, row: int) -> np.ndarray:
        """Decode one picture.

        Args:
            row: number of the row in the table.

        Returns:
            (h, w, 3) uint8 BGR.

        Raises:
            ValueError: it cannot be read; the message names file and row.
        """
        with self._named(row):
            return decode_picture(self._encoded(row))

    def read_encoded(self, row: int) -> np.ndarray:
        """Return the bytes of one picture's file.

        Args:
            row: number of the row in the table.

        Returns:
            (n,) uint8.

        Raises:
            ValueError: there are none; the message names file and row.
        """
        with self._named(row):
            return self._encoded(row)

    def _place(self, row: int) -> tuple[int, int]:
        file = int(np.searchsorted(self.table.first_row_F, row, side='right')) - 1
        return file, int(row - self.table.first_row_F[file])

    @contextlib.contextmanager
    def _named(self, row: int) -> Iterator[None]:
        """Name file and row in the message of a picture that cannot be used."""
        try:
            yield
        except PictureError as error:
            file, offset = self._place(row)
            raise ValueError(
                f'{self.table.files[file]}, row {offset}: {error}'
            ) from error

    def _encoded(self, row: int) -> np.ndarray:
        file, offset = self._place(row)
        column = self._bytes_of_file[file]
        if column is not None and column[offset].is_valid:
            return np.frombuffer(column[offset].as_buffer(), np.uint8)
        paths = self._paths_of_file[file]
        if len(paths) and (path := paths[offset].as_py()):
            return read_picture_file(
                self.table.files[file], path, allow_outside=self.allow_outside
            )
        raise PictureError('neither image_bytes nor image_path')


def _read_bytes(file: Path) -> pa.ChunkedArray | None:
    parquet = open_eye_file(file)
    if 'image_bytes' not in parquet.schema_arrow.names:
        return None
    try:
        return parquet.read(columns=['image_bytes']).column('image_bytes')
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f'{file}: column "image_bytes" is damaged: {error}') from error


def _read_paths(file) -> pa.ChunkedArray:
    return pa.chunked_array(list(stream_image_paths(file)), pa.string())
