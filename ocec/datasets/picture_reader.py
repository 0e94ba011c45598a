"""Pictures by row number at native size, for the per-image pipeline."""

from __future__ import annotations

import cv2
import numpy as np
import pyarrow.parquet as pq

from ocec.datasets.cache import decode_picture, picture_path
from ocec.datasets.eye_table import EyeTable


class PictureReader:
    """Reads single pictures; holds the encoded bytes of all files in memory.

    Args:
        table: the rows.
    """

    def __init__(self, table: EyeTable) -> None:
        self.table = table
        self._bytes_of_file = [_read_bytes(file) for file in table.files]

    def read(self, row: int) -> np.ndarray:
        """Decode one picture.

        Args:
            row: number of the row in the table.

        Returns:
            (h, w, 3) uint8 BGR.

        Raises:
            ValueError: it cannot be read; the message names file and row.
        """
        file = int(np.searchsorted(self.table.first_row_F, row, side='right')) - 1
        offset = int(row - self.table.first_row_F[file])
        column = self._bytes_of_file[file]
        image = None
        if column is not None and column[offset].is_valid:
            encoded = np.frombuffer(column[offset].as_buffer(), np.uint8)
            image = decode_picture(encoded)
        elif path := self.table.path_N[row].as_py():
            image = cv2.imread(str(picture_path(self.table.files[file], path)))
        if image is None:
            raise ValueError(
                f'{self.table.files[file]}, row {offset}: the picture cannot be read'
            )
        return image


def _read_bytes(file):
    if 'image_bytes' not in pq.ParquetFile(file).schema_arrow.names:
        return None
    return pq.read_table(file, columns=['image_bytes']).column('image_bytes')
