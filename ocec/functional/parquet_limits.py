"""Whether the end of a parquet file claims more than the file can hold.

Run lengths and dictionaries let a file of one kilobyte stand for any number of rows,
and a column of zeros for any number of bytes; memory is taken by these claims.
"""

from __future__ import annotations

from typing import Any

FEW_ROWS, ROWS_PER_BYTE = 1 << 20, 4
"""Above a million rows each must take a quarter of a byte: a row names a picture or
holds one, of which no two are alike."""

SMALL_BYTES, MAX_RATIO = 1 << 26, 256
"""What unpacks to more than 64 MiB in one row group must not be larger than this many
files: pictures hardly shrink, and paths to a tenth."""


def check_parquet_claims(metadata: Any, present: int) -> None:
    """Refuse a file whose end claims what cannot be.

    Args:
        metadata: a ``pyarrow.parquet.FileMetaData``.
        present: bytes of the file.

    Raises:
        ValueError: there are fewer rows in the row groups than in the file, or more
            rows or bytes than a file of that size can hold.
    """
    num_rows, counted = metadata.num_rows, 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        counted += group.num_rows
        # not column by column: see touch_column
        size = group.total_byte_size
        if size < 0 or size > max(SMALL_BYTES, MAX_RATIO * present):
            raise ValueError(
                f'row group {number} unpacks to {size:,} bytes from a file of '
                f'{present:,}, which are not read'
            )
    if num_rows != counted or num_rows < 0:
        raise ValueError(
            f'it claims {num_rows:,} rows, and {counted:,} in its row groups'
        )
    if num_rows > max(FEW_ROWS, ROWS_PER_BYTE * present):
        raise ValueError(
            f'it claims {num_rows:,} rows in {present:,} bytes, which are not read'
        )


def touch_column(parquet: Any, group: int, name: str) -> None:
    """Read a row before statistics and sizes of a column are asked for.

    pyarrow 26 raises an error where it reads a damaged column, and ends the whole
    process where its metadata are asked for.

    Args:
        parquet: a ``pyarrow.parquet.ParquetFile``.
        group: number of the row group.
        name: of the column.
    """
    next(parquet.iter_batches(1, row_groups=[group], columns=[name]), None)
