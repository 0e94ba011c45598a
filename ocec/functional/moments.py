"""Means, variances and covariances of many embeddings in little memory.

Shapes: N samples, M of them, D features.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

CHUNK_ROWS = 16384  # turned into float64 at a time


class ClassMoments(NamedTuple):
    """Mean and variance of each feature over the samples of one class."""

    mean_D: np.ndarray
    variance_D: np.ndarray


def class_moments(
    features_ND: np.ndarray, rows: np.ndarray, *, unit_length: bool = False
) -> ClassMoments:
    """Compute mean and variance of some rows in two passes, a chunk at a time.

    Args:
        features_ND: (N, D) finite features of any number type.
        rows: (M,) which of them, M >= 1.
        unit_length: scale each row to length 1 first; zeros stay.

    Returns:
        (D,) float64 mean and (D,) variance, divided by M; the variance of a constant
        feature is exactly 0.
    """
    chunks = list(_ranges(len(rows)))
    total_D, lowest_D, highest_D = 0.0, np.inf, -np.inf
    for chunk in chunks:
        x_MD = _rows_of(features_ND, rows[chunk], unit_length)
        total_D = total_D + x_MD.sum(axis=0)
        lowest_D = np.minimum(lowest_D, x_MD.min(axis=0))
        highest_D = np.maximum(highest_D, x_MD.max(axis=0))
    # the mean of a constant is off by rounding, and so would be its variance
    mean_D = np.where(lowest_D == highest_D, lowest_D, total_D / len(rows))
    variance_D = sum(
        np.square(_rows_of(features_ND, rows[chunk], unit_length) - mean_D).sum(axis=0)
        for chunk in chunks
    )
    return ClassMoments(mean_D, variance_D / len(rows))


def centred_chunks(
    features_ND: np.ndarray, rows: np.ndarray, mean_D: np.ndarray
) -> Iterator[np.ndarray]:
    """Yield the rows less the mean as float64, a chunk at a time."""
    for chunk in _ranges(len(rows)):
        yield _rows_of(features_ND, rows[chunk]) - mean_D


def covariance(
    features_ND: np.ndarray, rows: np.ndarray, mean_D: np.ndarray
) -> np.ndarray:
    """Return the (D, D) covariance of the rows about the mean, divided by M."""
    products = (x_MD.T @ x_MD for x_MD in centred_chunks(features_ND, rows, mean_D))
    return sum(products) / len(rows)


def check_features(features_ND: np.ndarray, labels_N: np.ndarray) -> None:
    """Raise ValueError unless there is one label for each row of features."""
    if features_ND.ndim != 2 or labels_N.shape != (len(features_ND),):
        raise ValueError(
            'features must be (N, D) and labels (N,), got '
            f'{features_ND.shape} and {labels_N.shape}'
        )


def _ranges(num_rows: int) -> Iterator[slice]:
    for start in range(0, num_rows, CHUNK_ROWS):
        yield slice(start, start + CHUNK_ROWS)


def _rows_of(
    features_ND: np.ndarray, rows: np.ndarray, unit_length: bool = False
) -> np.ndarray:
    x_MD = features_ND[rows].astype(np.float64)
    if unit_length:
        lengths_M1 = np.linalg.norm(x_MD, axis=1, keepdims=True)
        # an embedding of zeros has no direction and stays at the origin
        np.divide(x_MD, lengths_M1, out=x_MD, where=lengths_M1 > 0)
    return x_MD
