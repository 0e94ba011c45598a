"""How well two classes lie apart. Arrays in, numbers out.

A number is NaN when a class is missing or a feature is not finite: a network that
diverged has no separation.

Shapes: N samples, D features, K components.
"""

import numpy as np

from ocec.functional.moments import (
    ClassMoments,
    check_features,
    class_moments,
    covariance,
)
from ocec.functional.probability import CLOSED, OPEN

ORIGINAL_EPSILON = 1e-8


def fisher_ratio(features_ND: np.ndarray, labels_N: np.ndarray) -> float:
    """Squared distance of the class means over the sum of the class variances.

    ``|mu_1 - mu_0|^2 / (s_0^2 + s_1^2)`` with s_c^2 the mean squared distance of a
    class from its mean: the trace form, on features scaled to length 1, so that it
    changes neither with the scale of a network nor with that of a single sample.

    Args:
        features_ND: (N, D) embeddings.
        labels_N: (N,) 1 open, 0 closed.

    Returns:
        >= 0; nan when a class is missing or a feature is not finite; inf when both
        classes are points apart.

    Raises:
        ValueError: the shapes do not fit.

    Source:
        Fisher, 1936; trace criterion of Fukunaga, Introduction to Statistical Pattern
        Recognition, 1990, section 10.2, for two classes of equal weight.

    Example:
        >>> x = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
        >>> fisher_ratio(x, np.array([1, 1, 0, 0]))
        2.0
    """
    moments = _both_classes(features_ND, labels_N, unit_length=True)
    if moments is None:
        return float('nan')
    between = np.square(_difference(moments)).sum()
    within = sum(of_class.variance_D.sum() for of_class in moments)
    if within == 0:
        return float('inf') if between > 0 else float('nan')
    return float(between / within)


def fisher_ratio_original(features_ND: np.ndarray, labels_N: np.ndarray) -> float:
    """Return what the original OCEC training called the Fisher ratio.

    The distance of the class means over the mean **squared** distance within the
    classes: embeddings ten times as long have a tenth of the value, so only epochs of
    one network can be compared. For everything else see :func:`fisher_ratio`.

    Args:
        features_ND: (N, D) embeddings.
        labels_N: (N,) 1 open, 0 closed.

    Returns:
        >= 0, in 1 / unit of the features; NaN when a class is missing or a feature is
        not finite.

    Raises:
        ValueError: the shapes do not fit.

    Example:
        >>> x = np.array([[0.0], [2.0], [4.0], [6.0]])
        >>> round(fisher_ratio_original(x, np.array([0, 0, 1, 1])), 6)
        4.0
    """
    moments = _both_classes(features_ND, labels_N)
    if moments is None:
        return float('nan')
    return _inter_class(moments) / (_intra_class(moments) + ORIGINAL_EPSILON)


def intra_class_distance(features_ND: np.ndarray, labels_N: np.ndarray) -> float:
    """Return the mean squared distance from the class mean, classes weighing the same.

    Args:
        features_ND: (N, D) embeddings, taken as they are.
        labels_N: (N,) 1 open, 0 closed.

    Returns:
        >= 0, in squared units of the features; NaN when a class is missing or a
        feature is not finite.

    Raises:
        ValueError: the shapes do not fit.

    Example:
        >>> x = np.array([[0.0], [2.0], [4.0], [8.0]])
        >>> intra_class_distance(x, np.array([0, 0, 1, 1]))
        2.5
    """
    moments = _both_classes(features_ND, labels_N)
    if moments is None:
        return float('nan')
    return _intra_class(moments)


def inter_class_distance(features_ND: np.ndarray, labels_N: np.ndarray) -> float:
    """Return the Euclidean distance of the two class means.

    Args:
        features_ND: (N, D) embeddings, taken as they are.
        labels_N: (N,) 1 open, 0 closed.

    Returns:
        >= 0, in units of the features; NaN when a class is missing or a feature is not
        finite.

    Raises:
        ValueError: the shapes do not fit.

    Example:
        >>> x = np.array([[0.0], [2.0], [4.0], [8.0]])
        >>> inter_class_distance(x, np.array([0, 0, 1, 1]))
        5.0
    """
    moments = _both_classes(features_ND, labels_N)
    if moments is None:
        return float('nan')
    return _inter_class(moments)


