"""The rows of an OCEC parquet: found, read and checked, without their pictures.

Schema: ``split``, ``class_id`` (0 closed, 1 open) and/or ``label`` (closed, open),
``image_bytes`` and/or ``image_path`` (relative to its own file), optionally
``group`` (subject or recording). Memory holds 6 bytes per row and the names of the
groups. Shapes: N rows; R rows of a batch.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ocec.datasets.eye_columns import (
    open_eye_file,
    read_image_paths,
    stream_columns,
    stream_image_paths,
)
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
        split_N: (N,) int8 index into ``SPLITS``; -1 when unknown.
        label_N: (N,) int8, 1 open, 0 closed; -1 when unknown.
        group_N: (N,) int32 code into ``group_names``; -1 when unknown.
        group_names: the groups, sorted.
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

    def image_paths(self, rows: Sequence[int]) -> list[str | None]:
        """Read ``image_path`` of some rows from the files.

        Args:
            rows: K numbers of rows, in any order.

        Returns:
            K texts, relative to the files of the rows; None where there is none.
        """
        row_K = np.asarray(rows, np.int64)
        file_K = np.searchsorted(self.first_row_F, row_K, side='right') - 1
        paths: list[str | None] = [None] * len(row_K)
        for index in np.unique(file_K).tolist():
            places = np.flatnonzero(file_K == index)
            in_file = row_K[places] - self.first_row_F[index]
            found = read_image_paths(self.files[index], in_file)
            for place, path in zip(places.tolist(), found, strict=True):
                paths[place] = path
        return paths

    def stream_image_paths(self) -> Iterator[pa.Array]:
        """Stream ``image_path`` of all rows of the files that have it.

        Yields:
            the texts of some rows.
        """
        for file in self.files:
            yield from stream_image_paths(file)


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
    opened = [open_eye_file(file) for file in files]
    names_F = [parquet.schema_arrow.names for parquet in opened]
    first_row_F = np.cumsum([0, *(parquet.metadata.num_rows for parquet in opened)])
    has_split = any('split' in names for names in names_F)
    split_N, label_N = np.full((2, first_row_F[-1]), -1, np.int8)
    group_N = np.full(first_row_F[-1], NO_GROUP, np.int32)
    code_of_group: dict[str, int] = {}
    problems, split_problems = [], []
    for first_row, columns in _stream_rows(files, first_row_F):
        num_rows = len(next(iter(columns.values())))
        rows = slice(first_row, first_row + num_rows)
        label_N[rows], found = _labels(columns, num_rows)
        problems += [(first_row + row, text) for row, text in found]
        if has_split:
            split_N[rows], found = _splits(_texts(columns, 'split', num_rows))
            split_problems += [(first_row + row, text) for row, text in found]
        if 'group' in columns:
            group_N[rows] = _group_codes(columns['group'], code_of_group)
    group_names, rank_G = _sort_groups(code_of_group)
    without_group, without_split = (
        tuple(f for f, names in zip(files, names_F, strict=True) if name not in names)
        for name in ('group', 'split')
    )
    located = EyeTable(
        files=tuple(files),
        first_row_F=first_row_F,
        split_N=split_N,
        label_N=label_N,
        group_N=rank_G[group_N],
        group_names=group_names,
        bad_rows=(),
        bad_split_rows=(),
        files_without_group=without_group,
        files_without_split=without_split,
    )
    bad, bad_split = (
        tuple((row, BadRow(*located.locate(row), text)) for row, text in listed)
        for listed in (problems, split_problems)
    )
    return replace(located, bad_rows=bad, bad_split_rows=bad_split)


def _stream_rows(
    files: Sequence[Path], first_row_F: np.ndarray
) -> Iterator[tuple[int, dict[str, pa.Array]]]:
    """Stream the columns of all files with the number of their first row."""
    for file, row in zip(files, first_row_F[:-1].tolist(), strict=True):
        for columns in stream_columns(file):
            yield row, columns
            row += len(next(iter(columns.values())))


def _texts(columns: Mapping[str, pa.Array], name: str, num_rows: int) -> pa.Array:
    """Return a column; all null when it is missing."""
    return columns[name] if name in columns else pa.nulls(num_rows, pa.string())


def _codes(text: pa.Array, names: Sequence[str]) -> np.ndarray:
    """Index of each text in ``names``; -1 where it is null or another text."""
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(text))
    index = pc.index_in(plain, value_set=pa.array(names, pa.string()))
    return pc.fill_null(index, -1).to_numpy().astype(np.int8)


def _splits(text: pa.Array) -> tuple[np.ndarray, list[tuple[int, str]]]:
    aliases = list(SPLIT_ALIASES)
    alias_R = _codes(text, aliases)
    split_of_alias = np.array([SPLITS.index(SPLIT_ALIASES[a]) for a in aliases] + [-1])
    problems = [
        (row, f'unknown split {text[row].as_py()!r}; known: {aliases}')
        for row in np.flatnonzero(alias_R < 0).tolist()
    ]
    return split_of_alias[alias_R], problems


def _labels(
    columns: Mapping[str, pa.Array], num_rows: int
) -> tuple[np.ndarray, list[tuple[int, str]]]:
    """Labels by ``class_id``, else by ``label``; both must agree where both are."""
    text = _texts(columns, 'label', num_rows)
    by_text_R = _codes(text, CLASS_NAMES)
    raw_id_R = np.full(num_rows, np.nan)  # nan where there is none
    if 'class_id' in columns:
        raw_id_R = columns['class_id'].to_numpy(zero_copy_only=False)
    has_id_R = ~np.isnan(raw_id_R)
    by_id_R = np.where(np.isin(raw_id_R, (0, 1)), raw_id_R, -1).astype(np.int8)
    label_R = np.where(has_id_R, by_id_R, by_text_R)
    disagree_R = (by_id_R >= 0) & (by_text_R >= 0) & (by_id_R != by_text_R)
    problems = []
    for row in np.flatnonzero(disagree_R | (label_R < 0)).tolist():
        name = text[row].as_py()
        if has_id_R[row] and by_id_R[row] < 0:
            problem = f'class_id must be 0 (closed) or 1 (open), got {raw_id_R[row]:g}'
        elif disagree_R[row]:
            problem = f'class_id {raw_id_R[row]:g} and label {name!r} disagree'
        elif name:
            problem = f'label must be closed or open, got {name!r}'
        else:
            problem = 'neither a class_id nor a label'
        problems.append((row, problem))
    return label_R, problems


def _group_codes(text: pa.Array, code_of_group: dict[str, int]) -> np.ndarray:
    """Number groups in the order of their appearance; new ones are added."""
    plain = pc.utf8_trim_whitespace(pc.fill_null(text, ''))
    encoded = plain.dictionary_encode()
    codes = [
        NO_GROUP
        if name.lower() in UNKNOWN_GROUPS
        else code_of_group.setdefault(name, len(code_of_group))
        for name in encoded.dictionary.to_pylist()
    ]
    return np.array(codes, np.int32)[encoded.indices.to_numpy()]


def _sort_groups(codes: Mapping[str, int]) -> tuple[tuple[str, ...], np.ndarray]:
    """Sort the names; returns them and the place of each code, last of NO_GROUP."""
    names = sorted(codes)
    rank_G = np.full(len(names) + 1, NO_GROUP, np.int32)
    rank_G[[codes[name] for name in names]] = np.arange(len(names))
    return tuple(names), rank_G
