"""Which clips of a table a split has. Shapes: N clips of the table, S of the split."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ocec.datasets.action_table import ActionTable, rows_of_names
from ocec.functional.ntu import (
    NUM_CLASSES_60,
    PROTOCOLS,
    NtuName,
    is_training_clip,
    parse_ntu_name,
)

# how many names an error message shows
SHOWN_NAMES = 5
_SIDES = {'train': True, 'val': False, 'test': False}


def rows_of_split(
    table: ActionTable, split: str | None
) -> tuple[np.ndarray, list[str]]:
    """Find the clips of a split.

    Args:
        table: the clips of a file.
        split: one that the file names; else ``xsub``, ``xview`` or ``xset`` with
            ``_train``, ``_val`` or ``_test``, by the rules of NTU RGB+D where the
            clips are named so; else a text file with the name of a clip on each line.
            None takes all clips.

    Returns:
        (S,) int64 numbers in the table, rising, bad clips among them; and the names
        that the split lists and the table does not have.

    Raises:
        ValueError: there is no such split; the message lists those there are.
    """
    if split is None:
        return np.arange(len(table)), []
    if split in table.splits:
        return table.splits[split], list(table.absent[split])
    protocol, _, side = split.rpartition('_')
    if protocol in PROTOCOLS and side in _SIDES:
        names = [parse_ntu_name(name) for name in table.name_N.tolist()]
        if names and all(names):
            return _rows_of_protocol(names, protocol, is_training=_SIDES[side]), []
    file = Path(split).expanduser()
    if file.is_file():
        return rows_of_names(table.name_N, read_names(file))
    found = ', '.join(table.splits) or 'none, it is a bare list of clips'
    raise ValueError(
        f'{table.file}: there is no split "{split}"; splits of the file: {found}. '
        f'Clips with NTU names can also be split by {", ".join(PROTOCOLS)} with _train '
        'or _val, and any by a text file with one name on each line'
    )


def read_names(file: str | Path) -> list[str]:
    """Read a list of clips, such as NTU's list of missing skeletons.

    Args:
        file: text, one name on each line. Where a line is the name of an NTU clip,
            suffixes such as ``_rgb.avi`` are cut off, and lines that are no such name
            are titles and are left out.

    Returns:
        The names.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds no name, or is no text.
    """
    try:
        lines = Path(file).expanduser().read_text(encoding='utf-8').splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f'{file}: it is no text: {error}') from error
    names = [line.strip() for line in lines if line.strip()]
    if any(parse_ntu_name(name) for name in names):
        # S001C002P005R002A008 has 20 characters
        names = [name[:20] for name in names if parse_ntu_name(name)]
    if not names:
        raise ValueError(f'{file}: it holds no name of a clip')
    return names


def shown_names(names: list[str]) -> str:
    """Show the first few names.

    Args:
        names: at least one.

    Returns:
        Those, and how many more there are.

    Example:
        >>> shown_names(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
        'a, b, c, d, e and 2 more'
    """
    more = len(names) - SHOWN_NAMES
    return ', '.join(names[:SHOWN_NAMES]) + (f' and {more:,} more' if more > 0 else '')


def _rows_of_protocol(
    names: list[NtuName], protocol: str, *, is_training: bool
) -> np.ndarray:
    num_classes = max(max(name.action for name in names), NUM_CLASSES_60)
    sides_N = [is_training_clip(n, protocol, num_classes=num_classes) for n in names]
    return np.flatnonzero(np.array(sides_N) == is_training)
