"""Confidence intervals by drawing whole groups again.

Images of one person are alike, so that drawing single images makes an interval far
too narrow. Shapes: N images, G groups, R resamples.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ocec.functional.classification import ConfusionCounts, f1_score
from ocec.functional.probability import DEFAULT_THRESHOLD
from ocec.functional.score_arrays import check_scores

UNKNOWN_GROUP = -1


class Interval(NamedTuple):
    """Percentile interval of a statistic; NaN bounds where it has none."""

    low: float
    high: float
    num_groups: int  # drawn with replacement; few make the interval too narrow
    num_resamples: int  # on which the statistic was defined


def bootstrap_interval(
    statistic: Callable[..., float],
    *arrays_N: np.ndarray,
    group_N: np.ndarray | None = None,
    num_resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Estimate how far a statistic would move with other people.

    Draws as many groups as there are, with replacement, each with all of its rows.
    Any statistic will do, at the price of one call per resample: for counts and AUC
    see :func:`bootstrap_counts_interval` and :func:`bootstrap_auc_interval`, which
    give the same numbers much faster.

    Args:
        statistic: takes rows of the arrays, returns a number that does not depend on
            their order; NaN where it is undefined.
        *arrays_N: (N, ...) each, scores and labels for example.
        group_N: (N,) integer group of each row; a row of group -1, unknown, stands
            alone. None: every row stands alone.
        num_resamples: >= 1; resamples with an undefined statistic are left out.
        level: share of resamples inside the interval, in (0, 1).
        seed: of the drawing.

    Returns:
        Bounds in the unit of the statistic; NaN with fewer than two groups or when
        the statistic is defined on no resample.

    Raises:
        ValueError: no array, lengths that differ, or a setting out of range.

    Source:
        Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3;
        groups as in Davison and Hinkley, Bootstrap Methods, 1997, section 3.8.

    Example:
        >>> values = np.arange(100.0)
        >>> interval = bootstrap_interval(np.mean, values, group_N=np.arange(100) // 2)
        >>> interval.low < 49.5 < interval.high, interval.num_groups
        (True, 50)
    """
    if not arrays_N:
        raise ValueError('at least one array is needed')
    N = len(arrays_N[0])
    if any(len(values_N) != N for values_N in arrays_N):
        lengths = [len(values_N) for values_N in arrays_N]
        raise ValueError(f'the arrays must have one length, got {lengths}')
    index_N, num_groups = _number_groups(group_N, N)

    def draw(times_G: np.ndarray) -> float:
        rows = np.repeat(np.arange(N), times_G[index_N])
        return statistic(*(np.asarray(values_N)[rows] for values_N in arrays_N))

    return _interval(draw, num_groups, num_resamples, level, seed)


