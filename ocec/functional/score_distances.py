"""How far apart the scores of the two classes lie.

Positive is open. A number is NaN when a class is missing or a score is NaN.
Shapes: N images, K bins.
"""

from typing import NamedTuple

import numpy as np

from ocec.functional.probability import DEFAULT_THRESHOLD
from ocec.functional.score_arrays import (
    check_probabilities,
    check_scores,
    has_both_classes,
)

NUM_BINS = 200
# the original called scores within 0.15 of the threshold hard
HARD_MARGIN = 0.15


class MarginStatistics(NamedTuple):
    """Distances of the scores from the threshold, |P(open) - threshold|."""

    mean: float
    std: float
    median: float
    low: float  # 5 % of the images lie nearer
    hard_share: float  # share of images nearer than HARD_MARGIN, in [0, 1]


def ks_distance(prob_N: np.ndarray, label_N: np.ndarray) -> float:
    """Return the Kolmogorov-Smirnov distance of the scores of the two classes.

    Largest gap between the two empirical distribution functions over the merged
    scores; it needs no bins.

    Args:
        prob_N: (N,) P(open) in [0, 1].
        label_N: (N,) 1 open, 0 closed.

    Returns:
        In [0, 1]: 0 the same distribution, 1 no overlap; NaN when a class is missing
        or a score is NaN.

    Raises:
        ValueError: the shapes do not fit, or a score is out of range.

    Source:
        Smirnov, Table for estimating the goodness of fit of empirical distributions,
        Annals of Mathematical Statistics 19, 1948.

    Example:
        >>> ks_distance(np.array([0.1, 0.6, 0.4, 0.8]), np.array([0, 0, 1, 1]))
        0.5
    """
    prob_N, is_open_N = check_scores(prob_N, label_N)
    if _is_undefined(prob_N, is_open_N):
        return float('nan')
    order_N = np.argsort(prob_N)
    sorted_N, is_open_N = prob_N[order_N], is_open_N[order_N]
    open_below_N = np.cumsum(is_open_N) / is_open_N.sum()
    closed_below_N = np.cumsum(~is_open_N) / (~is_open_N).sum()
    # inside a tie the functions have not jumped yet: read them after its last score
    is_last_of_tie_N = np.append(sorted_N[1:] != sorted_N[:-1], True)
    return float(np.abs(open_below_N - closed_below_N)[is_last_of_tie_N].max())


def hellinger_distance(
    prob_N: np.ndarray, label_N: np.ndarray, *, num_bins: int = NUM_BINS
) -> float:
    """Return the Hellinger distance of the score histograms of the two classes.

    ``sqrt(1 - sum_k sqrt(p_k * q_k))`` on shares of images per bin.

    Args:
        prob_N: (N,) P(open) in [0, 1].
        label_N: (N,) 1 open, 0 closed.
        num_bins: equal bins over [0, 1], >= 1. With few images per bin the distance
            of equal distributions is above 0.

    Returns:
        In [0, 1]; NaN when a class is missing or a score is NaN.

    Raises:
        ValueError: the shapes do not fit, a score is out of range, or no bin.

    Source:
        Hellinger, 1909; Le Cam and Yang, Asymptotics in Statistics, 2000, section 3.

    Example:
        >>> hellinger_distance(np.array([0.1, 0.2, 0.9]), np.array([0, 0, 1]))
        1.0
    """
    closed_K, open_K = _class_shares(prob_N, label_N, num_bins)
    overlap = np.sqrt(closed_K * open_K).sum()
    # rounding may bring the overlap of equal histograms just above 1
    return float(np.sqrt(np.maximum(1 - overlap, 0)))


