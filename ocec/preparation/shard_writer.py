"""Writes rows to one parquet or to numbered shards, complete or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ocec.preparation.atomic_files import new_files
from ocec.preparation.eye_parquet_writer import EYE_SCHEMA

MIN_DIGITS = 4
"""Of the number of a shard."""

ROWS_PER_GROUP = 2048
BYTES_PER_GROUP = 64 * 2**20
"""A row group ends at the first of the two limits; memory holds one."""


def shard_paths(path: Path, num_rows: int, max_rows: int | None) -> list[Path]:
    """Name the files that so many rows go to.

    Args:
        path: ``eyes.parquet``.
        num_rows: > 0.
        max_rows: rows of a file, >= 1; None puts all into one.

    Returns:
        ``path``, or with a limit ``eyes_0001.parquet`` and so on; the numbers have
        as many digits as the last one needs, so that the names sort.

    Example:
        >>> [path.name for path in shard_paths(Path('eyes.parquet'), 5, 3)]
        ['eyes_0001.parquet', 'eyes_0002.parquet']
    """
    if max_rows is None:
        return [path]
    num_files = -(-num_rows // max_rows)
    digits = max(MIN_DIGITS, len(str(num_files)))
    return [
        path.with_stem(f'{path.stem}_{i:0{digits}d}') for i in range(1, num_files + 1)
    ]


def eye_schema(extras: Mapping[str, Sequence], *, with_bytes: bool) -> pa.Schema:
    """Schema of the output.

    Args:
        extras: name -> all values of a further column; decides its type.
        with_bytes: embed the pictures.

    Returns:
        The columns of OCEC, without ``image_bytes`` if they are not embedded, and
        then the extras.

    Raises:
        ValueError: the values of an extra column are of several kinds.
    """
    schema = EYE_SCHEMA
    if not with_bytes:
        schema = schema.remove(schema.get_field_index('image_bytes'))
    for name, values in extras.items():
        try:
            schema = schema.append(pa.field(name, pa.array(values).type))
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise ValueError(f'column "{name}" has mixed values: {error}') from error
    return schema


def write_shards(
    rows: Iterable[dict], paths: Sequence[Path], schema: pa.Schema, max_rows: int | None
) -> int:
    """Write rows as they come; the files appear when all are complete.

    Args:
        rows: dicts with the columns of the schema.
        paths: the files, as many as the rows fill.
        schema: of each file.
        max_rows: rows of a file; None for all in one.

    Returns:
        The number of rows written.
    """
    rows = iter(rows)
    count = 0
    with new_files(paths) as files:
        for file in files:
            with pq.ParquetWriter(file, schema) as writer:
                for group in _row_groups(islice(rows, max_rows)):
                    writer.write_table(pa.Table.from_pylist(group, schema=schema))
                    count += len(group)
    return count


def _row_groups(rows: Iterator[dict]) -> Iterator[list[dict]]:
    group, size = [], 0
    for row in rows:
        group.append(row)
        size += len(row.get('image_bytes', b''))
        if len(group) == ROWS_PER_GROUP or size >= BYTES_PER_GROUP:
            yield group
            group, size = [], 0
    if group:
        yield group
