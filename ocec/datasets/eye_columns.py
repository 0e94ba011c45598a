"""The columns of an OCEC parquet file, pictures left out, checked and streamed.

Memory holds one batch, however large a file or its row groups are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ocec.functional.parquet_limits import check_parquet_claims

COLUMNS = ('split', 'label', 'class_id', 'image_path', 'group')
ROWS_PER_BATCH = 65_536
BUFFER_BYTES = 1 << 20


def open_piecewise(file: Path) -> pq.ParquetFile:
    """Open a parquet file so that its columns are not read whole.

    Args:
        file: the parquet file.

    Returns:
        The opened file. By default pyarrow fetches all bytes of all wanted columns
        before it gives the first batch, which is the whole file for the pictures.

    Raises:
        ArrowInvalid: it is no parquet, or claims more than it can hold.
    """
    try:
        parquet = pq.ParquetFile(file, buffer_size=BUFFER_BYTES, pre_buffer=False)
        check_parquet_claims(parquet.metadata, Path(file).stat().st_size)
    except ValueError as error:  # also names of columns that are no text
        raise pa.ArrowInvalid(str(error)) from error
    return parquet


def open_eye_file(file: Path) -> pq.ParquetFile:
    """Open a parquet file and check that it has the columns that it must have.

    Args:
        file: the parquet file.

    Returns:
        The opened file, which reads piece by piece.

    Raises:
        ValueError: it is no parquet, or a column is missing or of a wrong type.
    """
    try:
        parquet = open_piecewise(file)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f'{file}: not a readable parquet file: {error}') from error
    names = parquet.schema_arrow.names
    for needed in (('class_id', 'label'), ('image_bytes', 'image_path')):
        if not set(needed) & set(names):
            raise ValueError(
                f'{file}: needs a column "{needed[0]}" or "{needed[1]}"; found {names}'
            )
    _check_picture_column(file, parquet.schema_arrow)
    return parquet


def stream_columns(
    file: Path, names: Sequence[str] = COLUMNS
) -> Iterator[dict[str, pa.Array]]:
    """Stream columns in one type each, so that files by different writers go together.

    Args:
        file: the parquet file.
        names: some of ``COLUMNS``; those that the file lacks are left out.

    Yields:
        name -> values of the next rows: float64 of ``class_id``, else text.

    Raises:
        ValueError: the file is damaged, or a column cannot be read as its type; the
            message names the column.
    """
    parquet = open_eye_file(file)
    present = [name for name in names if name in parquet.schema_arrow.names]
    if not present:
        return
    try:
        for batch in parquet.iter_batches(ROWS_PER_BATCH, columns=present):
            yield {name: _cast(file, name, batch.column(name)) for name in present}
    except (pa.ArrowException, OSError) as error:
        name = _damaged_column(parquet, present)
        raise ValueError(f'{file}: column "{name}" is damaged: {error}') from error


def stream_image_paths(file: Path) -> Iterator[pa.Array]:
    """Stream the column ``image_path``.

    Args:
        file: the parquet file.

    Yields:
        the texts of the next rows; nothing if there is no such column.
    """
    for columns in stream_columns(file, ['image_path']):
        yield columns['image_path']


def read_image_paths(file: Path, rows: Sequence[int]) -> list[str | None]:
    """Read ``image_path`` of some rows; only their row groups are read.

    Args:
        file: the parquet file.
        rows: numbers of rows in the file, in any order.

    Returns:
        The texts; None where there is none.

    Raises:
        ValueError: the file is damaged; the message names the column.
    """
    parquet = open_eye_file(file)
    if 'image_path' not in parquet.schema_arrow.names:
        return [None] * len(rows)
    metadata = parquet.metadata
    sizes = [metadata.row_group(g).num_rows for g in range(metadata.num_row_groups)]
    first_row_G = np.concatenate([[0], np.cumsum(sizes)])
    row_K = np.asarray(rows, np.int64)
    group_K = np.searchsorted(first_row_G, row_K, side='right') - 1
    paths: list[str | None] = [None] * len(row_K)
    for group in np.unique(group_K).tolist():
        try:
            column = parquet.read_row_group(group, columns=['image_path']).column(0)
        except (pa.ArrowException, OSError) as error:
            raise ValueError(
                f'{file}: column "image_path" is damaged: {error}'
            ) from error
        text = _cast(file, 'image_path', column)
        for place in np.flatnonzero(group_K == group).tolist():
            paths[place] = text[int(row_K[place] - first_row_G[group])].as_py()
    return paths


def _check_picture_column(file: Path, schema: pa.Schema) -> None:
    if 'image_bytes' not in schema.names:
        return
    kind = schema.field('image_bytes').type
    # all null: every picture is in a file of its own
    if kind not in (pa.binary(), pa.large_binary(), pa.null()):
        raise ValueError(
            f'{file}: column "image_bytes" must be binary, the bytes of picture files; '
            f'found {kind}'
        )


def _cast(file: Path, name: str, column):
    kind = pa.float64() if name == 'class_id' else pa.string()
    try:
        column = column.cast(kind)
        column.validate(full=True)  # text that is no UTF-8
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(
            f'{file}: column "{name}" cannot be read as {kind}: {error}'
        ) from error
    return column


def _damaged_column(parquet: pq.ParquetFile, names: Sequence[str]) -> str:
    """Find which of some columns cannot be read, by reading them one by one."""
    for name in names:
        try:
            for _ in parquet.iter_batches(ROWS_PER_BATCH, columns=[name]):
                pass
        except (pa.ArrowException, OSError):
            return name
    return ', '.join(names)