def js_divergence(
    prob_N: np.ndarray, label_N: np.ndarray, *, num_bins: int = NUM_BINS
) -> float:
    """Return the Jensen-Shannon divergence, in bits, of the two score histograms.

    ``(KL(p|m) + KL(q|m)) / 2`` with ``m = (p + q) / 2`` on shares of images per bin:
    the divergence itself, not its root.

    Args:
        prob_N: (N,) P(open) in [0, 1].
        label_N: (N,) 1 open, 0 closed.
        num_bins: equal bins over [0, 1], >= 1. With few images per bin the divergence
            of equal distributions is above 0.

    Returns:
        Bits, in [0, 1]; NaN when a class is missing or a score is NaN.

    Raises:
        ValueError: the shapes do not fit, a score is out of range, or no bin.

    Source:
        Lin, Divergence measures based on the Shannon entropy, IEEE Transactions on
        Information Theory 37, 1991, Eq. 3.1.

    Example:
        >>> js_divergence(np.array([0.1, 0.2, 0.9]), np.array([0, 0, 1]))
        1.0
    """
    closed_K, open_K = _class_shares(prob_N, label_N, num_bins)
    middle_K = (closed_K + open_K) / 2
    divergence = (_kl_bits(closed_K, middle_K) + _kl_bits(open_K, middle_K)) / 2
    return float(np.clip(divergence, 0, 1))


def bayes_error(
    prob_N: np.ndarray, label_N: np.ndarray, *, num_bins: int = NUM_BINS
) -> float:
    """Return the error of the best rule on the score, both classes equally frequent.

    ``sum_k min(p_k, q_k) / 2`` on shares of images per bin. The rule may call any
    set of bins open, so this is no more than the error of the best threshold, and
    too low when a bin holds few images.

    Args:
        prob_N: (N,) P(open) in [0, 1].
        label_N: (N,) 1 open, 0 closed.
        num_bins: equal bins over [0, 1], >= 1.

    Returns:
        In [0, 0.5]; NaN when a class is missing or a score is NaN.

    Raises:
        ValueError: the shapes do not fit, a score is out of range, or no bin.

    Source:
        Fukunaga, Introduction to Statistical Pattern Recognition, 1990, section 3.1.

    Example:
        >>> bayes_error(np.array([0.1, 0.9, 0.9, 0.9]), np.array([0, 0, 1, 1]))
        0.25
    """
    closed_K, open_K = _class_shares(prob_N, label_N, num_bins)
    return float(np.minimum(closed_K, open_K).sum() / 2)


def margin_statistics(
    prob_N: np.ndarray, *, threshold: float = DEFAULT_THRESHOLD
) -> MarginStatistics:
    """Tell how far the scores keep from the threshold, right or wrong.

    Args:
        prob_N: (N,) P(open) in [0, 1].
        threshold: in [0, 1].

    Returns:
        Distances in [0, 1] and a share; all NaN without images or with a NaN score.

    Raises:
        ValueError: a score or the threshold is out of range.

    Example:
        >>> margin_statistics(np.array([0.0, 0.5, 0.9, 1.0])).median
        0.45
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f'threshold must be in [0, 1], got {threshold}')
    margin_N = np.abs(check_probabilities(prob_N) - threshold)
    if not margin_N.size or np.isnan(margin_N).any():
        return MarginStatistics(*[float('nan')] * len(MarginStatistics._fields))
    return MarginStatistics(
        mean=float(margin_N.mean()),
        std=float(margin_N.std()),
        median=float(np.median(margin_N)),
        low=float(np.quantile(margin_N, 0.05)),
        hard_share=float((margin_N < HARD_MARGIN).mean()),
    )


def _class_shares(
    prob_N: np.ndarray, label_N: np.ndarray, num_bins: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of closed and of open images in each bin, NaN if undefined."""
    if num_bins < 1:
        raise ValueError(f'num_bins must be >= 1, got {num_bins}')
    prob_N, is_open_N = check_scores(prob_N, label_N)
    if _is_undefined(prob_N, is_open_N):
        return np.full(num_bins, np.nan), np.full(num_bins, np.nan)
    closed_K, open_K = (
        np.histogram(prob_N[is_member_N], bins=num_bins, range=(0, 1))[0]
        / is_member_N.sum()
        for is_member_N in (~is_open_N, is_open_N)
    )
    return closed_K, open_K


def _kl_bits(p_K: np.ndarray, m_K: np.ndarray) -> np.ndarray:
    # 0 * log 0 = 0; not p > 0 lets NaN through
    ratio_K = np.divide(p_K, m_K, out=np.ones_like(p_K), where=~(p_K == 0))
    return (p_K * np.log2(ratio_K)).sum()


def _is_undefined(prob_N: np.ndarray, is_open_N: np.ndarray) -> bool:
    return not has_both_classes(is_open_N) or bool(np.isnan(prob_N).any())
