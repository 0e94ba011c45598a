"""What a split really is, beside what was asked for.

Shapes: N rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ocec.functional.probability import OPEN


@dataclass(frozen=True)
class SplitShare:
    """One split of a data set.

    Args:
        name: of the split.
        asked: share of the images asked for, in [0, 1]; None if nobody asked.
        num_images: images in it.
        share: its part of all images, in [0, 1].
        num_groups: known groups in it.
        open_share: part of its images that are open, in [0, 1]; nan without images.
    """

    name: str
    asked: float | None
    num_images: int
    share: float
    num_groups: int
    open_share: float


def realised_shares(
    split_N: np.ndarray,
    label_N: np.ndarray,
    group_N: np.ndarray,
    *,
    names: Sequence[str],
    ratios: Mapping[str, float] | None = None,
) -> list[SplitShare]:
    """Count the images and groups of each split.

    Args:
        split_N: (N,) name of the split of each row; other names are not counted.
        label_N: (N,) 1 open, 0 closed.
        group_N: (N,) group of each row, strings; ``''`` where nobody knows it.
        names: the splits, in the order wanted.
        ratios: shares asked for, if any were.

    Returns:
        One for each name that has rows or was asked for.

    Example:
        >>> share, = realised_shares(
        ...     np.array(['val']), np.array([1]), np.array(['a']), names=['val'])
        >>> share.num_images, share.num_groups, share.open_share
        (1, 1, 1.0)
    """
    split_N, label_N, group_N = map(np.asarray, (split_N, label_N, group_N))
    total = np.isin(split_N, list(names)).sum()
    shares = []
    for name in names:
        here_N = split_N == name
        asked = None if ratios is None else ratios.get(name)
        if not here_N.any() and asked is None:
            continue
        num_images = int(here_N.sum())
        num_open = int((label_N[here_N] == OPEN).sum())
        shares.append(
            SplitShare(
                name=name,
                asked=asked,
                num_images=num_images,
                share=num_images / total if total else 0.0,
                num_groups=len(set(group_N[here_N].tolist()) - {''}),
                open_share=num_open / num_images if num_images else float('nan'),
            )
        )
    return shares


def groups_in_two_splits(split_N: np.ndarray, group_N: np.ndarray) -> list[str]:
    """Name the groups that lie in more than one split.

    Args:
        split_N: (N,) name of the split of each row.
        group_N: (N,) group of each row, strings; ``''`` where nobody knows it.

    Returns:
        The groups, sorted.
    """
    pairs = set(
        zip(np.asarray(group_N).tolist(), np.asarray(split_N).tolist(), strict=True)
    )
    groups = [group for group, _ in pairs if group]
    names, counts = np.unique(np.array(groups, str), return_counts=True)
    return names[counts > 1].tolist()