def bootstrap_counts_interval(
    prob_N: np.ndarray,
    label_N: np.ndarray,
    *,
    ratio: Callable[[ConfusionCounts], float] = f1_score,
    threshold: float = DEFAULT_THRESHOLD,
    group_N: np.ndarray | None = None,
    num_resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return the interval of F1, precision, recall or accuracy.

    The same numbers as :func:`bootstrap_interval`, from the counts of each group
    instead of its rows.

    Args:
        prob_N: (N,) P(open) in [0, 1].
        label_N: (N,) 1 open, 0 closed.
        ratio: a function of the four counts.
        threshold: P(open) >= threshold counts as open.
        group_N: (N,) integer group of each image; one of group -1 stands alone.
        num_resamples: >= 1.
        level: share of resamples inside the interval, in (0, 1).
        seed: of the drawing.

    Returns:
        Bounds of the ratio; NaN with fewer than two groups.

    Raises:
        ValueError: shapes that do not fit, or a score or setting out of range.

    Source:
        As :func:`bootstrap_interval`.
    """
    _, is_open_N = check_scores(prob_N, label_N)
    # compared in their own type, as confusion_counts does
    says_open_N = np.asarray(prob_N) >= threshold
    index_N, num_groups = _number_groups(group_N, len(is_open_N))
    cells = (
        says_open_N & is_open_N,
        says_open_N & ~is_open_N,
        ~says_open_N & is_open_N,
        ~says_open_N & ~is_open_N,
    )
    counts_4G = np.stack(
        [np.bincount(index_N, weights=cell, minlength=num_groups) for cell in cells]
    )

    def draw(times_G: np.ndarray) -> float:
        return ratio(ConfusionCounts(*(counts_4G @ times_G).tolist()))

    return _interval(draw, num_groups, num_resamples, level, seed)


def bootstrap_auc_interval(
    prob_N: np.ndarray,
    label_N: np.ndarray,
    *,
    group_N: np.ndarray | None = None,
    num_resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return the interval of the area under the ROC curve.

    The same numbers as :func:`bootstrap_interval`, but the scores are sorted once.

    Args:
        prob_N: (N,) P(open) in [0, 1].
        label_N: (N,) 1 open, 0 closed.
        group_N: (N,) integer group of each image; one of group -1 stands alone.
        num_resamples: >= 1.
        level: share of resamples inside the interval, in (0, 1).
        seed: of the drawing.

    Returns:
        Bounds in [0, 1]; NaN when a class is missing, a score is NaN, or with fewer
        than two groups.

    Raises:
        ValueError: shapes that do not fit, or a score or setting out of range.

    Source:
        As :func:`bootstrap_interval`; the area as in
        :func:`ocec.functional.classification.roc_auc`.
    """
    prob_N, is_open_N = check_scores(prob_N, label_N)
    index_N, num_groups = _number_groups(group_N, len(prob_N))
    if np.isnan(prob_N).any():
        return Interval(float('nan'), float('nan'), num_groups, 0)
    scores, rank_N = np.unique(prob_N, return_inverse=True)
    open_rank, closed_rank = rank_N[is_open_N], rank_N[~is_open_N]
    open_group, closed_group = index_N[is_open_N], index_N[~is_open_N]

    def draw(times_G: np.ndarray) -> float:
        open_at = np.bincount(open_rank, times_G[open_group], minlength=len(scores))
        closed_at = np.bincount(
            closed_rank, times_G[closed_group], minlength=len(scores)
        )
        pairs = open_at.sum() * closed_at.sum()
        # a pair with equal scores counts one half
        wins = open_at @ (np.cumsum(closed_at) - closed_at / 2)
        return float(wins / pairs) if pairs else float('nan')

    return _interval(draw, num_groups, num_resamples, level, seed)


def _number_groups(group_N: np.ndarray | None, num_rows: int) -> tuple[np.ndarray, int]:
    """Return the number of each row's group, from 0, and how many there are."""
    if group_N is None:
        return np.arange(num_rows), num_rows
    group_N = np.asarray(group_N)
    if group_N.shape != (num_rows,):
        raise ValueError(f'group_N must be ({num_rows},), got {group_N.shape}')
    is_known_N = group_N != UNKNOWN_GROUP
    known, index = np.unique(group_N[is_known_N], return_inverse=True)
    num_groups = len(known) + int((~is_known_N).sum())
    index_N = np.empty(num_rows, dtype=np.int64)
    index_N[is_known_N] = index
    index_N[~is_known_N] = np.arange(len(known), num_groups)
    return index_N, num_groups


def _interval(
    draw: Callable[[np.ndarray], float],
    num_groups: int,
    num_resamples: int,
    level: float,
    seed: int,
) -> Interval:
    if num_resamples < 1:
        raise ValueError(f'num_resamples must be >= 1, got {num_resamples}')
    if not 0 < level < 1:
        raise ValueError(f'level must be in (0, 1), got {level}')
    # one group is drawn again and again: its interval would have no width
    if num_groups < 2:
        return Interval(float('nan'), float('nan'), num_groups, 0)
    values_R = np.array(
        [draw(t) for t in _draw_groups(num_groups, num_resamples, seed)]
    )
    values_R = values_R[~np.isnan(values_R)]
    if not len(values_R):
        return Interval(float('nan'), float('nan'), num_groups, 0)
    low, high = np.quantile(values_R, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), num_groups, len(values_R))


def _draw_groups(
    num_groups: int, num_resamples: int, seed: int
) -> Iterator[np.ndarray]:
    """Yield how often each group is drawn, (G,) int64, one resample after another."""
    rng = np.random.default_rng(seed)
    for _ in range(num_resamples):
        drawn_G = rng.integers(num_groups, size=num_groups)
        yield np.bincount(drawn_G, minlength=num_groups)
