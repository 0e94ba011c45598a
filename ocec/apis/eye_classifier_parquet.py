"""The pictures of any parquet file, labelled or not, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from ocec.datasets.eye_columns import open_piecewise
from ocec.datasets.picture_decode import PictureError
from ocec.datasets.picture_file import read_encoded

BYTES, PATH = 'image_bytes', 'image_path'
ROWS_PER_BATCH = 256


def count_rows(file: Path) -> int:
    """Count the rows by the end of the file.

    Args:
        file: the parquet file.

    Returns:
        How many there are; 1, a line in the report, where the file is damaged.
    """
    try:
        return open_piecewise(file).metadata.num_rows
    except (pa.ArrowException, OSError):
        return 1


def stream_parquet(
    file: Path, *, column: str | None = None, allow_outside: bool = False
) -> Iterator[tuple[int | None, bytes | PictureError]]:
    """Stream the pictures of a parquet file; memory holds some rows of it.

    Args:
        file: the parquet file.
        column: that holds the pictures: the bytes of picture files; texts, which are
            paths relative to the parquet file; or a struct of ``bytes`` and ``path``,
            as data sets of Hugging Face have. By default ``image_bytes`` and
            ``image_path``, as in training.
        allow_outside: also read pictures that are named outside the folder of the
            file, which could name any file of yours.

    Yields:
        number of the row, and the bytes of its picture or what is wrong with it; None
        and the problem for a file that cannot be read.

    Raises:
        ValueError: there is no such column, or it holds no pictures.
    """
    try:
        parquet = open_piecewise(file)
    except (pa.ArrowException, OSError) as error:
        yield None, PictureError(f'not a readable parquet file: {error}')
        return
    names = _picture_columns(file, parquet.schema_arrow, column)
    row = 0
    try:
        for batch in parquet.iter_batches(ROWS_PER_BATCH, columns=names):
            pictures = _as_training_names(batch, column)
            for content in read_encoded(pictures, file, allow_outside):
                is_error = isinstance(content, PictureError)
                yield row, content if is_error else content.tobytes()
                row += 1
    except (pa.ArrowException, OSError) as error:
        yield row, PictureError(f'damaged from row {row:,} on: {error}')


def _picture_columns(file: Path, schema: pa.Schema, column: str | None) -> list[str]:
    names = [name for name in (BYTES, PATH) if name in schema.names]
    if column is not None:
        names = [column] if column in schema.names else []
    if not names:
        wanted = f'"{column}"' if column else f'"{BYTES}" or "{PATH}"'
        raise ValueError(
            f'{file}: needs a column {wanted} with pictures; found {schema.names}. '
            'Name the one that holds them with --data-column (column=...)'
        )
    for name in names:
        kind = schema.field(name).type
        if not _kind_of(kind) or _is_mixed_up(name, kind, column):
            raise ValueError(
                f'{file}: column "{name}" must hold the bytes of picture files, their '
                f'paths, or a struct of bytes and path; found {kind}'
            )
    return names


def _is_mixed_up(name: str, kind: pa.DataType, column: str | None) -> bool:
    """Whether a column of a training's data set holds what the other one does."""
    return column is None and kind != pa.null() and _kind_of(kind) != name


def _kind_of(kind: pa.DataType) -> str:
    """Return what a column of this type holds; '' if that is no picture."""
    if kind in (pa.binary(), pa.large_binary(), pa.null()):
        return BYTES
    text = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_string(text) or pa.types.is_large_string(text):
        return PATH
    if pa.types.is_struct(kind) and kind.get_field_index('bytes') >= 0:
        return 'struct'
    return ''


def _as_training_names(batch: pa.RecordBatch, column: str | None) -> pa.RecordBatch:
    """Give the columns the names that they have in data sets of a training."""
    if column is None:
        return batch
    values = batch.column(0)
    kind = _kind_of(values.type)
    if kind != 'struct':
        return pa.RecordBatch.from_arrays([values], [kind])
    fields = dict(
        zip((field.name for field in values.type), values.flatten(), strict=True)
    )
    names = {'bytes': BYTES, 'path': PATH}
    present = [name for name in names if name in fields]
    return pa.RecordBatch.from_arrays(
        [fields[name] for name in present], [names[name] for name in present]
    )
