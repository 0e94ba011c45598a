"""Whether P(open) means what it says, and how to mend it with one number.

Shapes: N images, K bins.
"""

from typing import NamedTuple

import numpy as np

from ocec.functional.probability import OPEN
from ocec.functional.score_arrays import (
    check_probabilities,
    check_scores,
    has_both_classes,
)

# a float32 P(open) next to 1 is 1 - 2^-24; half a step further is log(2^25)
LOG_ODDS_LIMIT = 25 * float(np.log(2))
# relative width of the bracket at which the search for the temperature ends
TOLERANCE = 1e-12


class Reliability(NamedTuple):
    """Predicted against observed share of open eyes, by bins of P(open)."""

    edges: np.ndarray  # (K + 1,) from 0 to 1
    count: np.ndarray  # (K,) images
    mean_prob: np.ndarray  # (K,) in [0, 1], NaN in an empty bin
    open_share: np.ndarray  # (K,) in [0, 1], NaN in an empty bin


def reliability(
    prob_N: np.ndarray, label_N: np.ndarray, *, num_bins: int = 10
) -> Reliability:
    """Compare P(open) with the share of eyes that are open, bin by bin.

    Args:
        prob_N: (N,) P(open) in [0, 1].
        label_N: (N,) 1 open, 0 closed.
        num_bins: equal bins over [0, 1], >= 1; a bin holds its upper edge, the first
            holds 0 too.

    Returns:
        Edges, images, mean P(open) and share of open eyes of each bin. With a NaN
        score every bin is empty.

    Raises:
        ValueError: the shapes do not fit, a score is out of range, or no bin.

    Source:
        Guo et al., On Calibration of Modern Neural Networks, ICML 2017, Eq. 2 and 3,
        arXiv:1706.04599; for the open class instead of the predicted one.

    Example:
        >>> prob, label = np.array([0.2, 0.4, 1.0]), np.array([0, 1, 1])
        >>> bins = reliability(prob, label, num_bins=2)
        >>> bins.count, bins.open_share
        (array([2, 1]), array([0.5, 1. ]))
    """
    if num_bins < 1:
        raise ValueError(f'num_bins must be >= 1, got {num_bins}')
    prob_N, is_open_N = check_scores(prob_N, label_N)
    if np.isnan(prob_N).any():
        prob_N, is_open_N = prob_N[:0], is_open_N[:0]
    edges = np.linspace(0, 1, num_bins + 1)
    bin_N = np.searchsorted(edges[1:-1], prob_N)
    count = np.bincount(bin_N, minlength=num_bins)
    return Reliability(
        edges=edges,
        count=count,
        mean_prob=_mean_per_bin(bin_N, prob_N, count),
        open_share=_mean_per_bin(bin_N, is_open_N, count),
    )


def expected_calibration_error(
    prob_N: np.ndarray, label_N: np.ndarray, *, num_bins: int = 10
) -> float:
    """Return the mean gap between P(open) and the share of open eyes.

    Args:
        prob_N: (N,) P(open) in [0, 1].
        label_N: (N,) 1 open, 0 closed.
        num_bins: equal bins over [0, 1], >= 1.

    Returns:
        In [0, 1]; NaN without images or with a NaN score. One class is enough.

    Raises:
        ValueError: the shapes do not fit, a score is out of range, or no bin.

    Source:
        Guo et al., On Calibration of Modern Neural Networks, ICML 2017, Eq. 3,
        arXiv:1706.04599; for the open class instead of the predicted one.

    Example:
        >>> expected_calibration_error(np.array([0.75, 0.75]), np.array([0, 1]))
        0.25
    """
    bins = reliability(prob_N, label_N, num_bins=num_bins)
    total = bins.count.sum()
    if total == 0:
        return float('nan')
    gap = np.abs(bins.mean_prob - bins.open_share)
    return float((bins.count * np.where(bins.count > 0, gap, 0)).sum() / total)


def log_odds(prob_N: np.ndarray) -> np.ndarray:
    """Turn P(open) back into the logit whose sigmoid it is.

    Args:
        prob_N: (N,) P(open) in [0, 1].

    Returns:
        (N,) float64 within +/- 17.33, what float32 can tell next to 1: a score of
        exactly 0 or 1 stays finite, and both ends are treated alike. NaN stays.

    Raises:
        ValueError: a score is out of range.

    Example:
        >>> log_odds(np.array([0.0, 0.5, 1.0])).round(2)
        array([-17.33,   0.  ,  17.33])
    """
    logit_N = _unbounded_log_odds(check_probabilities(prob_N))
    return np.clip(logit_N, -LOG_ODDS_LIMIT, LOG_ODDS_LIMIT)


