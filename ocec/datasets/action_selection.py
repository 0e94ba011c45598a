"""The usable clips of a split, and what is wrong with the others.

Shapes: N clips of the table, S of the split.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from ocec.datasets.action_split import read_names, rows_of_split, shown_names
from ocec.datasets.action_table import ActionTable

BAD_CLIP_POLICIES = ('error', 'skip')
EMPTY_CLIP_POLICIES = ('keep', 'skip', 'error')
# how many bad clips a message shows
SHOWN_CLIPS = 5


def select_clips(
    table: ActionTable,
    split: str | None,
    *,
    num_classes: int,
    left_out: str | Path | Sequence[str] | None = None,
    empty_clips: str = 'keep',
) -> tuple[np.ndarray, list[str]]:
    """Find the clips of a split that can be used.

    What can be mended (coordinates that are no numbers count as missing, a single frame
    is repeated) is said in the log, with the names of the clips.

    Args:
        table: the clips of a file.
        split: as of :func:`ocec.datasets.action_split.rows_of_split`.
        num_classes: labels must be below.
        left_out: text file of clips that are not used, or their names.
        empty_clips: what to do with clips without any joint: ``keep``, ``skip`` or
            ``error``, which makes problems of them.

    Returns:
        (S,) int64 numbers in the table, rising; and one line for each problem of the
        others, with the name of the clip and the field.

    Raises:
        FileNotFoundError: there is no such list.
        ValueError: there is no such split, or the policy is another.
    """
    check_choice('empty_clips', empty_clips, EMPTY_CLIP_POLICIES)
    rows, absent = rows_of_split(table, split)
    rows = rows[~np.isin(table.name_N[rows], _left_out_names(left_out))]
    problems = []
    if absent:
        problems.append(
            f'split "{split}" names {len(absent):,} clips that are not in the '
            f'annotations: {shown_names(absent)}'
        )
    is_bad_S = np.isin(rows, list(table.bad_clips))
    problems += [table.bad_clips[row] for row in rows[is_bad_S].tolist()]
    rows = rows[~is_bad_S]
    is_high_S = table.label_N[rows] >= num_classes
    problems += [
        f'clip "{table.name_N[row]}": label: {table.label_N[row]} is not below '
        f'num_classes, {num_classes}'
        for row in rows[is_high_S].tolist()
    ]
    rows = _without_empty(table, rows[~is_high_S], empty_clips, problems)
    _say(table, rows, table.nan_clips, 'have coordinates or scores that are no numbers')
    single = np.flatnonzero(table.num_frames_N == 1).tolist()
    _say(table, rows, single, 'have a single frame, which is repeated')
    return rows, problems


def report_problems(problems: Sequence[str], policy: str) -> None:
    """Stop at clips that cannot be used, or say how many are left out.

    Args:
        problems: one line each; may be empty.
        policy: ``error`` or ``skip``.

    Raises:
        ValueError: there are some and the policy is ``error``, or it is another.
    """
    check_choice('bad_clips', policy, BAD_CLIP_POLICIES)
    if not problems:
        return
    more = len(problems) - SHOWN_CLIPS
    shown = '\n'.join(f'  {problem}' for problem in problems[:SHOWN_CLIPS])
    shown += f'\n  and {more:,} more' if more > 0 else ''
    if policy == 'error':
        raise ValueError(
            f'{len(problems):,} problems with the clips:\n{shown}\n'
            "Mend them, or leave those clips out with bad_clips='skip'"
        )
    _warn(f'{len(problems):,} problems, their clips are left out:\n{shown}')


def check_choice(name: str, value: object, allowed: Sequence) -> None:
    """Check that a setting is one of a few.

    Args:
        name: of the setting.
        value: what was given.
        allowed: what it may be.

    Raises:
        ValueError: it is none of them.
    """
    if value not in allowed:
        raise ValueError(f'{name} must be one of {tuple(allowed)}, got {value!r}')


def _left_out_names(left_out: str | Path | Sequence[str] | None) -> list[str]:
    if left_out is None:
        return []
    is_file = isinstance(left_out, str | Path)
    return read_names(left_out) if is_file else list(left_out)


def _without_empty(
    table: ActionTable, rows: np.ndarray, policy: str, problems: list[str]
) -> np.ndarray:
    if policy == 'keep':
        what = 'have no joint at all; they are kept (empty_clips)'
        _say(table, rows, table.empty_clips, what)
        return rows
    is_empty_S = np.isin(rows, table.empty_clips)
    if policy == 'skip':
        what = 'have no joint at all and are left out (empty_clips)'
        _say(table, rows, table.empty_clips, what)
    else:
        problems += [
            f'clip "{table.name_N[row]}": keypoint: no joint in any frame'
            for row in rows[is_empty_S].tolist()
        ]
    return rows[~is_empty_S]


def _say(
    table: ActionTable, rows: np.ndarray, chosen: Sequence[int], what: str
) -> None:
    names = table.name_N[np.intersect1d(rows, chosen).astype(np.int64)].tolist()
    if names:
        _warn(f'{len(names):,} clips {what}: {shown_names(names)}')


def _warn(message: str) -> None:
    print_log(message, logger='current', level=logging.WARNING)
