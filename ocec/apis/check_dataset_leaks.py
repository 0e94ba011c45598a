"""Leaks between the splits of a data set: groups, copies, look-alikes.

A leak makes the metrics of a model too good: what it is tested on, it has seen in
training. Shapes: N rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ocec.datasets.eye_table import NO_GROUP, SPLITS, EyeTable
from ocec.functional.leak_check import codes_in_several_parts
from ocec.preparation.near_duplicates import NearDuplicates, pairs_to_show

LEAK, WARNING = 'leak', 'warning'
# share of the rows of val or test that look like one of another split, above which
# that is a leak. Measured on infrared eyes: 0.1 % between different people (chance),
# 50 % when one recording is divided at random
MAX_NEAR_SHARE = 0.01
# fewer pairs can be chance in a small split
MIN_NEAR_ROWS = 3
SHOWN_SETS = 24
SHOWN_IN_SET = 4
LISTED_SETS = 1000


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Args:
        kind: short name, as ``groups_across_splits``.
        level: ``leak`` or ``warning``.
        title: one line with the number.
        meaning: what follows from it and what helps.
        sets: rows to look at; those of one set belong together.
        reasons: (reason, number of rows), where there are several.
        lines: a text for each set, where there is more to say about it.
    """

    kind: str
    level: str
    title: str
    meaning: str
    sets: tuple[tuple[int, ...], ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()
    lines: tuple[str, ...] = ()


def find_leaks(
    table: EyeTable,
    picture_N: np.ndarray,
    near: NearDuplicates,
    *,
    max_near_share: float = MAX_NEAR_SHARE,
) -> Iterator[Finding]:
    """Look for what is in two splits, and for copies within one.

    Args:
        table: the rows.
        picture_N: (N,) equal where the pixels are; -1 where that does not count.
        near: near duplicates between splits.
        max_near_share: share of val or test that may have one, in [0, 1].

    Yields:
        the findings.
    """
    yield from _shared_groups(table)
    yield from _duplicates(table, picture_N)
    yield from _near_duplicates(table, near, max_near_share)


def _shared_groups(table: EyeTable) -> Iterator[Finding]:
    shared = codes_in_several_parts(table.group_N, table.split_N)
    if not len(shared):
        return
    total = len(np.unique(table.group_N[table.group_N != NO_GROUP]))
    names = [table.group_names[code] for code in shared]
    shown = ', '.join(names[:5]) + (', ...' if len(names) > 5 else '')
    rows = np.isin(table.group_N, shared).sum()
    yield Finding(
        'groups_across_splits',
        LEAK,
        f'{len(shared):,} of {total:,} groups are in more than one split '
        f'({rows:,} rows): {shown}',
        'The model is tested on faces or recordings that it was trained on. Split by '
        'group: give the dataset split_ratios, or convert anew with a grouped split.',
        sets=one_of_each_part(table.group_N, table.split_N, shared),
    )


def _duplicates(table: EyeTable, picture_N: np.ndarray) -> Iterator[Finding]:
    across = codes_in_several_parts(picture_N, table.split_N)
    if len(across):
        rows = np.isin(picture_N, across).sum()
        yield Finding(
            'duplicates_across_splits',
            LEAK,
            f'{len(across):,} pictures are in more than one split, pixel for pixel '
            f'({rows:,} rows)',
            'Leave all but one copy out, or put all copies into one split.',
            sets=one_of_each_part(picture_N, table.split_N, across),
        )
    code, count = np.unique(picture_N[picture_N >= 0], return_counts=True)
    within = np.setdiff1d(code[count > 1], across)
    if len(within):
        rows = int(count[np.isin(code, within)].sum())
        yield Finding(
            'duplicates_within_splits',
            WARNING,
            f'{len(within):,} pictures are in one split more than once, pixel for '
            f'pixel ({rows:,} rows)',
            'They count several times in training and in every metric.',
            sets=_sets_of(picture_N, within),
        )


def _near_duplicates(
    table: EyeTable, near: NearDuplicates, max_share: float
) -> Iterator[Finding]:
    counted = []
    for code, name in enumerate(SPLITS):
        in_split_N = table.split_N == code
        num, total = int((near.partner_N[in_split_N] >= 0).sum()), int(in_split_N.sum())
        if num and name != 'train':
            counted.append((num / total, num, total, name))
    if not counted:
        return
    is_leak = any(
        share > max_share and num >= MIN_NEAR_ROWS for share, num, _, _ in counted
    )
    parts = ', '.join(
        f'{num:,} of {total:,} rows of {name} ({_percent(share, max_share)})'
        for share, num, total, name in counted
    )
    mirrored = int(near.mirrored_N[table.split_N > SPLITS.index('train')].sum())
    notes = ''.join(f' {note}.' for note in near.notes)
    meaning = (
        'Neighbouring frames of one recording, or one picture in two versions, are on '
        'both sides: so many are no chance'
        if is_leak
        else 'So few may be chance'
    )
    yield Finding(
        'near_duplicates_across_splits',
        LEAK if is_leak else WARNING,
        f'{parts} look like a row of another split'
        + (f', {mirrored:,} of them mirrored' if mirrored else ''),
        f'{meaning}; judge by the pictures. The limit is {100 * max_share:g}% '
        f'(--max-near-share).{notes}',
        sets=tuple(map(tuple, pairs_to_show(near, SHOWN_SETS).tolist())),
    )


def _percent(share: float, limit: float) -> str:
    """A share, with as many digits as tell it from the limit."""
    texts = [f'{share:.{digits}%}' for digits in range(1, 9)]
    told = (text for text in texts if float(text[:-1]) != round(100 * limit, 9))
    return next(told, texts[0])


def _sets_of(code_N: np.ndarray, codes: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """The first rows of each code."""
    chosen = list(codes[:LISTED_SETS])
    rows = np.flatnonzero(np.isin(code_N, chosen))
    sets: dict[int, list[int]] = {code: [] for code in chosen}
    for row in rows.tolist():
        sets[code_N[row]].append(row)
    return tuple(tuple(rows[:SHOWN_IN_SET]) for rows in sets.values())


def one_of_each_part(
    code_N: np.ndarray, part_N: np.ndarray, codes: Sequence[int]
) -> tuple[tuple[int, ...], ...]:
    """Choose the first row of each code in each part.

    Args:
        code_N: (N,) codes.
        part_N: (N,) parts; negative ones do not count.
        codes: those wanted.

    Returns:
        One set of rows for each code, at most ``LISTED_SETS``.
    """
    sets: dict[int, dict[int, int]] = {code: {} for code in codes[:LISTED_SETS]}
    rows = np.flatnonzero(np.isin(code_N, list(sets)) & (part_N >= 0))
    for row in rows.tolist():
        sets[code_N[row]].setdefault(part_N[row], row)
    return tuple(tuple(rows.values()) for rows in sets.values())
