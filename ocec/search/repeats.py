"""What repeated trainings say: means with intervals, and whether one is better.

Shapes: R repeats, one for each seed and fold.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

# up to here every choice of signs is tried, 2^14; beyond, as many are drawn
MAX_EXACT, NUM_DRAWS = 14, 20_000
MAX_REPEATS = 10_000


class MeanInterval(NamedTuple):
    """Mean of repeats with its interval; NaN where it has none."""

    mean: float
    std: float  # with R - 1 in the denominator
    low: float
    high: float
    num_repeats: int


class PairedComparison(NamedTuple):
    """Whether the second of two configs is better than the first."""

    difference: MeanInterval  # second less first
    t_p_value: float  # in [0, 1], of the (corrected) paired t test
    flip_p_value: float  # in [0, 1], of the exact sign-flip permutation test
    wins: int  # repeats in which the second is higher
    losses: int
    needed: int | None  # repeats for the wanted power; None: no number suffices


def overlap_of_folds(num_folds: int) -> float:
    """Return the share by which trainings of k folds depend on each other.

    Args:
        num_folds: k; 0 or 1 for one split, which has no such dependence.

    Returns:
        Size of a validation fold over that of its training set, 1 / (k - 1).
    """
    return 1 / (num_folds - 1) if num_folds > 1 else 0.0


def mean_interval(
    value_R: np.ndarray, *, overlap: float = 0.0, level: float = 0.95
) -> MeanInterval:
    """Return the mean of repeats and Student's interval around it.

    Args:
        value_R: (R,) values; NaN counts as missing.
        overlap: validation size over training size of folds; trainings of k folds share
            most of their images, so that their spread alone is too small. 0 for seeds
            of one split.
        level: of confidence, in (0, 1).

    Returns:
        Mean, standard deviation and bounds; NaN bounds below two repeats.

    Raises:
        ImportError: scipy is not installed.

    Source:
        Nadeau and Bengio, Inference for the generalization error, Machine Learning 52,
        2003; for repeated folds as in Bouckaert and Frank, PAKDD 2004.

    Example:
        >>> interval = mean_interval(np.array([1.0, 2.0, 3.0]))
        >>> interval.mean, interval.std, round(interval.high, 3)  # 2 + 4.303 / 3^0.5
        (2.0, 1.0, 4.484)
    """
    value_R = np.asarray(value_R, dtype=np.float64)
    value_R = value_R[~np.isnan(value_R)]
    R, nan = len(value_R), float('nan')
    mean = float(value_R.mean()) if R else nan
    if R < 2:
        return MeanInterval(mean, nan, nan, nan, R)
    std = float(value_R.std(ddof=1))
    half = _student().ppf((1 + level) / 2, R - 1) * std * _error_factor(R, overlap)
    return MeanInterval(mean, std, mean - float(half), mean + float(half), R)


def compare_paired(
    first_R: np.ndarray,
    second_R: np.ndarray,
    *,
    overlap: float = 0.0,
    level: float = 0.95,
    power: float = 0.8,
    seed: int = 0,
) -> PairedComparison:
    """Compare two configs over the same seeds and folds.

    Args:
        first_R: (R,) metric of the first, NaN where a training is missing.
        second_R: (R,) metric of the second, same seeds and folds.
        overlap: see :func:`mean_interval`.
        level: of the interval, in (0, 1).
        power: that the number of needed repeats is for, in (0, 1).
        seed: of the drawn signs, where there are too many to try all.

    Returns:
        The difference with its interval, two tests, and the repeats needed if
        difference and spread are truly those observed.

    Raises:
        ValueError: the shapes differ.
        ImportError: scipy is not installed.

    Source:
        The tests: Student's paired t test with the correction of
        :func:`mean_interval`; Fisher's randomisation test (The Design of Experiments,
        1935), which leaves the dependence of folds out of account.
    """
    first_R, second_R = np.asarray(first_R, float), np.asarray(second_R, float)
    if first_R.shape != second_R.shape or first_R.ndim != 1:
        raise ValueError(f'both must be (R,), got {first_R.shape} and {second_R.shape}')
    difference_R = second_R - first_R
    difference_R = difference_R[~np.isnan(difference_R)]
    found = mean_interval(difference_R, overlap=overlap, level=level)
    return PairedComparison(
        found,
        _t_p_value(found, overlap),
        flip_p_value(difference_R, seed=seed),
        int((difference_R > 0).sum()),
        int((difference_R < 0).sum()),
        needed_repeats(
            found.mean, found.std, overlap=overlap, level=level, power=power
        ),
    )


def flip_p_value(difference_R: np.ndarray, *, seed: int = 0) -> float:
    """Test whether paired differences lie around 0, without assuming a distribution.

    If they do, each might as well have the other sign: the p value is the share of
    choices of signs whose sum is at least as far from 0.

    Args:
        difference_R: (R,) differences.
        seed: of the drawn signs, beyond 14 repeats.

    Returns:
        Two-sided p value in (0, 1], at least ``2^(1 - R)``; NaN without a repeat.

    Example:
        >>> flip_p_value(np.array([1.0, 2.0, 3.0]))  # 2 of 8
        0.25
    """
    R = len(difference_R)
    if R == 0:
        return float('nan')
    if R <= MAX_EXACT:
        signs = np.array(list(product((-1.0, 1.0), repeat=R)))
    else:
        draws = np.random.default_rng(seed).choice((-1.0, 1.0), (NUM_DRAWS, R))
        signs = np.concatenate([np.ones((1, R)), draws])  # what was observed is one
    observed = abs(difference_R.sum())
    # equal sums may differ in the last bits
    return float((abs(signs @ difference_R) >= observed * (1 - 1e-12)).mean())


def needed_repeats(
    mean: float,
    std: float,
    *,
    overlap: float = 0.0,
    level: float = 0.95,
    power: float = 0.8,
) -> int | None:
    """Return how many repeats a paired t test needs to find a difference.

    Args:
        mean: true difference.
        std: true standard deviation of the differences.
        overlap: see :func:`mean_interval`.
        level: 1 less the significance level of the two-sided test.
        power: chance of finding it, in (0, 1).

    Returns:
        The smallest number >= 2; None where 10,000 do not suffice, or a number is not
        known or 0.

    Raises:
        ImportError: scipy is not installed.

    Source:
        Noncentral t distribution with R - 1 degrees of freedom: Cohen, Statistical
        Power Analysis for the Behavioral Sciences, 1988, chapter 2.
    """
    if not np.isfinite(mean) or not np.isfinite(std) or mean == 0:
        return None
    if std == 0:
        return 2
    low, high = 2, MAX_REPEATS

    def suffices(repeats: int) -> bool:
        return paired_power(mean / std, repeats, overlap, level) >= power

    if not suffices(high):
        return None
    while low < high:  # the power grows with the number
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle + 1, high)
    return low


def paired_power(
    effect: float, num_repeats: int, overlap: float = 0.0, level: float = 0.95
) -> float:
    """Return the chance that a paired t test finds a difference.

    Args:
        effect: true difference over the standard deviation of differences.
        num_repeats: >= 2.
        overlap: see :func:`mean_interval`.
        level: 1 less the significance level of the two-sided test.

    Returns:
        In [0, 1].

    Raises:
        ImportError: scipy is not installed.
    """
    freedom = num_repeats - 1
    bound = _student().ppf((1 + level) / 2, freedom)
    centre = abs(effect) / _error_factor(num_repeats, overlap)
    noncentral = _stats().nct
    above = noncentral.sf(bound, freedom, centre)
    # far out scipy returns NaN for a chance that is 0
    below = np.nan_to_num(noncentral.cdf(-bound, freedom, centre))
    return float(1.0 if np.isnan(above) else above + below)


def _t_p_value(found: MeanInterval, overlap: float) -> float:
    if found.num_repeats < 2:
        return float('nan')
    error = found.std * _error_factor(found.num_repeats, overlap)
    if error == 0:
        return 1.0 if found.mean == 0 else 0.0
    return float(2 * _student().sf(abs(found.mean) / error, found.num_repeats - 1))


def _error_factor(num_repeats: int, overlap: float) -> float:
    """Standard error of the mean over the standard deviation."""
    return float(np.sqrt(1 / num_repeats + overlap))


def _student():
    return _stats().t


def _stats():
    try:
        from scipy import stats
    except ImportError as error:
        raise ImportError(
            'intervals over seeds need scipy: pip install "ocec[search]"'
        ) from error
    return stats
