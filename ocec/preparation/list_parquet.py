"""Lists the pictures of a parquet in the schema of OCEC, with or without groups."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ocec.functional.parquet_limits import check_parquet_claims, touch_column
from ocec.preparation.eye_listing import (
    GROUP_WORDS,
    SPLIT_WORDS,
    EyeEntry,
    Listing,
    unify_group,
)
from ocec.preparation.label_words import parse_ids_and_labels, parse_labels
from ocec.preparation.name_patterns import group_by_pattern
from ocec.preparation.path_fence import PathFence

BUFFER_BYTES = 1 << 20
KNOWN_COLUMNS = (
    'split',
    'label',
    'class_id',
    'image_path',
    'source',
    'group',
    'image_bytes',
)


def list_parquet(
    file: str | os.PathLike,
    *,
    group_pattern: re.Pattern | None = None,
    allow_outside: bool = False,
) -> Listing:
    """List the rows of a parquet; pictures are embedded or paths beside it.

    Args:
        file: with ``class_id`` (0 closed, 1 open) and/or ``label``, ``image_path``
            and/or ``image_bytes``, and whatever else: other columns are extras. The
            group is the column ``group``, or the first other of ``GROUP_WORDS``.
        group_pattern: with a named group ``group``, searched in ``image_path``, in
            place of that column.
        allow_outside: accept paths that leave the folder of the file.

    Returns:
        The listing in the order of the file.

    Raises:
        ValueError: it is no parquet, has no rows, lacks a column, or names and
            numbers are mixed in one column of labels, or ``image_bytes`` is not
            binary.
    """
    file = Path(file)
    table, has_bytes_N = _read_table(file)
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    nothing = [None] * table.num_rows
    labels = _labels(file, columns, table.num_rows)
    group_column = None if group_pattern else _group_column(table.column_names)
    known = {*KNOWN_COLUMNS, group_column}
    extras = [name for name in table.column_names if name not in known]
    fence = PathFence(file.parent, allow_outside=allow_outside)
    entries = []
    for row in range(table.num_rows):
        path = str(columns.get('image_path', nothing)[row] or '').replace('\\', '/')
        place, problem = str(file), ''
        is_inside = has_bytes_N[row] or not path
        if not is_inside:
            place, problem = fence.resolve(path)
        elif not has_bytes_N[row]:
            problem = 'no picture'
        split, problem_of_split = _split(columns.get('split', nothing)[row])
        label, problem_of_label = labels[row]
        if group_pattern is not None:
            group = group_by_pattern(path, group_pattern)
        else:
            group = unify_group(columns.get(group_column, nothing)[row])
        entries.append(
            EyeEntry(
                path=path or f'{file.stem}/{row:07d}',
                label=label,
                group=group,
                split=split,
                source=str(columns.get('source', nothing)[row] or file.stem),
                file=place,
                row=row if is_inside else -1,
                problem=problem_of_label or problem_of_split or problem,
                extras={name: columns[name][row] for name in extras} or None,
            )
        )
    num_groups = len({entry.group for entry in entries} - {''})
    told = f'{file}: {len(entries):,} rows of a parquet, {num_groups:,} groups'
    if group_column not in (None, 'group'):
        told += f' from "{group_column}"'
    if extras:
        told += f', further columns: {", ".join(extras)}'
    return Listing(entries, (told,), files=(file,))


def _read_table(file: Path) -> tuple[pa.Table, list[bool]]:
    """All columns but the pictures, and which rows embed theirs."""
    try:
        parquet = _open(file)
        names = parquet.schema_arrow.names
        _check_picture_column(file, parquet.schema_arrow)
        table = parquet.read(columns=[name for name in names if name != 'image_bytes'])
        has_bytes_N = [False] * table.num_rows
        if 'image_bytes' in names:
            has_bytes_N = _embedded(parquet)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f'{file}: not a readable parquet file: {error}') from error
    for needed in (('class_id', 'label'), ('image_bytes', 'image_path')):
        if not set(needed) & set(names):
            raise ValueError(
                f'{file}: needs a column "{needed[0]}" or "{needed[1]}"; found {names}'
            )
    if not table.num_rows:
        raise ValueError(f'{file}: the file has no rows')
    return table, has_bytes_N


def _open(file: Path) -> pq.ParquetFile:
    try:
        # in pieces, so that a row is read without all of its column
        parquet = pq.ParquetFile(file, buffer_size=BUFFER_BYTES, pre_buffer=False)
        check_parquet_claims(parquet.metadata, file.stat().st_size)
    except ValueError as error:  # also names of columns that are no text
        raise pa.ArrowInvalid(str(error)) from error
    return parquet


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


def _embedded(parquet: pq.ParquetFile) -> list[bool]:
    """Whether each row carries its picture; pictures are read only if in doubt."""
    metadata = parquet.metadata
    column = metadata.schema.names.index('image_bytes')
    has_bytes_N = []
    for group in range(metadata.num_row_groups):
        touch_column(parquet, group, 'image_bytes')
        info = metadata.row_group(group)
        statistics = info.column(column).statistics
        if statistics is not None and statistics.null_count in (0, info.num_rows):
            has_bytes_N += [statistics.null_count == 0] * info.num_rows
            continue
        batches = parquet.iter_batches(256, row_groups=[group], columns=['image_bytes'])
        for batch in batches:
            has_bytes_N += batch.column(0).is_valid().to_pylist()
    return has_bytes_N


def _labels(file: Path, columns: dict, num_rows: int) -> list[tuple[int, str]]:
    """By ``class_id`` where it is there, else by ``label``; both must agree."""
    places = [f'{file}, row {row}' for row in range(num_rows)]
    if 'class_id' not in columns:
        return parse_labels(columns['label'], places)
    texts = columns.get('label', [None] * num_rows)
    return parse_ids_and_labels(columns['class_id'], texts, places)


def _group_column(names: Sequence[str]) -> str | None:
    """The column that tells the group, by any of its names in any case."""
    by_word = {name.lower(): name for name in reversed(names)}
    return next((by_word[word] for word in GROUP_WORDS if word in by_word), None)


def _split(value: object) -> tuple[str, str]:
    text = '' if value is None else str(value).strip().lower()
    if text and text not in SPLIT_WORDS:
        return '', f'unknown split {text!r}; known: {sorted(SPLIT_WORDS)}'
    return SPLIT_WORDS.get(text, ''), ''
