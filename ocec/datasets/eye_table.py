"""The rows of an OCEC parquet: found, read and checked, without their pictures.

Schema: ``split``, ``class_id`` (0 closed, 1 open) and/or ``label`` (closed, open),
``image_bytes`` and/or ``image_path`` (relative to its own file), optionally
``group`` (subject or recording). Shapes: N rows.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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
        bad_rows: rows whose label is missing, unknown or contradicts itself.
        bad_split_rows: rows whose split is missing or unknown; they matter only to
            who goes by the column ``split``.
        files_without_group: files that lack the column ``group``.
        files_without_split: files that lack the column ``split``.
    """

    files: tuple[Path, ...]
    first_row_F: np.ndarray
    split_N: np.ndarray
    label_N: np.ndarray
    group_N: np.ndarray
    group_names: tuple[str, ...]
    path_N: pa.ChunkedArray
    bad_rows: tuple[tuple[int, BadRow], ...]
    bad_split_rows: tuple[tuple[int, BadRow], ...]
    files_without_group: tuple[Path, ...]
    files_without_split: tuple[Path, ...]

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
    found: dict[Path, Path] = {}
    for item in given:
        path = Path(item).expanduser()
        if path.is_file():
            matches: Iterable[Path] = [path]
        elif path.is_dir():
            matches = sorted(path.glob('*.parquet'))
        else:
            named = map(Path, glob.glob(str(path), recursive=True))
            matches = sorted(match for match in named if match.is_file())
        matches = list(matches)
        if not matches:
            raise FileNotFoundError(
                f'{item}: no such parquet file, folder with *.parquet, or pattern. '
                'Name your own data with --data PATH'
            )
        for match in matches:  # one file may be given by two names
            found.setdefault(match.resolve(), match)
    return tuple(found.values())


def read_eye_table(files: Sequence[Path]) -> EyeTable:
    """Read every column but the pictures, and check each row.

    Args:
        files: parquet files of one schema.

    Returns:
        The table; rows that cannot be used are listed in ``bad_rows``.

    Raises:
        ValueError: a file is no parquet, lacks a column that it must have, or its
            ``class_id`` holds no numbers.
    """
    tables = [_read_columns(file) for file in files]
    sizes = [t.num_rows for t in tables]
    table = pa.concat_tables(tables, promote_options='permissive')
    without_group, without_split = (
        tuple(
            file
            for file, columns in zip(files, tables, strict=True)
            if name not in columns.column_names
        )
        for name in ('group', 'split')
    )
    first_row_F = np.concatenate([[0], np.cumsum(sizes)])
    split_N, split_problems = _splits(table)
    label_N, label_problems = _labels(table)
    group_N, group_names = _groups(table)
    located = EyeTable(
        files=tuple(files),
        first_row_F=first_row_F,
        split_N=split_N,
        label_N=label_N,
        group_N=group_N,
        group_names=group_names,
        path_N=_strings(table, 'image_path'),
        bad_rows=(),
        bad_split_rows=(),
        files_without_group=without_group,
        files_without_split=without_split,
    )
    bad, bad_split = (
        tuple((row, BadRow(*located.locate(row), text)) for row, text in problems)
        for problems in (label_problems, split_problems)
    )
    return replace(located, bad_rows=bad, bad_split_rows=bad_split)


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
    _check_picture_column(file, parquet.schema_arrow)
    wanted = ('split', 'label', 'class_id', 'image_path', 'group')
    return pa.table(
        {name: _read_column(file, parquet, name) for name in wanted if name in names}
    )


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


def _read_column(file: Path, parquet: pq.ParquetFile, name: str) -> pa.ChunkedArray:
    # one type per column, so that files by different writers go together
    kind = pa.float64() if name == 'class_id' else pa.string()
    try:
        column = parquet.read(columns=[name]).column(name)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f'{file}: column "{name}" is damaged: {error}') from error
    try:
        column = column.cast(kind)
        column.validate(full=True)  # text that is no UTF-8
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(
            f'{file}: column "{name}" cannot be read as {kind}: {error}'
        ) from error
    return column


def _strings(table: pa.Table, column: str) -> pa.ChunkedArray:
    """Return a column; all null when it is missing."""
    if column not in table.column_names:
        return pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
    return table.column(column)


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
    text = _strings(table, 'label')
    by_text_N = _codes(text, CLASS_NAMES)
    raw_id_N = np.full(table.num_rows, np.nan)  # nan where there is none
    if 'class_id' in table.column_names:
        raw_id_N = table.column('class_id').to_numpy()
    has_id_N = ~np.isnan(raw_id_N)
    by_id_N = np.where(np.isin(raw_id_N, (0, 1)), raw_id_N, -1).astype(np.int64)
    label_N = np.where(has_id_N, by_id_N, by_text_N)
    disagree_N = (by_id_N >= 0) & (by_text_N >= 0) & (by_id_N != by_text_N)
    problems = []
    for row in np.flatnonzero(disagree_N | (label_N < 0)).tolist():
        name = text[row].as_py()
        if has_id_N[row] and by_id_N[row] < 0:
            problem = f'class_id must be 0 (closed) or 1 (open), got {raw_id_N[row]:g}'
        elif disagree_N[row]:
            problem = f'class_id {raw_id_N[row]:g} and label {name!r} disagree'
        elif name:
            problem = f'label must be closed or open, got {name!r}'
        else:
            problem = 'neither a class_id nor a label'
        problems.append((row, problem))
    return label_N, problems


def _groups(table: pa.Table) -> tuple[np.ndarray, tuple[str, ...]]:
    if 'group' not in table.column_names:
        return np.full(table.num_rows, NO_GROUP), ()
    plain = pc.utf8_trim_whitespace(pc.fill_null(_strings(table, 'group'), ''))
    encoded = plain.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    names = encoded.dictionary.to_pylist()
    known = sorted(name for name in names if name.lower() not in UNKNOWN_GROUPS)
    code = {name: index for index, name in enumerate(known)}
    code_of_entry = np.array([code.get(name, NO_GROUP) for name in names], np.int64)
    return code_of_entry[encoded.indices.to_numpy()], tuple(known)
