"""One table of the rows of several. Shapes: N rows of all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ocec.datasets.eye_table import NO_GROUP, BadRow, EyeTable


def join_tables(tables: Sequence[EyeTable]) -> EyeTable:
    """Number the rows of several tables through.

    A group has one code in the joined table, also where two tables have it: one name
    is taken for one subject, as in several files of one table.

    Args:
        tables: at least one; their rows follow each other in this order.

    Returns:
        The table; row r of a table is row r plus the rows of those before it.
    """
    first_rows = first_rows_of(tables)
    names = tuple(sorted({name for table in tables for name in table.group_names}))
    code_of = {name: code for code, name in enumerate(names)}
    first_row_F = [
        row + table.first_row_F[:-1]
        for row, table in zip(first_rows, tables, strict=False)
    ]
    return EyeTable(
        files=tuple(file for table in tables for file in table.files),
        first_row_F=np.concatenate([*first_row_F, first_rows[-1:]]),
        split_N=np.concatenate([table.split_N for table in tables]),
        label_N=np.concatenate([table.label_N for table in tables]),
        group_N=np.concatenate([_recoded_groups(table, code_of) for table in tables]),
        group_names=names,
        bad_rows=_shifted([table.bad_rows for table in tables], first_rows),
        bad_split_rows=_shifted([table.bad_split_rows for table in tables], first_rows),
        files_without_group=tuple(f for t in tables for f in t.files_without_group),
        files_without_split=tuple(f for t in tables for f in t.files_without_split),
    )


def first_rows_of(tables: Sequence[EyeTable]) -> np.ndarray:
    """Return where each table begins in the joined one, then the number of all rows.

    Args:
        tables: T tables.

    Returns:
        (T + 1,) int64, rising from 0.
    """
    return np.cumsum([0, *map(len, tables)])


def _recoded_groups(table: EyeTable, code_of: dict[str, int]) -> np.ndarray:
    # the last entry serves NO_GROUP, which is -1
    codes = [*(code_of[name] for name in table.group_names), NO_GROUP]
    return np.array(codes, np.int32)[table.group_N]


def _shifted(
    listed: Sequence[tuple[tuple[int, BadRow], ...]], first_rows: np.ndarray
) -> tuple[tuple[int, BadRow], ...]:
    """Renumber listed rows; each row keeps the number in its own file in its text."""
    return tuple(
        (row + int(first), bad)
        for rows, first in zip(listed, first_rows, strict=False)
        for row, bad in rows
    )
