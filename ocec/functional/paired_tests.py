"""Whether one classifier is better than another on the same images.

Shapes: N images.
"""

from typing import NamedTuple

import numpy as np
import torch


class McNemar(NamedTuple):
    """Result of McNemar's test."""

    p_value: float  # in [0, 1]
    n01: int  # images that only b gets right
    n10: int  # images that only a gets right


def mcnemar_exact(
    correct_a_N: np.ndarray, correct_b_N: np.ndarray, *, mid_p: bool = False
) -> McNemar:
    """Test whether two classifiers err equally often on the same images.

    Of the images on which they differ, each should win half: a two-sided binomial
    test. The images count as independent; with several of one person the p value is
    too small.

    Args:
        correct_a_N: (N,) bool, True where classifier a is right.
        correct_b_N: (N,) bool, True where classifier b is right, same images.
        mid_p: count the observed outcome half, which errs less on the safe side.

    Returns:
        p value in [0, 1], 1 when they never differ, and the two counts.

    Raises:
        ValueError: the shapes differ or are not (N,).

    Source:
        McNemar, Psychometrika 12, 1947; mid-p as in Fagerland, Lydersen and Laake, The
        McNemar test for binary matched-pairs data, BMC Medical Research Methodology 13,
        2013.

    Example:
        >>> a = np.array([1, 1, 1, 1, 1, 0], dtype=bool)
        >>> test = mcnemar_exact(a, ~a)
        >>> round(test.p_value, 5), test.n01, test.n10  # 2 * (1 + 6) / 2^6
        (0.21875, 1, 5)
    """
    if np.ndim(correct_a_N) != 1 or np.shape(correct_a_N) != np.shape(correct_b_N):
        raise ValueError(
            f'both must be (N,), got {np.shape(correct_a_N)} and '
            f'{np.shape(correct_b_N)}'
        )
    a_N, b_N = np.asarray(correct_a_N, bool), np.asarray(correct_b_N, bool)
    n01, n10 = int((~a_N & b_N).sum()), int((a_N & ~b_N).sum())
    share = _binomial_half(min(n01, n10), n01 + n10)
    p_value = 2 * share.sum() - (share[-1] if mid_p else 0.0)
    return McNemar(min(float(p_value), 1.0), n01, n10)


def wilson_interval(
    successes: int, total: int, level: float = 0.95
) -> tuple[float, float]:
    """Return the Wilson score interval of a share.

    Unlike the share plus and minus its standard error it stays in [0, 1] and has a
    width when all or none succeed. The trials count as independent.

    Args:
        successes: in [0, total].
        total: trials.
        level: of confidence, in (0, 1).

    Returns:
        Bounds in [0, 1]; NaN without a trial.

    Raises:
        ValueError: an argument is out of range.

    Source:
        Wilson, Probable inference, the law of succession, and statistical inference,
        JASA 22, 1927.

    Example:
        >>> low, high = wilson_interval(0, 10)
        >>> low, round(high, 4)
        (0.0, 0.2775)
    """
    if not 0 <= successes <= total:
        raise ValueError(f'successes must be in [0, {total}], got {successes}')
    if not 0 < level < 1:
        raise ValueError(f'level must be in (0, 1), got {level}')
    if total == 0:
        return float('nan'), float('nan')
    z = float(torch.special.ndtri(torch.tensor((1 + level) / 2, dtype=torch.float64)))
    share, weight = successes / total, z * z / total
    centre = (share + weight / 2) / (1 + weight)
    half = np.sqrt(weight * (share * (1 - share) + weight / 4)) / (1 + weight)
    # with no failure the bound is 1, but for rounding; with no success exactly 0
    high = 1.0 if successes == total else float(centre + half)
    return float(centre - half), high


def _binomial_half(successes: int, total: int) -> np.ndarray:
    """Return the chances of 0 to ``successes`` heads in ``total`` fair tosses."""
    heads = torch.arange(successes + 1, dtype=torch.float64)
    count = torch.tensor(float(total), dtype=torch.float64)
    log_chance = (
        torch.lgamma(count + 1)
        - torch.lgamma(heads + 1)
        - torch.lgamma(count - heads + 1)
        - count * float(np.log(2))
    )
    return log_chance.exp().numpy()
