"""Writes eye crops to one parquet file, row group by row group.

The file appears under its name only when it is complete.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, is_dataclass
from itertools import islice

import pyarrow as pa
import pyarrow.parquet as pq

from ocec.preparation.atomic_files import new_file

SPLITS = ('train', 'val', 'test')
LABELS = ('closed', 'open')
"""Name of each ``class_id``."""

EYE_SCHEMA = pa.schema(
    [
        pa.field('split', pa.string(), nullable=False),
        pa.field('label', pa.string(), nullable=False),
        pa.field('class_id', pa.int64(), nullable=False),
        pa.field('image_path', pa.string(), nullable=False),
        pa.field('source', pa.string(), nullable=False),
        pa.field('group', pa.string(), nullable=False),
        pa.field('image_bytes', pa.binary(), nullable=False),
    ]
)

_TEXTS = ('image_path', 'source', 'group')
_SIGNATURES = (b'\x89PNG\r\n\x1a\n', b'\xff\xd8\xff')  # PNG, JPEG


def write_eye_parquet(
    rows: Iterable,
    path: str | os.PathLike,
    *,
    rows_per_group: int = 2048,
    metadata: Mapping[str, str] | None = None,
) -> int:
    """Write rows as they come; memory holds one row group.

    An existing file stays untouched until the new one is complete, also if the
    rows raise or the program is stopped.

    Args:
        rows: dicts or dataclasses with ``split`` (train, val, test), ``label``
            (closed, open), ``class_id`` (0 closed, 1 open), ``image_path`` (relative,
            unique in the data set), ``source``, ``group`` (subject or recording) and
            ``image_bytes`` (a PNG or JPEG file). At least one.
        path: file to write; its folder is made if missing.
        rows_per_group: rows of a row group, >= 1.
        metadata: key -> value stored in the metadata of the schema.

    Returns:
        The number of rows written.

    Raises:
        TypeError: a row is neither a dict nor a dataclass.
        ValueError: rows_per_group is below 1, there are no rows, or a row lacks a
            column, has one too many or a value that breaks the rules above.
    """
    if rows_per_group < 1:
        raise ValueError(f'rows_per_group must be >= 1, got {rows_per_group}')
    schema = EYE_SCHEMA.with_metadata(metadata)
    with new_file(path) as file:
        return _write_groups(_checked(rows), file, rows_per_group, schema)


def _write_groups(
    rows: Iterator[dict], file, rows_per_group: int, schema: pa.Schema
) -> int:
    count = 0
    with pq.ParquetWriter(file, schema) as writer:
        while chunk := list(islice(rows, rows_per_group)):
            writer.write_table(pa.Table.from_pylist(chunk, schema=schema))
            count += len(chunk)
    if not count:
        raise ValueError('rows must hold at least one row, got none')
    return count


def _checked(rows: Iterable) -> Iterator[dict]:
    for number, row in enumerate(rows):
        if is_dataclass(row) and not isinstance(row, type):
            row = asdict(row)
        if not isinstance(row, dict):
            raise TypeError(
                f'row {number} must be a dict or a dataclass, got {type(row).__name__}'
            )
        _check_row(number, row)
        yield row


def _check_row(number: int, row: dict) -> None:
    names = set(EYE_SCHEMA.names)
    if names != row.keys():
        raise ValueError(
            f'row {number} must have the columns {EYE_SCHEMA.names}; missing '
            f'{sorted(names - row.keys())}, unknown {sorted(row.keys() - names)}'
        )
    if row['split'] not in SPLITS:
        raise ValueError(
            f'row {number}: split must be one of {SPLITS}, got {row["split"]!r}'
        )
    if row['label'] not in LABELS:
        raise ValueError(
            f'row {number}: label must be one of {LABELS}, got {row["label"]!r}'
        )
    if row['class_id'] != LABELS.index(row['label']):
        raise ValueError(
            f'row {number}: class_id must be {LABELS.index(row["label"])} for label '
            f'{row["label"]!r}, got {row["class_id"]!r}'
        )
    for name in _TEXTS:
        if not isinstance(row[name], str) or not row[name]:
            raise ValueError(
                f'row {number}: {name} must be a non-empty string, got {row[name]!r}'
            )
    data = row['image_bytes']
    if not isinstance(data, bytes) or not data.startswith(_SIGNATURES):
        shown = data[:8] if isinstance(data, bytes) else type(data).__name__
        raise ValueError(
            f'row {number}: image_bytes must be the bytes of a PNG or JPEG file, '
            f'got {shown!r}'
        )