def bhattacharyya_distance(features_ND: np.ndarray, labels_N: np.ndarray) -> float:
    """Return the Bhattacharyya distance of the classes as Gaussians of free features.

    ``sum_d (mu_0 - mu_1)^2 / (v_0 + v_1) / 4 + ln((v_0/v_1 + v_1/v_0 + 2) / 4) / 4``
    with the variances v of each feature; correlations are left out. The scale of a
    feature does not matter, the number of features does.

    Args:
        features_ND: (N, D) embeddings, taken as they are.
        labels_N: (N,) 1 open, 0 closed.

    Returns:
        Nats, >= 0. A feature with the same constant everywhere adds 0; one that is
        constant within a class and not the same constant in the other makes it inf.
        NaN when a class is missing or a feature is not finite.

    Raises:
        ValueError: the shapes do not fit.

    Source:
        Kailath, The divergence and Bhattacharyya distance measures in signal
        selection, IEEE Transactions on Communication Technology 15, 1967.

    Example:
        >>> x = np.array([[-1.0], [1.0], [3.0], [5.0]])  # variance 1, means 4 apart
        >>> bhattacharyya_distance(x, np.array([0, 0, 1, 1]))
        2.0
    """
    moments = _both_classes(features_ND, labels_N)
    if moments is None:
        return float('nan')
    v0_D, v1_D = (of_class.variance_D for of_class in moments)
    gap_D = np.square(_difference(moments))
    is_dead_D = (v0_D == 0) & (v1_D == 0) & (gap_D == 0)
    v0_D, v1_D, gap_D = v0_D[~is_dead_D], v1_D[~is_dead_D], gap_D[~is_dead_D]
    if ((v0_D == 0) | (v1_D == 0)).any():
        return float('inf')
    # as two logarithms: the ratio of the variances may overflow, its logarithm not
    of_variance_D = np.log((v0_D + v1_D) / 2) - (np.log(v0_D) + np.log(v1_D)) / 2
    distance = (gap_D / (v0_D + v1_D)).sum() / 4 + of_variance_D.sum() / 2
    return float(max(distance, 0.0))


def pca_energy(features_ND: np.ndarray, num_components: int = 5) -> np.ndarray:
    """Return how much of the variance the first principal components hold.

    One component near 1 tells of embeddings that have collapsed to a line.

    Args:
        features_ND: (N, D) embeddings.
        num_components: K >= 1.

    Returns:
        (K,) shares of the total variance in [0, 1], descending; 0 beyond D. NaN
        without variance or when a feature is not finite.

    Raises:
        ValueError: the features are not (N, D), or there is no component.

    Source:
        Hotelling, Analysis of a complex of statistical variables into principal
        components, Journal of Educational Psychology 24, 1933.

    Example:
        >>> x = np.array([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
        >>> pca_energy(x, num_components=3)
        array([0.9, 0.1, 0. ])
    """
    if features_ND.ndim != 2:
        raise ValueError(f'features must be (N, D), got {features_ND.shape}')
    if num_components < 1:
        raise ValueError(f'num_components must be >= 1, got {num_components}')
    rows = np.arange(len(features_ND))
    if not features_ND.size or not np.isfinite(features_ND).all():
        return np.full(num_components, np.nan)
    mean_D, variance_D = class_moments(features_ND, rows)
    if not variance_D.any():
        return np.full(num_components, np.nan)
    energy = np.linalg.eigvalsh(covariance(features_ND, rows, mean_D))[::-1]
    # rounding makes the variance of a missing direction a little negative
    energy_K = np.zeros(num_components)
    energy_K[: len(energy)] = np.maximum(energy, 0)[:num_components]
    return energy_K / variance_D.sum()


def _both_classes(
    features_ND: np.ndarray, labels_N: np.ndarray, *, unit_length: bool = False
) -> tuple[ClassMoments, ClassMoments] | None:
    """Return the moments of closed and open, None where they have none."""
    check_features(features_ND, labels_N)
    closed, opened = (np.flatnonzero(labels_N == c) for c in (CLOSED, OPEN))
    if not len(closed) or not len(opened) or not np.isfinite(features_ND).all():
        return None
    return (
        class_moments(features_ND, closed, unit_length=unit_length),
        class_moments(features_ND, opened, unit_length=unit_length),
    )


def _intra_class(moments: tuple[ClassMoments, ClassMoments]) -> float:
    return float(sum(of_class.variance_D.sum() for of_class in moments) / 2)


def _inter_class(moments: tuple[ClassMoments, ClassMoments]) -> float:
    return float(np.linalg.norm(_difference(moments)))


def _difference(moments: tuple[ClassMoments, ClassMoments]) -> np.ndarray:
    closed, opened = moments
    return opened.mean_D - closed.mean_D
