"""Splits that do not leak: whole groups, stratified by label, seeded.

Shapes: N rows.
"""

from collections.abc import Mapping

import numpy as np


def split_by_group(
    group_N: np.ndarray,
    label_N: np.ndarray,
    *,
    ratios: Mapping[str, float],
    seed: int,
) -> np.ndarray:
    """Assign whole groups to splits so that sizes and class shares come close.

    Groups are taken in seeded random order, largest first within equal order of
    magnitude, and each goes where it reduces the squared distance of the
    (split, class) counts from their targets the most.

    Args:
        group_N: (N,) subject or recording of each row, any dtype that sorts.
        label_N: (N,) class of each row, small non-negative integers.
        ratios: split name -> share > 0; the shares sum to 1.
        seed: the same seed gives the same split, whatever the order of the rows.

    Returns:
        (N,) array of split names; no group is in two of them.

    Raises:
        ValueError: a ratio is not positive, they do not sum to 1, the lengths
            differ, or there are fewer groups than splits.

    Example:
        >>> group = np.repeat(['a', 'b', 'c', 'd'], 2)
        >>> label = np.tile([0, 1], 4)
        >>> split = split_by_group(
        ...     group, label, ratios={'train': 0.5, 'val': 0.5}, seed=0)
        >>> sorted(split.tolist()).count('val')
        4
    """
    _check_ratios(ratios)
    if len(group_N) != len(label_N):
        raise ValueError(
            f'group and label must have one length, got {len(group_N)} '
            f'and {len(label_N)}'
        )
    groups, group_of_N = np.unique(np.asarray(group_N), return_inverse=True)
    if len(groups) < len(ratios):
        raise ValueError(
            f'{len(groups)} groups cannot be divided into {len(ratios)} splits '
            f'({", ".join(ratios)}): every split needs one'
        )
    num_classes = int(np.max(label_N)) + 1
    counts_GC = np.zeros((len(groups), num_classes))
    np.add.at(counts_GC, (group_of_N, np.asarray(label_N)), 1)
    split_of_group = _assign_groups(counts_GC, np.array(list(ratios.values())), seed)
    return np.array(list(ratios))[split_of_group][group_of_N]


def _assign_groups(counts_GC: np.ndarray, shares_S: np.ndarray, seed: int):
    """Greedy assignment; returns the split index of each group."""
    rng = np.random.default_rng(seed)
    # powers of two: big groups first, random order among groups of similar size
    magnitude = np.floor(np.log2(counts_GC.sum(1)))
    order = np.lexsort((rng.permutation(len(counts_GC)), -magnitude))
    target_SC = shares_S[:, None] * counts_GC.sum(0)
    scale_C = np.maximum(counts_GC.sum(0), 1)
    filled_SC = np.zeros_like(target_SC)
    split_of_group = np.empty(len(counts_GC), dtype=np.int64)
    for left, group in zip(range(len(order), 0, -1), order, strict=True):
        lack_SC = (target_SC - filled_SC) / scale_C
        added_C = counts_GC[group] / scale_C
        cost_S = ((lack_SC - added_C) ** 2 - lack_SC**2).sum(1)
        empty_S = filled_SC.sum(1) == 0
        if left <= empty_S.sum():  # the last groups fill splits that have none
            cost_S[~empty_S] = np.inf
        best = int(np.argmin(cost_S))
        filled_SC[best] += counts_GC[group]
        split_of_group[group] = best
    return split_of_group


def _check_ratios(ratios: Mapping[str, float]) -> None:
    for name, share in ratios.items():
        if not share > 0:  # nan too
            raise ValueError(f'ratio of split "{name}" must be > 0, got {share}')
    total = sum(ratios.values())
    if abs(total - 1) > 1e-6:
        raise ValueError(f'split ratios must sum to 1, got {total:g} from {ratios}')
