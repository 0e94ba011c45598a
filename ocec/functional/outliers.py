"""Embeddings that lie far from their class.

Shapes: N samples, D features, K directions, C = 2 classes (closed, open).
"""

from typing import NamedTuple

import numpy as np
import torch

from ocec.functional.moments import (
    centred_chunks,
    check_features,
    class_moments,
    covariance,
)
from ocec.functional.probability import CLOSED, OPEN

# share of the largest variance below which a direction is rounding: that of float32
# embeddings is about 1e-14
MIN_VARIANCE_SHARE = 1e-12
MAX_BISECTIONS = 200


class Outliers(NamedTuple):
    """Distance of each sample from its class."""

    distance_N: np.ndarray  # (N,) squared Mahalanobis distance, >= 0
    is_outlier_N: np.ndarray  # (N,) bool
    limit_C: np.ndarray  # (2,) squared distance beyond which a sample is an outlier


def mahalanobis_outliers(
    features_ND: np.ndarray, labels_N: np.ndarray, *, quantile: float = 0.999
) -> Outliers:
    """Find samples beyond a chi-square quantile of their class.

    For Gaussian classes the squared Mahalanobis distance follows a chi-square
    distribution with as many degrees of freedom as the class has directions, so that
    1 - ``quantile`` of the samples are flagged whatever D. Directions in which a class
    does not vary are left out (pseudo-inverse); they are not counted either.

    Mean and covariance are those of the class itself, outliers included, so a class
    of n samples has no squared distance above (n - 1)^2 / n.

    Args:
        features_ND: (N, D) embeddings.
        labels_N: (N,) 1 open, 0 closed.
        quantile: share of a Gaussian class inside the limit, in (0, 1).

    Returns:
        Distances, flags, and the limit of closed and of open; the limit is NaN, and
        nothing flagged, for a class without variance. A sample with a feature that is
        not finite has distance NaN, is not flagged, and counts in no mean.

    Raises:
        ValueError: the shapes do not fit, or the quantile is out of range.

    Source:
        Mahalanobis, On the generalised distance in statistics, 1936; the limit as in
        Rousseeuw and Van Zomeren, Unmasking Multivariate Outliers, JASA 85, 1990.

    Example:
        >>> x = np.r_[np.random.default_rng(0).normal(size=(200, 2)), [[9, 9]]]
        >>> found = mahalanobis_outliers(x, np.ones(201))
        >>> found.is_outlier_N.nonzero()[0], found.limit_C.round(2)
        (array([200]), array([  nan, 13.82]))
    """
    check_features(features_ND, labels_N)
    if not 0 < quantile < 1:
        raise ValueError(f'quantile must be in (0, 1), got {quantile}')
    distance_N = np.full(len(labels_N), np.nan)
    is_outlier_N = np.zeros(len(labels_N), dtype=bool)
    limit_C = np.full(2, np.nan)
    is_finite_N = np.isfinite(features_ND).all(axis=1)
    for label in (CLOSED, OPEN):
        rows = np.flatnonzero((labels_N == label) & is_finite_N)
        if not len(rows):
            continue
        distance_N[rows], rank = _distances(features_ND, rows)
        if rank:
            limit_C[label] = chi_square_quantile(quantile, rank)
            is_outlier_N[rows] = distance_N[rows] > limit_C[label]
    return Outliers(distance_N, is_outlier_N, limit_C)


def chi_square_quantile(probability: float, degrees: int) -> float:
    """Return the value below which a chi-square variable lies with a probability.

    Bisection on the regularised incomplete gamma function, on the tail that is
    smaller.

    Args:
        probability: in (0, 1).
        degrees: of freedom, >= 1.

    Returns:
        > 0.

    Raises:
        ValueError: an argument is out of range.

    Source:
        Abramowitz and Stegun, Handbook of Mathematical Functions, 1964, 26.4.19.

    Example:
        >>> round(chi_square_quantile(0.95, 1), 4)  # 1.96 squared
        3.8415
    """
    if not 0 < probability < 1:
        raise ValueError(f'probability must be in (0, 1), got {probability}')
    if degrees < 1:
        raise ValueError(f'degrees must be >= 1, got {degrees}')
    low, high = 0.0, float(degrees)
    while _is_below(high, probability, degrees):
        low, high = high, 2 * high
    for _ in range(MAX_BISECTIONS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if _is_below(middle, probability, degrees):
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _is_below(value: float, probability: float, degrees: int) -> bool:
    shape = torch.tensor(degrees / 2, dtype=torch.float64)
    half = torch.tensor(value / 2, dtype=torch.float64)
    if probability > 0.5:
        return bool(torch.special.gammaincc(shape, half) > 1 - probability)
    return bool(torch.special.gammainc(shape, half) < probability)


def _distances(features_ND: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the squared distances of the rows from their mean, and the rank."""
    mean_D, variance_D = class_moments(features_ND, rows)
    if not variance_D.any():
        return np.zeros(len(rows)), 0
    variance_K, directions_DK = np.linalg.eigh(covariance(features_ND, rows, mean_D))
    is_real_K = variance_K > MIN_VARIANCE_SHARE * variance_K[-1]
    # divided by n - 1, as the limit of (n - 1)^2 / n asks
    spread_K = np.sqrt(variance_K[is_real_K] * len(rows) / max(len(rows) - 1, 1))
    whiten_DK = directions_DK[:, is_real_K] / spread_K
    distance = np.concatenate(
        [
            np.square(x_ND @ whiten_DK).sum(axis=1)
            for x_ND in centred_chunks(features_ND, rows, mean_D)
        ]
    )
    return distance, int(is_real_K.sum())
