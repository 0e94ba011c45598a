"""Which split each row of a table is in. Shapes: N rows."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from mmengine.logging import print_log

from ocec.datasets.eye_table import NO_GROUP, SPLITS, EyeTable
from ocec.functional.split_folds import split_by_fold
from ocec.functional.splits import split_by_group


def assign_splits(
    table: EyeTable,
    ratios: Mapping[str, float] | None,
    *,
    seed: int,
    group_by: str | None,
    fold: Sequence[int] | None = None,
) -> np.ndarray:
    """Go by the column ``split``, or split anew.

    Args:
        table: the rows.
        ratios: share of each split, in (0, 1]; None goes by the column.
        seed: of a split by ratio.
        group_by: ``group`` keeps groups whole, rows whose group nobody knows stand
            alone; None lets every row stand alone.
        fold: (number, count): of so many folds of train and val this one becomes val,
            the others train; rows whose column says test stay test.

    Returns:
        (N,) int8 index into ``SPLITS``; -1 where a row has none.

    Raises:
        ValueError: a file lacks the column that is asked for, or the ratios name
            another split or do not sum to 1; or the fold is none, or comes with ratios.
    """
    if fold is not None:
        if ratios is not None:
            raise ValueError('split_ratios and fold exclude each other')
        return _assign_fold(table, fold, seed=seed, group_by=group_by)
    if ratios is None:
        if table.files_without_split:
            raise ValueError(
                f'{table.files_without_split[0]}: column "split" is missing; '
                'add it, or let the dataset split with '
                'split_ratios=dict(train=0.8, val=0.2)'
            )
        return table.split_N
    for name in ratios:
        if name not in SPLITS:
            raise ValueError(f'split_ratios key must be one of {SPLITS}, got {name!r}')
    group_N = np.arange(len(table)) if group_by is None else _known_groups(table)
    names_N = split_by_group(
        group_N, np.maximum(table.label_N, 0), ratios=ratios, seed=seed
    )
    code_N = np.full(len(names_N), -1, np.int8)
    for name in ratios:
        code_N[names_N == name] = SPLITS.index(name)
    return code_N


def _assign_fold(
    table: EyeTable, fold: Sequence[int], *, seed: int, group_by: str | None
) -> np.ndarray:
    """Split of each row, for one fold of a cross-validation."""
    try:
        number, count = fold
    except (TypeError, ValueError):
        raise ValueError(f'fold must be (number, count), got {fold!r}') from None
    group_N = np.arange(len(table)) if group_by is None else _known_groups(table)
    code_N = np.full(len(table), SPLITS.index('test'), np.int8)
    mine_N = np.ones(len(table), bool)
    if not table.files_without_split:
        mine_N = table.split_N != SPLITS.index('test')
    names_M = split_by_fold(
        group_N[mine_N],
        np.maximum(table.label_N, 0)[mine_N],
        fold=number,
        num_folds=count,
        seed=seed,
    )
    code_N[mine_N] = np.where(
        names_M == 'val', SPLITS.index('val'), SPLITS.index('train')
    )
    return code_N


def warn_of_shared_groups(
    table: EyeTable, split: str, split_N: np.ndarray, usable_N: np.ndarray
) -> None:
    """Say when a face or recording lies in a split and in another.

    Args:
        table: the rows.
        split: the one that is going to be used.
        split_N: (N,) index into ``SPLITS``; -1 for none.
        usable_N: (N,) bool, rows that are not left out.
    """
    here_N = usable_N & (split_N == SPLITS.index(split))
    other_N = usable_N & ~here_N & (split_N >= 0)
    here, other = (
        set(np.unique(table.group_N[rows])) - {NO_GROUP} for rows in (here_N, other_N)
    )
    if shared := sorted(here & other):
        names = ', '.join(table.group_names[code] for code in shared[:3])
        _warn(
            f'{len(shared)} groups of split "{split}" are in another split '
            f'too ({names}, ...): its metrics will be too good'
        )


def _known_groups(table: EyeTable) -> np.ndarray:
    """Group of each row; a number of its own for each row of an unknown one."""
    if table.files_without_group:
        raise ValueError(
            f'{table.files_without_group[0]}: column "group" is missing, so a '
            'split by ratio could put one face on both sides. Add it, or accept '
            'that with group_by=None'
        )
    lone_N = len(table.group_names) + np.arange(len(table))
    known_N = table.group_N != NO_GROUP
    if num_unknown := int((~known_N).sum()):
        _warn(
            f'{num_unknown:,} rows have no known group and are split one by one: faces '
            'may lie on both sides'
        )
    return np.where(known_N, table.group_N, lone_N)


def _warn(message: str) -> None:
    print_log(message, logger='current', level=logging.WARNING)
