"""Accuracy by a property of the rows. Shapes: N rows, B bins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ocec.functional.bootstrap import bootstrap_counts_interval
from ocec.functional.classification import accuracy
from ocec.functional.paired_tests import wilson_interval


class BinAccuracy(NamedTuple):
    """Accuracy of the rows of one bin."""

    first: float  # the bin is [first, end)
    end: float
    rows: int
    accuracy: float  # NaN without a row
    low: float  # 95 % interval
    high: float


def binned_accuracy(
    right_N: np.ndarray,
    value_N: np.ndarray,
    edges: Sequence[float],
    *,
    group_N: np.ndarray | None = None,
) -> list[BinAccuracy]:
    """Measure the accuracy within bins of a value.

    Args:
        right_N: (N,) bool, True where the decision is right.
        value_N: (N,) what rows are sorted by; a row with NaN is in no bin.
        edges: B + 1 ascending numbers.
        group_N: (N,) integer group of each row, for the intervals; a row of group -1
            stands alone. None: every row stands alone.

    Returns:
        B bins, each with its lower edge and without its upper one. The interval is
        the wider one of Wilson's and a bootstrap of whole groups: the first takes the
        rows of a group for independent, the second has no width where all are right.

    Raises:
        ValueError: the shapes differ, or the edges do not ascend.

    Example:
        >>> right, share = np.array([1, 1, 0, 1]), np.array([0.1, 0.2, 0.7, 0.9])
        >>> [(b.rows, b.accuracy) for b in binned_accuracy(right, share, (0, 0.5, 1))]
        [(2, 1.0), (2, 0.5)]
    """
    right_N, value_N = np.asarray(right_N, bool), np.asarray(value_N, np.float64)
    if right_N.ndim != 1 or right_N.shape != value_N.shape:
        raise ValueError(f'both must be (N,), got {right_N.shape} and {value_N.shape}')
    if len(edges) < 2 or (np.diff(edges) <= 0).any():
        raise ValueError(f'edges must be two or more, ascending, got {list(edges)}')
    bins = []
    for first, end in zip(edges[:-1], edges[1:], strict=True):
        inside_N = (value_N >= first) & (value_N < end)
        bins.append(_measure(first, end, right_N, inside_N, group_N))
    return bins


def _measure(first, end, right_N, inside_N, group_N) -> BinAccuracy:
    rows = int(inside_N.sum())
    if not rows:
        return BinAccuracy(first, end, 0, *[float('nan')] * 3)
    right_M = right_N[inside_N]
    # a row that is right counts as one of label 1 that was found
    interval = bootstrap_counts_interval(
        right_M.astype(np.float64),
        np.ones(rows, np.int64),
        ratio=accuracy,
        group_N=None if group_N is None else np.asarray(group_N)[inside_N],
    )
    low, high = wilson_interval(int(right_M.sum()), rows)
    return BinAccuracy(
        first,
        end,
        rows,
        float(right_M.mean()),
        # NaN with fewer than two groups
        float(np.fmin(low, interval.low)),
        float(np.fmax(high, interval.high)),
    )
