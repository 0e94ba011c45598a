"""Parquet files cut into chunks of rows that are read at once.

Shapes: N rows of all files, C chunks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ocec.datasets.eye_columns import open_eye_file

# a megabyte or two of eye crops
ROWS_PER_CHUNK = 1024


@dataclass(frozen=True)
class ChunkTable:
    """Where the chunks lie, in the order of the files.

    Args:
        files: the parquet files.
        first_row_C: (C + 1,) int64, number of the first row of each chunk, then N.
        file_C: (C,) int32, index into ``files``.
        row_group_C: (C,) int32, number of the row group in its file.
        place_C: (C,) int32, number of the chunk in its row group.
    """

    files: tuple[Path, ...]
    first_row_C: np.ndarray
    file_C: np.ndarray
    row_group_C: np.ndarray
    place_C: np.ndarray

    @property
    def number_of_row_group_C(self) -> np.ndarray:  # noqa: N802  a shape suffix
        """Number of the row group of each chunk, counted over all files: (C,) int64."""
        return np.cumsum(self.place_C == 0) - 1

    @property
    def num_row_groups(self) -> int:
        """Row groups of all files that hold rows."""
        return int((self.place_C == 0).sum())


def cut_into_chunks(
    files: Sequence[Path], rows_per_chunk: int = ROWS_PER_CHUNK
) -> ChunkTable:
    """Cut the row groups of parquet files into chunks; none goes over two of them.

    Args:
        files: parquet files.
        rows_per_chunk: at most, >= 1.

    Returns:
        The chunks; memory for each is 20 bytes.
    """
    listed = []
    for number, file in enumerate(files):
        metadata = open_eye_file(file).metadata
        for group in range(metadata.num_row_groups):
            num_rows = metadata.row_group(group).num_rows
            begins = np.arange(0, num_rows, rows_per_chunk)
            of_group = np.empty((len(begins), 4), np.int64)
            of_group[:, 0], of_group[:, 1] = number, group
            of_group[:, 2] = np.arange(len(begins))
            of_group[:, 3] = np.minimum(begins + rows_per_chunk, num_rows) - begins
            listed.append(of_group)
    chunk_C4 = np.concatenate([np.empty((0, 4), np.int64), *listed])
    return ChunkTable(
        files=tuple(files),
        first_row_C=np.concatenate([[0], np.cumsum(chunk_C4[:, 3])]),
        file_C=chunk_C4[:, 0].astype(np.int32),
        row_group_C=chunk_C4[:, 1].astype(np.int32),
        place_C=chunk_C4[:, 2].astype(np.int32),
    )
