"""Splits that do not leak: whole groups, stratified by label, seeded.

Shapes: N rows, G groups, S splits, C classes; where rows are counted in shares, one
more stands for all classes together.
"""

from collections.abc import Mapping

import numpy as np

# exchanges of two groups are tried among this many of the largest: small groups
# even out by single moves, and the table of exchanges grows with the square
MAX_EXCHANGED = 400
MAX_STEPS = 300
# few groups are soon stuck in one division; other orders find others
NUM_ORDERS = 8


def split_by_group(
    group_N: np.ndarray,
    label_N: np.ndarray,
    *,
    ratios: Mapping[str, float],
    seed: int,
) -> np.ndarray:
    """Assign whole groups to splits so that sizes and class shares come close.

    What is made small is the sum over splits s and classes c, and all rows as one
    more class of double weight, of ((rows of c in s - rows wanted) / rows of c)^2 /
    share of s, so that a small split is met as well as a large one. Groups are taken
    in seeded random order, largest first by order of magnitude, each to where it
    costs least; groups of one row fill what is lacking. Then single groups are moved
    and pairs exchanged as long as that helps, which matters when few groups hold most
    rows; of several orders the best result counts. A group is never divided: if one
    is larger than its split, the shares asked for cannot be met.

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
    check_ratios(ratios)
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
    split_G = _assign_groups(counts_GC, np.array(list(ratios.values())), seed)
    return np.array(list(ratios))[split_G][group_of_N]


def split_by_row(
    label_N: np.ndarray, *, ratios: Mapping[str, float], seed: int
) -> np.ndarray:
    """Assign every row on its own, stratified by label.

    It leaks wherever rows of one face or recording resemble each other: what a model
    learns of a person in train helps it in val. Only for measuring that effect.

    Args:
        label_N: (N,) class of each row, small non-negative integers.
        ratios: split name -> share > 0; the shares sum to 1.
        seed: the same seed and order of rows give the same split.

    Returns:
        (N,) array of split names.

    Raises:
        ValueError: a ratio is not positive or they do not sum to 1.

    Example:
        >>> split = split_by_row(
        ...     np.tile([0, 1], 5), ratios={'train': 0.8, 'val': 0.2}, seed=0)
        >>> split.tolist().count('val')
        2
    """
    check_ratios(ratios)
    label_N = np.asarray(label_N)
    rng = np.random.default_rng(seed)
    share_S = np.array(list(ratios.values()))
    split_N = np.zeros(len(label_N), np.int64)
    for label in np.unique(label_N):
        rows = rng.permutation(np.flatnonzero(label_N == label))
        split_N[rows] = np.repeat(np.arange(len(share_S)), _quota(len(rows), share_S))
    return np.array(list(ratios))[split_N]


def check_ratios(ratios: Mapping[str, float]) -> None:
    """Refuse shares that are no division of a whole.

    Args:
        ratios: split name -> share.

    Raises:
        ValueError: a share is not positive, or they do not sum to 1.
    """
    for name, share in ratios.items():
        if not share > 0:  # nan too
            raise ValueError(f'ratio of split "{name}" must be > 0, got {share}')
    total = sum(ratios.values())
    if abs(total - 1) > 1e-6:
        raise ValueError(f'split ratios must sum to 1, got {total:g} from {ratios}')


def _assign_groups(counts_GC: np.ndarray, share_S: np.ndarray, seed: int) -> np.ndarray:
    """Split index of each group, (G,): the best of several orders."""
    rng = np.random.default_rng(seed)
    x_GC = counts_GC / np.maximum(counts_GC.sum(0), 1)
    # the root of 2: the cost squares it
    all_G = counts_GC.sum(1, keepdims=True)
    x_GC = np.hstack([x_GC, 2**0.5 * all_G / all_G.sum()])
    best_cost = np.inf
    for _ in range(NUM_ORDERS if len(x_GC) <= MAX_EXCHANGED else 1):
        split_G = _assign_in_order(counts_GC, x_GC, share_S, rng)
        _fill_empty(split_G, x_GC, share_S)
        _improve(split_G, x_GC, share_S)
        cost = (_over(split_G, x_GC, share_S) ** 2 / share_S[:, None]).sum()
        if cost < best_cost - 1e-12:
            best_cost, best_G = cost, split_G
    return best_G


def _assign_in_order(counts_GC, x_GC, share_S, rng) -> np.ndarray:
    """Assign large groups greedily, then let those of one row fill up."""
    size_G = counts_GC.sum(1)
    # powers of two: big groups first, random order among groups of similar size
    order = np.lexsort((rng.permutation(len(size_G)), -np.floor(np.log2(size_G))))
    over_SC = -share_S[:, None] * x_GC.sum(0)  # filled minus wanted
    split_G = np.full(len(size_G), -1)
    for group in order[size_G[order] > 1]:
        added_SC = over_SC + x_GC[group]
        best = int(np.argmin(((added_SC**2 - over_SC**2).sum(1)) / share_S))
        over_SC[best] = added_SC[best]
        split_G[group] = best
    single = order[size_G[order] == 1]
    class_of_single = counts_GC[single].argmax(1)
    for label in np.unique(class_of_single):
        groups = single[class_of_single == label]
        lack_S = np.maximum(-over_SC[:, label], 0)
        quota_S = _quota(len(groups), lack_S if lack_S.sum() > 0 else share_S)
        split_G[groups] = np.repeat(np.arange(len(share_S)), quota_S)
    return split_G


def _quota(total: int, weight_S: np.ndarray) -> np.ndarray:
    """Divide a whole number by weights: largest remainders get the rest."""
    exact_S = total * weight_S / weight_S.sum()
    quota_S = np.floor(exact_S + 1e-9).astype(np.int64)
    rest = total - quota_S.sum()
    quota_S[np.argsort(quota_S - exact_S, kind='stable')[:rest]] += 1
    return quota_S


def _over(split_G, x_GC, share_S) -> np.ndarray:
    over_SC = -share_S[:, None] * x_GC.sum(0)
    np.add.at(over_SC, split_G, x_GC)
    return over_SC


def _move_gain(split_G, x_GC, over_SC, share_S) -> np.ndarray:
    """Change of the cost when a group goes to a split, (G, S); inf where it may not."""
    size_G = (x_GC**2).sum(1)
    product_GS = x_GC @ over_SC.T
    here = np.arange(len(split_G)), split_G
    leave_G = (size_G - 2 * product_GS[here]) / share_S[split_G]
    gain_GS = leave_G[:, None] + (size_G[:, None] + 2 * product_GS) / share_S
    gain_GS[here] = np.inf
    num_groups_S = np.bincount(split_G, minlength=len(share_S))
    gain_GS[num_groups_S[split_G] == 1] = np.inf  # no split is emptied
    return gain_GS


def _fill_empty(split_G, x_GC, share_S) -> None:
    """Give each split without a group the one whose move costs least."""
    for split in range(len(share_S)):
        if not (split_G == split).any():
            over_SC = _over(split_G, x_GC, share_S)
            gain_GS = _move_gain(split_G, x_GC, over_SC, share_S)
            split_G[np.argmin(gain_GS[:, split])] = split


def _improve(split_G, x_GC, share_S) -> None:
    """Move a group or exchange two, the best first, until nothing helps."""
    large = np.argsort(-x_GC.sum(1), kind='stable')[:MAX_EXCHANGED]
    distance_LL = ((x_GC[large, None] - x_GC[large]) ** 2).sum(2)
    for _ in range(MAX_STEPS):
        over_SC = _over(split_G, x_GC, share_S)
        gain_GS = _move_gain(split_G, x_GC, over_SC, share_S)
        group, split = np.unravel_index(np.argmin(gain_GS), gain_GS.shape)
        # exchange of g (in a) and h (in b); d = x_g - x_h leaves a and enters b
        own_L, product_LS = split_G[large], x_GC[large] @ over_SC.T
        inner_LL = product_LS[:, own_L]  # [g, h]: x_g . over_b
        diagonal_L = np.diagonal(inner_LL)
        inverse_L = 1 / share_S[own_L]
        swap_LL = distance_LL * (inverse_L[:, None] + inverse_L)
        swap_LL -= 2 * inverse_L[:, None] * (diagonal_L[:, None] - inner_LL.T)
        swap_LL += 2 * inverse_L * (inner_LL - diagonal_L)
        g, h = np.unravel_index(np.argmin(swap_LL), swap_LL.shape)
        if min(gain_GS[group, split], swap_LL[g, h]) > -1e-12:
            return
        if gain_GS[group, split] <= swap_LL[g, h]:
            split_G[group] = split
        else:
            split_G[large[[g, h]]] = split_G[large[[h, g]]]