def fit_temperature(logit_N: np.ndarray, label_N: np.ndarray) -> float:
    """Find the T for which sigmoid(logit / T) has the lowest cross-entropy.

    The cross-entropy is convex in 1 / T, so its slope is bisected. Fit on the
    validation split; the order of the scores, and with it AUC, stays.

    Args:
        logit_N: (N,) log-odds of open, see :func:`log_odds`.
        label_N: (N,) 1 open, 0 closed.

    Returns:
        > 0: above 1 the scores were too sure of themselves. NaN where no temperature
        is best: a class is missing, a logit is not finite, no image is on the wrong
        side of 0 (the colder the better), or the logits order the classes no better
        than chance (the hotter the better).

    Raises:
        ValueError: the shapes differ or are not (N,).

    Source:
        Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 4.2,
        arXiv:1706.04599.

    Example:
        >>> logit = np.array([2.0, 2.0, 2.0, -2.0, -2.0, -2.0])
        >>> label = np.array([1, 1, 0, 0, 0, 1])
        >>> round(fit_temperature(logit, label), 4)  # 2 / log 2: P becomes 2 / 3
        2.8854
    """
    logit_N = np.asarray(logit_N, dtype=np.float64)
    if logit_N.ndim != 1 or logit_N.shape != np.shape(label_N):
        raise ValueError(
            f'logits and labels must both be (N,), got {logit_N.shape} and '
            f'{np.shape(label_N)}'
        )
    is_open_N = np.asarray(label_N) == OPEN
    if not has_both_classes(is_open_N) or not np.isfinite(logit_N).all():
        return float('nan')
    margin_N = np.where(is_open_N, logit_N, -logit_N)
    if (margin_N >= 0).all() or _slope(margin_N, 0.0) >= 0:
        return float('nan')
    return 1 / _root_of_slope(margin_N)


def apply_temperature(prob_N: np.ndarray, temperature: float) -> np.ndarray:
    """Make scores less (T > 1) or more (T < 1) sure of themselves.

    Args:
        prob_N: (N,) P(open) in [0, 1].
        temperature: > 0; 1 changes nothing.

    Returns:
        (N,) float64 sigmoid(logit / T), in [0, 1]; 0, 0.5 and 1 stay, and so does NaN.

    Raises:
        ValueError: a score or the temperature is out of range.

    Source:
        Guo et al., On Calibration of Modern Neural Networks, ICML 2017, Eq. 9,
        arXiv:1706.04599, for two classes.

    Example:
        >>> apply_temperature(np.array([0.0, 0.1, 0.5]), 0.5).round(4)
        array([0.    , 0.0122, 0.5   ])
    """
    if not 0 < temperature < np.inf:
        raise ValueError(f'the temperature must be positive, got {temperature}')
    logit_N = _unbounded_log_odds(check_probabilities(prob_N)) / temperature
    return _sigmoid(logit_N)


def _mean_per_bin(
    bin_N: np.ndarray, value_N: np.ndarray, count_K: np.ndarray
) -> np.ndarray:
    sum_K = np.bincount(bin_N, weights=value_N, minlength=len(count_K))
    nothing_K = np.full(len(count_K), np.nan)
    return np.divide(sum_K, count_K, out=nothing_K, where=count_K > 0)


def _unbounded_log_odds(prob_N: np.ndarray) -> np.ndarray:
    with np.errstate(divide='ignore'):  # 0 and 1 are -inf and inf
        return np.log(prob_N) - np.log1p(-prob_N)


def _sigmoid(x_N: np.ndarray) -> np.ndarray:
    # the exponential of what is not positive cannot overflow
    small_N = np.exp(-np.abs(x_N))
    return np.where(x_N >= 0, 1.0, small_N) / (1 + small_N)


def _slope(margin_N: np.ndarray, inverse: float) -> float:
    """Return d/db of the mean of log(1 + exp(-b * margin)), which rises with b."""
    return float(-(margin_N * _sigmoid(-inverse * margin_N)).mean())


def _root_of_slope(margin_N: np.ndarray) -> float:
    # in units of the largest logit, so that its scale changes nothing
    low, high = 0.0, 1 / float(np.abs(margin_N).max())
    while _slope(margin_N, high) < 0:
        low, high = high, 2 * high
    while high - low > TOLERANCE * high:
        middle = (low + high) / 2
        if _slope(margin_N, middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2
