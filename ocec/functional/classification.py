"""Numbers of a binary classifier whose positive class is *open*.

Arrays in, floats out. A ratio whose denominator is zero is 0.0, except the areas
under curves, which are NaN when a class is missing or a score is NaN: they have no
value then.
Shapes: N images.
"""

from typing import NamedTuple

import numpy as np

from ocec.functional.probability import DEFAULT_THRESHOLD, OPEN


class ConfusionCounts(NamedTuple):
    """Images by decision and truth; positive is open."""

    tp: int
    fp: int
    fn: int
    tn: int


def confusion_counts(
    prob_open_N: np.ndarray,
    label_N: np.ndarray,
    *,
    threshold: float = DEFAULT_THRESHOLD,
) -> ConfusionCounts:
    """Count decisions against labels.

    Args:
        prob_open_N: (N,) P(open) in [0, 1].
        label_N: (N,) 1 open, 0 closed.
        threshold: P(open) >= threshold counts as open.

    Returns:
        The four counts; they sum to N.

    Raises:
        ValueError: the shapes differ.
    """
    _check_shapes(prob_open_N, label_N)
    said_open_N = np.asarray(prob_open_N) >= threshold
    is_open_N = np.asarray(label_N) == OPEN
    return ConfusionCounts(
        tp=int((said_open_N & is_open_N).sum()),
        fp=int((said_open_N & ~is_open_N).sum()),
        fn=int((~said_open_N & is_open_N).sum()),
        tn=int((~said_open_N & ~is_open_N).sum()),
    )


def precision(counts: ConfusionCounts) -> float:
    """Share of open decisions that are right, in [0, 1]."""
    return _ratio(counts.tp, counts.tp + counts.fp)


def recall(counts: ConfusionCounts) -> float:
    """Share of open eyes that were found, in [0, 1]."""
    return _ratio(counts.tp, counts.tp + counts.fn)


def f1_score(counts: ConfusionCounts) -> float:
    """Harmonic mean of precision and recall of the open class.

    Args:
        counts: of all images.

    Returns:
        In [0, 1]; 0 when nothing is open and nothing was called open.

    Example:
        >>> f1_score(ConfusionCounts(tp=2, fp=1, fn=1, tn=0))
        0.6666666666666666
    """
    return _ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn)


def accuracy(counts: ConfusionCounts) -> float:
    """Share of right decisions, in [0, 1]."""
    return _ratio(counts.tp + counts.tn, sum(counts))


def roc_auc(prob_open_N: np.ndarray, label_N: np.ndarray) -> float:
    """Area under the ROC curve; ties count one half.

    Equals the probability that a random open eye scores above a random closed one
    (Mann-Whitney U), computed from mid-ranks.

    Args:
        prob_open_N: (N,) scores, any order-preserving scale.
        label_N: (N,) 1 open, 0 closed.

    Returns:
        In [0, 1]; NaN when a class is missing or a score is NaN.

    Raises:
        ValueError: the shapes differ.

    Source:
        Hanley and McNeil, The meaning and use of the area under a ROC curve,
        Radiology 143, 1982.

    Example:
        >>> roc_auc(np.array([0.1, 0.4, 0.4, 0.8]), np.array([0, 0, 1, 1]))
        0.875
    """
    _check_shapes(prob_open_N, label_N)
    is_open_N = np.asarray(label_N) == OPEN
    num_open = int(is_open_N.sum())
    num_closed = len(is_open_N) - num_open
    if num_open == 0 or num_closed == 0 or np.isnan(prob_open_N).any():
        return float('nan')
    _, value_of_N, count = np.unique(
        np.asarray(prob_open_N), return_inverse=True, return_counts=True
    )
    last_rank = np.cumsum(count)
    mid_rank_N = (last_rank - (count - 1) / 2)[value_of_N]
    u_statistic = mid_rank_N[is_open_N].sum() - num_open * (num_open + 1) / 2
    return float(u_statistic / (num_open * num_closed))


def average_precision(prob_open_N: np.ndarray, label_N: np.ndarray) -> float:
    """Area under the precision-recall curve as a step sum, no interpolation.

    ``AP = sum_k (R_k - R_{k-1}) * P_k`` over the distinct scores, highest first.

    Args:
        prob_open_N: (N,) scores, any order-preserving scale.
        label_N: (N,) 1 open, 0 closed.

    Returns:
        In [0, 1]; NaN when no eye is open or a score is NaN.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> round(average_precision(np.array([0.9, 0.8, 0.1]), np.array([1, 0, 1])), 4)
        0.8333
    """
    _check_shapes(prob_open_N, label_N)
    is_open_N = np.asarray(label_N) == OPEN
    num_open = int(is_open_N.sum())
    if num_open == 0 or np.isnan(prob_open_N).any():
        return float('nan')
    order = np.argsort(prob_open_N, kind='stable')[::-1]
    score_N = np.asarray(prob_open_N)[order]
    # a threshold can lie only between different scores: keep the last of each tie
    last_of_tie = np.r_[np.flatnonzero(score_N[1:] != score_N[:-1]), len(score_N) - 1]
    true_positives = np.cumsum(is_open_N[order])[last_of_tie]
    precision_at = true_positives / (last_of_tie + 1)
    recall_at = true_positives / num_open
    return float(np.sum(np.diff(recall_at, prepend=0.0) * precision_at))


def _check_shapes(prob_open_N: np.ndarray, label_N: np.ndarray) -> None:
    if np.shape(prob_open_N) != np.shape(label_N):
        raise ValueError(
            f'scores and labels must have one shape, got {np.shape(prob_open_N)} '
            f'and {np.shape(label_N)}'
        )


def _ratio(numerator: int, denominator: int) -> float:
    return numerator / denominator if denominator else 0.0
