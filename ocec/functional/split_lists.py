"""Splits given as lists of groups or pictures.

Shapes: N rows.
"""

from collections.abc import Collection, Mapping

import numpy as np

SHOWN = 5
"""Names that an error message shows."""


def split_by_lists(
    group_N: np.ndarray,
    path_N: np.ndarray,
    *,
    lists: Mapping[str, Collection[str]],
    rest: str | None,
) -> np.ndarray:
    """Assign rows to the split whose list names their group or their picture.

    Args:
        group_N: (N,) group of each row, strings; ``''`` where nobody knows it.
        path_N: (N,) path of each picture, strings.
        lists: split name -> names, each a group or a path.
        rest: split of the rows in no list; None refuses such rows.

    Returns:
        (N,) array of split names; no group is in two of them.

    Raises:
        ValueError: a name is in two lists or matches nothing, a row is in two lists
            or, without ``rest``, in none, or a group would be divided.

    Example:
        >>> group, path = np.array(['a', 'b']), np.array(['1.png', '2.png'])
        >>> split_by_lists(group, path, lists={'val': ['b']}, rest='train').tolist()
        ['train', 'val']
    """
    group_N, path_N = np.asarray(group_N, str), np.asarray(path_N, str)
    split_of = _split_of_names(lists)
    known = {*group_N.tolist(), *path_N.tolist()} - {''}
    if unknown := sorted(split_of.keys() - known):
        raise ValueError(
            f'{len(unknown)} names of the lists are neither a group nor a picture: '
            f'{_shown(unknown)}'
        )
    splits = []
    for group, path in zip(group_N.tolist(), path_N.tolist(), strict=True):
        by_group, by_path = split_of.get(group), split_of.get(path)
        if by_group and by_path and by_group != by_path:
            raise ValueError(
                f'{path} is in the list of "{by_path}", its group {group} in that of '
                f'"{by_group}"'
            )
        splits.append(by_group or by_path or rest)
    if unlisted := [p for p, s in zip(path_N.tolist(), splits, strict=True) if not s]:
        raise ValueError(
            f'{len(unlisted)} of {len(splits)} rows are in no list: {_shown(unlisted)}'
        )
    split_N = np.array(splits, str)
    _check_whole(group_N, split_N)
    return split_N


def _split_of_names(lists: Mapping[str, Collection[str]]) -> dict[str, str]:
    split_of: dict[str, str] = {}
    for split, names in lists.items():
        for name in names:
            if split_of.setdefault(name, split) != split:
                raise ValueError(
                    f'"{name}" is in the lists of "{split_of[name]}" and "{split}"'
                )
    return split_of


def _check_whole(group_N: np.ndarray, split_N: np.ndarray) -> None:
    splits_of: dict[str, set[str]] = {}
    for group, split in zip(group_N.tolist(), split_N.tolist(), strict=True):
        if group:
            splits_of.setdefault(group, set()).add(split)
    if divided := sorted(name for name, splits in splits_of.items() if len(splits) > 1):
        raise ValueError(
            f'the lists divide {len(divided)} groups between splits, so one face would '
            f'be on both sides: {_shown(divided)}. List whole groups'
        )


def _shown(names: list[str]) -> str:
    return ', '.join(names[:SHOWN]) + (', ...' if len(names) > SHOWN else '')
