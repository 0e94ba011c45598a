"""Intervals of anything that weights of images decide, by drawing whole groups.

For what several models say of the same images: the mean of a metric over seeds, the
difference of two methods. Every model gets the same draw. Shapes: N images, G groups.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ocec.functional.bootstrap import UNKNOWN_GROUP, Interval, bootstrap_interval
from ocec.functional.classification import ConfusionCounts, accuracy, f1_score
from ocec.functional.metric_interval import (
    FEWEST_RESAMPLES,
    MAX_DRAWS,
    MOST_RESAMPLES,
)
from ocec.functional.probability import DEFAULT_THRESHOLD
from ocec.functional.score_arrays import check_scores

RATIOS = {'f1': f1_score, 'accuracy': accuracy}
WEIGHTED_METRICS = (*RATIOS, 'auc')


def weighted_metric(
    name: str,
    prob_N: np.ndarray,
    label_N: np.ndarray,
    *,
    threshold: float = DEFAULT_THRESHOLD,
) -> Callable[[np.ndarray], float]:
    """Prepare a metric that can be asked for many weights of the same images.

    Args:
        name: ``f1``, ``accuracy`` or ``auc``.
        prob_N: (N,) P(open) in [0, 1].
        label_N: (N,) 1 open, 0 closed.
        threshold: P(open) >= threshold counts as open; of no matter to ``auc``.

    Returns:
        A function of (N,) weights >= 0, how often each image counts, that returns the
        metric in [0, 1]; the area is NaN where a class has no weight.

    Raises:
        ValueError: there is no such metric, the shapes do not fit, or a score is NaN
            or out of range.

    Example:
        >>> f1 = weighted_metric('f1', np.array([0.9, 0.8, 0.1]), np.array([1, 0, 1]))
        >>> f1(np.ones(3)), f1(np.array([2, 0, 0]))
        (0.5, 1.0)
    """
    if name not in WEIGHTED_METRICS:
        raise ValueError(f'name must be one of {WEIGHTED_METRICS}, got {name!r}')
    checked_N, is_open_N = check_scores(prob_N, label_N)
    if np.isnan(checked_N).any():
        raise ValueError('a score is NaN')
    if name == 'auc':
        return _weighted_auc(checked_N, is_open_N)
    # compared in their own type, as confusion_counts does
    says_open_N = np.asarray(prob_N) >= threshold
    cells_4N = np.stack(
        [
            says_open_N & is_open_N,
            says_open_N & ~is_open_N,
            ~says_open_N & is_open_N,
            ~says_open_N & ~is_open_N,
        ]
    ).astype(np.float64)

    def ratio(weight_N: np.ndarray) -> float:
        return RATIOS[name](ConfusionCounts(*(cells_4N @ weight_N).tolist()))

    return ratio


def bootstrap_weights_interval(
    statistic: Callable[[np.ndarray], float],
    group_N: np.ndarray,
    *,
    num_resamples: int | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Estimate how far a statistic would move with other people.

    The draws are those of :func:`ocec.functional.bootstrap.bootstrap_interval`.

    Args:
        statistic: takes (N,) int64, how often each image was drawn; NaN where it is
            undefined.
        group_N: (N,) integer group of each image; one of group -1 stands alone.
        num_resamples: >= 1; by default 1000, fewer for more than 10,000 groups.
        level: share of resamples inside the interval, in (0, 1).
        seed: of the drawing.

    Returns:
        Bounds in the unit of the statistic; NaN with fewer than two groups.

    Raises:
        ValueError: a setting is out of range.
    """
    group_N = np.asarray(group_N, np.int64)
    alone_N = group_N.max(initial=0) + 1 + np.arange(len(group_N))
    groups, index_N = np.unique(
        np.where(group_N == UNKNOWN_GROUP, alone_N, group_N), return_inverse=True
    )
    num_groups = len(groups)
    if num_resamples is None:
        affordable = MAX_DRAWS // max(num_groups, 1)
        num_resamples = int(np.clip(affordable, FEWEST_RESAMPLES, MOST_RESAMPLES))

    def draw(drawn_G: np.ndarray) -> float:
        return statistic(np.bincount(drawn_G, minlength=num_groups)[index_N])

    return bootstrap_interval(
        draw,
        np.arange(num_groups),
        num_resamples=num_resamples,
        level=level,
        seed=seed,
    )


def _weighted_auc(prob_N: np.ndarray, is_open_N: np.ndarray) -> Callable:
    scores, rank_N = np.unique(prob_N, return_inverse=True)
    open_rank, closed_rank = rank_N[is_open_N], rank_N[~is_open_N]

    def area(weight_N: np.ndarray) -> float:
        open_at = np.bincount(open_rank, weight_N[is_open_N], len(scores))
        closed_at = np.bincount(closed_rank, weight_N[~is_open_N], len(scores))
        pairs = open_at.sum() * closed_at.sum()
        # a pair with equal scores counts one half
        wins = open_at @ (np.cumsum(closed_at) - closed_at / 2)
        return float(wins / pairs) if pairs else float('nan')

    return area
