"""Corrected labels from a CSV file, checked against the parquet they are for.

A row is named by its number and by its path, so that the corrections of one file
cannot be put into another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from ocec.functional.csv_rows import NamedRows
from ocec.functional.parquet_limits import check_parquet_claims, touch_column
from ocec.functional.probability import CLASS_NAMES
from ocec.preparation.label_words import UNKNOWN_LABEL, parse_label

NEEDED = ('sample_id', 'path', 'new_label')
LABEL_COLUMNS = ('label', 'class_id')
SHOWN = 5


@dataclass(frozen=True)
class Correction:
    """One line of the CSV.

    Args:
        line: its number in the CSV, from 2 on.
        file: parquet file that it names; empty if none.
        sample_id: as on the page of the errors.
        row: number of the row in the file.
        path: ``image_path`` of the row, or ``file#row``.
        old_label: label that the row had; empty where it is not told.
        new_label: label that it is to have.
    """

    line: int
    file: str
    sample_id: int
    row: int
    path: str
    old_label: str
    new_label: str


def read_corrections(file: Path) -> tuple[list[Correction], int]:
    """Read the corrected CSV.

    Args:
        file: with the columns sample_id, path and new_label, and if there are any
            file, row (the sample id if not given) and label.

    Returns:
        The lines that have a new label, and how many have none.

    Raises:
        ValueError: a column is missing, a number or label cannot be read, or a row is
            named twice; the message names the lines.
    """
    corrections, problems, num_blank = [], [], 0
    with open(file, newline='', encoding='utf-8-sig') as stream:
        reader = NamedRows(stream, file)
        missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(
                f'{file}: columns {missing} are missing; found {reader.fieldnames}'
            )
        for values in reader:
            place = f'line {reader.line_num}'
            if not (values['new_label'] or '').strip():
                num_blank += 1
                continue
            try:
                corrections.append(_correction(reader.line_num, values))
            except ValueError as error:
                problems.append(f'{place}: {error}')
    problems += _find_duplicates(corrections)
    _stop(f'{file}: no label was merged', problems)
    return corrections, num_blank


def corrections_of_file(
    corrections: Sequence[Correction], parquet: Path
) -> list[Correction]:
    """Choose the corrections of one file, where the CSV is about several.

    Args:
        corrections: all of the CSV.
        parquet: the file to be changed; it may have another name than in the CSV if
            that is about one file.

    Returns:
        Those that name it.

    Raises:
        ValueError: the CSV is about several files, and this is none of them.
    """
    files = sorted({correction.file for correction in corrections})
    if len(files) < 2:
        return list(corrections)
    found = [c for c in corrections if Path(c.file).name == parquet.name]
    if not found:
        listed = ', '.join(files[:SHOWN])
        raise ValueError(f'the CSV is about {listed}, none of which is {parquet.name}')
    return found


def check_corrections(corrections: Sequence[Correction], parquet: Path) -> list[str]:
    """Refuse corrections that are not of this file, or of another state of it.

    Args:
        corrections: of this file.
        parquet: an OCEC parquet.

    Returns:
        The label of each row named, as it is now; empty where it has none.

    Raises:
        ValueError: the file is no OCEC parquet, a row is missing, or its path or label
            is another than in the CSV.
    """
    try:
        opened = pq.ParquetFile(parquet)
        check_parquet_claims(opened.metadata, Path(parquet).stat().st_size)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ValueError(f'{parquet}: not a readable parquet file: {error}') from error
    names = opened.schema_arrow.names
    if not set(LABEL_COLUMNS) & set(names):
        raise ValueError(f'{parquet}: no column "label" or "class_id"; found {names}')
    wanted = [name for name in ('image_path', *LABEL_COLUMNS) if name in names]
    try:
        columns = opened.read(columns=wanted).to_pydict()
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f'{parquet}: damaged parquet file: {error}') from error
    num_rows, problems, labels = opened.metadata.num_rows, [], []
    for correction in corrections:
        row, place = correction.row, f'line {correction.line}'
        if not 0 <= row < num_rows:
            problems.append(f'{place}: there is no row {row}, only {num_rows:,} rows')
            continue
        path = columns.get('image_path', [None] * num_rows)[row]
        is_path = correction.path == path or (
            not path and correction.path.endswith(f'#{row}')
        )
        if not is_path:
            problems.append(
                f'{place}: row {row} is {path or "without a path"}, not '
                f'{correction.path}'
            )
            continue
        labels.append(_label_of(columns, row))
        if correction.old_label and labels[-1] not in (
            correction.old_label,
            correction.new_label,
        ):
            problems.append(
                f'{place}: row {row} is labelled {labels[-1] or "not at all"}, in the '
                f'CSV {correction.old_label}'
            )
    _stop(f'these corrections are not of {parquet}', problems)
    return labels


def write_corrected(
    parquet: Path, corrections: Sequence[Correction], stream: BinaryIO
) -> None:
    """Write a parquet with the new labels; all else stays as it was.

    Memory holds one row group.

    Args:
        parquet: the file as it is.
        corrections: checked ones.
        stream: where to.
    """
    source = pq.ParquetFile(parquet)
    schema = source.schema_arrow
    label_of_row = {c.row: CLASS_NAMES.index(c.new_label) for c in corrections}
    with pq.ParquetWriter(stream, schema, compression=_compression(source)) as writer:
        first_row = 0
        for group in range(source.num_row_groups):
            table = source.read_row_group(group)
            rows = range(first_row, first_row + table.num_rows)
            changed = {
                row - first_row: label_of_row[row]
                for row in rows
                if row in label_of_row
            }
            if changed:
                table = _relabelled(table, changed)
            writer.write_table(table, row_group_size=max(1, table.num_rows))
            first_row += table.num_rows


def _correction(line: int, values: dict) -> Correction:
    label, problem = parse_label(values['new_label'])
    if label == UNKNOWN_LABEL:
        raise ValueError(f'new_{problem}')
    old, _ = parse_label(values.get('label'))
    sample_id = _number('sample_id', values['sample_id'])
    row = values.get('row')
    return Correction(
        line=line,
        file=values.get('file') or '',
        sample_id=sample_id,
        row=_number('row', row) if row else sample_id,
        path=values['path'] or '',
        old_label='' if old == UNKNOWN_LABEL else CLASS_NAMES[old],
        new_label=CLASS_NAMES[label],
    )


def _number(name: str, text: str | None) -> int:
    try:
        return int(text or '')
    except ValueError as error:
        raise ValueError(f'{name} must be a whole number, got {text!r}') from error


def _find_duplicates(corrections: Sequence[Correction]) -> list[str]:
    first_line: dict[tuple[str, int], int] = {}
    problems = []
    for correction in corrections:
        key = correction.file, correction.row
        first = first_line.setdefault(key, correction.line)
        if first != correction.line:
            problems.append(
                f'line {correction.line}: sample {correction.sample_id} is in line '
                f'{first} already'
            )
    return problems


def _label_of(columns: dict[str, list], row: int) -> str:
    for name in reversed(LABEL_COLUMNS):  # class_id first, as the datasets do
        if name in columns:
            label, _ = parse_label(columns[name][row])
            if label != UNKNOWN_LABEL:
                return CLASS_NAMES[label]
    return ''


def _relabelled(table: pa.Table, label_of_place: dict[int, int]) -> pa.Table:
    for name in LABEL_COLUMNS:
        if name not in table.schema.names:
            continue
        index, field = table.schema.get_field_index(name), table.schema.field(name)
        values = table.column(name).to_pylist()
        for place, label in label_of_place.items():
            values[place] = label if name == 'class_id' else CLASS_NAMES[label]
        plain = pa.array(values, pa.float64() if name == 'class_id' else pa.string())
        table = table.set_column(index, field, plain.cast(field.type))
    return table


def _compression(source: pq.ParquetFile) -> dict[str, str] | str:
    """Compression of each column, as the file has it."""
    if not source.num_row_groups:
        return 'snappy'
    for name in source.schema_arrow.names:
        touch_column(source, 0, name)
    group = source.metadata.row_group(0)
    columns = [group.column(i) for i in range(group.num_columns)]
    return {c.path_in_schema: c.compression.lower() for c in columns}


def _stop(what: str, problems: Sequence[str]) -> None:
    if problems:
        shown = ''.join(f'\n  {problem}' for problem in problems[:SHOWN])
        more = len(problems) - SHOWN
        rest = f'\n  and {more:,} more' if more > 0 else ''
        raise ValueError(f'{what}:{shown}{rest}')
