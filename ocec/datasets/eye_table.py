"""The rows of an OCEC parquet: found, read and checked, without their pictures.

Schema: ``split``, ``class_id`` (0 closed, 1 open) and/or ``label`` (closed, open),
``image_bytes`` and/or ``image_path`` (relative to its own file), optionally
``group`` (subject or recording). Shapes: N rows.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ocec.functional.probability import CLASS_NAMES

SPLIT_ALIASES = {
    'train': 'train',
    'training': 'train',
    'val': 'val',
    'valid': 'val',
    'validation': 'val',
    'dev': 'val',
    'test': 'test',
    'testing': 'test',
}
SPLITS = ('train', 'val', 'test')
# a crop whose subject nobody noted down belongs to no group
UNKNOWN_GROUPS = ('', 'unknown', 'none', 'nan')
NO_GROUP = -1


@dataclass(frozen=True)
class BadRow:
    """One row that cannot be used: where it is and why."""

    file: str
    row: int
    problem: str

    def __str__(self) -> str:
        """Return one line for a report."""
        return f'{self.file}, row {self.row}: {self.problem}'


@dataclass(frozen=True)
class EyeTable:
    """Columns of all rows of all files, in file order.

    Args:
        files: the parquet files.
        first_row_F: (F + 1,) number of the first row of each file, then N.
        split_N: (N,) index into ``SPLITS``; -1 when unknown.
        label_N: (N,) int64, 1 open, 0 closed; -1 when unknown.
        group_N: (N,) int64 code into ``group_names``; -1 when unknown.
        group_names: the groups, sorted.
        path_N: (N,) ``image_path`` of each row; nulls where there is none.
        bad_rows: rows whose columns contradict each other or lack a value.
        has_group: the column ``group`` exists in every file.
        has_split: the column ``split`` exists in every file.
    """

    files: tuple[Path, ...]
    first_row_F: np.ndarray
    split_N: np.ndarray
    label_N: np.ndarray
    group_N: np.ndarray
    group_names: tuple[str, ...]
    path_N: pa.ChunkedArray
    bad_rows: tuple[tuple[int, BadRow], ...]
    has_group: bool
    has_split: bool

    def __len__(self) -> int:
        """Return the number of rows N."""
        return len(self.label_N)

    def locate(self, row: int) -> tuple[str, int]:
        """Return the file of a row and its number within that file."""
        file = int(np.searchsorted(self.first_row_F, row, side='right')) - 1
        return str(self.files[file]), int(row - self.first_row_F[file])


def find_parquet_files(data: str | Path | Sequence[str | Path]) -> tuple[Path, ...]:
    """Resolve a file, a folder, a glob pattern, or a list of those.

    Args:
        data: a folder stands for its ``*.parquet`` files, sorted by name.

    Returns:
        The files, each once, in the order given.

    Raises:
        FileNotFoundError: nothing matches.
    """
    given = [data] if isinstance(data, (str, Path)) else list(data)
    if not given:
        raise FileNotFoundError('no parquet file given: "data" is an empty list')
    found: dict[Path, None] = {}
    for item in given:
        path = Path(item).expanduser()
        if path.is_file():
            matches: Iterable[Path] = [path]
        elif path.is_dir():
            matches = sorted(path.glob('*.parquet'))
        else:
            matches = sorted(map(Path, glob.glob(str(path), recursive=True)))
        matches = list(matches)
        if not matches:
            raise FileNotFoundError(
                f'{item}: no such parquet file, folder with *.parquet, or pattern. '
                'Name your own data with --data PATH'
            )
        found.update(dict.fromkeys(matches))
    return tuple(found)


def read_eye_table(files: Sequence[Path]) -> EyeTable:
    """Read every column but the pictures, and check each row.

    Args:
        files: parquet files of one schema.

    Returns:
        The table; rows that cannot be used are listed in ``bad_rows``.

    Raises:
        ValueError: a file is no parquet, or lacks a column that it must have.
    """
    tables = [_read_columns(file) for file in files]
    sizes = [t.num_rows for t in tables]
    table = pa.concat_tables(tables, promote_options='permissive')
    has_group = all('group' in t.column_names for t in tables)
    has_split = all('split' in t.column_names for t in tables)
    first_row_F = np.concatenate([[0], np.cumsum(sizes)])
    split_N, split_problems = _splits(table)
    label_N, label_problems = _labels(table)
    group_N, group_names = _groups(table, has_group)
    located = EyeTable(
        files=tuple(files),
        first_row_F=first_row_F,
        split_N=split_N,
        label_N=label_N,
        group_N=group_N,
        group_names=group_names,
        path_N=_strings(table, 'image_path'),
        bad_rows=(),
        has_group=has_group,
        has_split=has_split,
    )
    problems = sorted(split_problems + label_problems)
    bad = tuple((row, BadRow(*located.locate(row), text)) for row, text in problems)
    return EyeTable(**{**located.__dict__, 'bad_rows': bad})


def _read_columns(file: Path) -> pa.Table:
    try:
        parquet = pq.ParquetFile(file)
    except pa.ArrowInvalid as error:
        raise ValueError(f'{file}: not a readable parquet file: {error}') from error
    names = parquet.schema_arrow.names
    for needed in (('class_id', 'label'), ('image_bytes', 'image_path')):
        if not set(needed) & set(names):
            raise ValueError(
                f'{file}: needs a column "{needed[0]}" or "{needed[1]}"; found {names}'
            )
    wanted = ('split', 'label', 'class_id', 'image_path', 'group')
    return parquet.read(columns=[name for name in wanted if name in names])


def _strings(table: pa.Table, column: str) -> pa.ChunkedArray:
    """Return a column as text; all null when it is missing."""
    if column not in table.column_names:
        return pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
    return table.column(column).cast(pa.string())


def _codes(text: pa.ChunkedArray, names: Sequence[str]) -> np.ndarray:
    """Index of each text in ``names``; -1 where it is null or another text."""
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(text))
    index = pc.index_in(plain, value_set=pa.array(names, pa.string()))
    return pc.fill_null(index, -1).to_numpy().astype(np.int64)


def _splits(table: pa.Table) -> tuple[np.ndarray, list[tuple[int, str]]]:
    if 'split' not in table.column_names:
        return np.full(table.num_rows, -1), []
    text = _strings(table, 'split')
    aliases = list(SPLIT_ALIASES)
    alias_N = _codes(text, aliases)
    split_of_alias = np.array([SPLITS.index(SPLIT_ALIASES[a]) for a in aliases] + [-1])
    problems = [
        (int(row), f'unknown split {text[int(row)].as_py()!r}; known: {aliases}')
        for row in np.flatnonzero(alias_N < 0)
    ]
    return split_of_alias[alias_N], problems


def _labels(table: pa.Table) -> tuple[np.ndarray, list[tuple[int, str]]]:
    """Labels by ``class_id``, else by ``label``; both must agree where both are."""
    num_rows = table.num_rows
    text = _strings(table, 'label')
    by_text_N = _codes(text, CLASS_NAMES)
    by_id_N = np.full(num_rows, -1)
    raw_id_N = by_id_N
    if 'class_id' in table.column_names:
        raw_id_N = pc.fill_null(table.column('class_id'), -1).to_numpy()
        by_id_N = np.where(np.isin(raw_id_N, (0, 1)), raw_id_N, -1).astype(np.int64)
    label_N = np.where(by_id_N >= 0, by_id_N, by_text_N)
    bad_id_N = (raw_id_N != -1) & (by_id_N < 0)
    disagree_N = (by_id_N >= 0) & (by_text_N >= 0) & (by_id_N != by_text_N)
    problems = []
    for row in np.flatnonzero(bad_id_N | disagree_N | (label_N < 0)).tolist():
        given = f'class_id {raw_id_N[row]}, label {text[row].as_py()!r}'
        if disagree_N[row]:
            problems.append((row, f'class_id and label disagree: {given}'))
        elif bad_id_N[row]:
            problems.append((row, f'class_id must be 0 (closed) or 1 (open): {given}'))
        else:
            problems.append((row, f'neither a class_id nor a label: {given}'))
    return label_N, problems


def _groups(table: pa.Table, has_group: bool) -> tuple[np.ndarray, tuple[str, ...]]:
    if not has_group:
        return np.full(table.num_rows, NO_GROUP), ()
    encoded = pc.fill_null(_strings(table, 'group'), '').combine_chunks()
    encoded = encoded.dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    names = encoded.dictionary.to_pylist()
    known = sorted(name for name in names if name.lower() not in UNKNOWN_GROUPS)
    code = {name: index for index, name in enumerate(known)}
    code_of_entry = np.array([code.get(name, NO_GROUP) for name in names], np.int64)
    return code_of_entry[encoded.indices.to_numpy()], tuple(known)
