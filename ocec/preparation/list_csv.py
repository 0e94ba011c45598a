"""Lists the pictures that a CSV file names: ``path,label[,group]``."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Sequence
from pathlib import Path

from ocec.preparation.eye_listing import (
    GROUP_WORDS,
    SPLIT_WORDS,
    EyeEntry,
    Listing,
    printable,
    problem_of_name,
    unify_group,
)
from ocec.preparation.label_words import parse_ids_and_labels, parse_label, parse_labels
from ocec.preparation.name_patterns import group_by_pattern
from ocec.preparation.path_fence import PathFence

COLUMN_WORDS = {
    'path': ('path', 'image_path', 'file', 'filename', 'file_name', 'image'),
    'label': ('label', 'class', 'class_id', 'state'),
    'group': GROUP_WORDS,
    'split': ('split', 'subset'),
}
"""Names that a header may use; without one the columns are path, label, group."""


def list_csv(
    file: str | os.PathLike,
    *,
    data_root: str | os.PathLike | None = None,
    group_pattern: re.Pattern | None = None,
    allow_outside: bool = False,
) -> Listing:
    """List the pictures of a CSV file, with or without a header.

    Args:
        file: UTF-8, separated by commas.
        data_root: folder that the paths are relative to; that of the file if not
            given.
        group_pattern: with a named group ``group``, searched in the path, in place
            of the column.
        allow_outside: accept absolute paths and such that leave ``data_root``.

    Returns:
        The listing in the order of the file.

    Raises:
        ValueError: the file has no rows, a row has too few or too many columns, the
            header lacks a column, or names and numbers are mixed among the labels.
    """
    file = Path(file)
    rows = _read_rows(file)
    columns, told = _read_header(file, rows[0][1])
    least, most = 2, 3
    if told:
        least = most = len(rows.pop(0)[1])
    if not rows:
        raise ValueError(f'{file}: a header and no rows')
    for line, cells in rows:
        if not least <= len(cells) <= most:
            raise ValueError(
                f'{file}, line {line}: {len(cells)} columns; needed are '
                f'{"as many as in the header" if told else "path,label[,group]"}. Put '
                'names with a comma in double quotes'
            )
    fence = PathFence(data_root or file.parent, allow_outside=allow_outside)
    places = [f'{file}, line {line}' for line, _ in rows]
    texts = [cells[columns['label']] for _, cells in rows]
    if 'class_id' in columns:
        ids = [cells[columns['class_id']].strip() or None for _, cells in rows]
        labels = parse_ids_and_labels(ids, texts, places)
    else:
        labels = parse_labels(texts, places)
    entries = [
        _entry(file, line, cells, columns, label, fence, group_pattern)
        for (line, cells), label in zip(rows, labels, strict=True)
    ]
    num_groups = len({entry.group for entry in entries} - {''})
    how = told or 'without header, read as path,label[,group]'
    return Listing(
        entries,
        (f'{file}: {len(entries):,} rows {how}; {num_groups:,} groups',),
        files=(file,),
    )


def _read_rows(file: Path) -> list[tuple[int, list[str]]]:
    """Line number and cells of each row that is not blank."""
    # surrogates keep bytes that are no UTF-8, so that the row can be named
    with open(
        file, newline='', encoding='utf-8-sig', errors='surrogateescape'
    ) as stream:
        reader = csv.reader(stream)
        try:
            rows = [(reader.line_num, cells) for cells in reader if any(cells)]
        except csv.Error as error:
            line = reader.line_num
            raise ValueError(f'{file}, line {line}: no CSV: {error}') from error
    if not rows:
        raise ValueError(f'{file}: the file has no rows')
    return rows


def _read_header(file: Path, cells: Sequence[str]) -> tuple[dict[str, int], str]:
    """Column of each field, and a line for the user if there is a header."""
    names = [cell.strip().lower() for cell in cells]
    known = {word for words in COLUMN_WORDS.values() for word in words}
    is_row = len(cells) > 1 and not parse_label(cells[1])[1]
    if is_row or not known & set(names):
        return {'path': 0, 'label': 1, 'group': 2}, ''
    columns = {
        field: names.index(word)
        for field, words in COLUMN_WORDS.items()
        for word in reversed(words)
        if word in names
    }
    for field in ('path', 'label'):
        if field not in columns:
            raise ValueError(
                f'{file}: the header lacks a column for the {field}, one of '
                f'{COLUMN_WORDS[field]}; found {names}'
            )
    if 'class_id' in names and names[columns['label']] != 'class_id':
        columns['class_id'] = names.index('class_id')
    unused = [name for i, name in enumerate(names) if i not in columns.values()]
    ignored = f', ignored: {", ".join(unused)}' if unused else ''
    used = ', '.join(f'{field} from "{names[i]}"' for field, i in columns.items())
    return columns, f'with header ({used}{ignored})'


def _entry(
    file, line, cells, columns, label_and_problem, fence, group_pattern
) -> EyeEntry:
    def cell(field: str) -> str:
        column = columns.get(field, len(cells))
        return cells[column].strip() if column < len(cells) else ''

    path = cell('path').replace('\\', '/')
    label, problem = label_and_problem
    resolved, problem_of_path = fence.resolve(path)
    row = -1
    split = cell('split').lower()
    if split and split not in SPLIT_WORDS:
        problem = problem or f'unknown split {split!r}; known: {sorted(SPLIT_WORDS)}'
    if not path:
        # a place of its own: such rows are no duplicates
        resolved, row, problem_of_path = str(file), line, 'the path is missing'
    if group_pattern is None:
        group = unify_group(printable(cell('group')))
    else:
        group = group_by_pattern(path, group_pattern)
    return EyeEntry(
        path=printable(path) or f'{file.name}, line {line}',
        label=label,
        group=group,
        split=SPLIT_WORDS.get(split, ''),
        source=file.stem,
        file=resolved,
        row=row,
        problem=problem_of_name(path) or problem or problem_of_path,
    )
