"""How far the classes of one data set lie from those of another, by embeddings.

Embeddings are scaled to length 1, as for the Fisher ratio. Shapes: N samples, D
features, C = 2 classes (closed, open).
"""

from typing import NamedTuple

import numpy as np

from ocec.functional.moments import check_features, class_moments
from ocec.functional.probability import CLOSED, OPEN


class ClassShift(NamedTuple):
    """Shift of each class from A to B, in units of the spread within A's classes."""

    distance_C: np.ndarray  # (2,) of the class means, >= 0; NaN without the class
    along_C: np.ndarray  # (2,) its part towards A's open mean; below 0: away from it
    apart: float  # distance of A's two class means, to compare with


def class_shift(
    first_ND: np.ndarray,
    first_labels_N: np.ndarray,
    second_ND: np.ndarray,
    second_labels_N: np.ndarray,
) -> ClassShift:
    """Measure how far each class has moved.

    The unit is the root of the mean of the class variances of A, each summed over the
    features.

    Args:
        first_ND: (N, D) finite embeddings of A.
        first_labels_N: (N,) 1 open, 0 closed, of A.
        second_ND: (M, D) finite embeddings of B.
        second_labels_N: (M,) of B.

    Returns:
        The shift; inf or NaN where the classes of A are points.

    Raises:
        ValueError: the shapes do not fit, or A lacks a class.

    Example:
        >>> a = np.array([[1.0, 0.1], [1.0, -0.1], [-1.0, 0.1], [-1.0, -0.1]])
        >>> label = np.array([1, 1, 0, 0])
        >>> shift = class_shift(a, label, -a, label)
        >>> (shift.distance_C / shift.apart).round(6)  # each lies where the other was
        array([1., 1.])
    """
    check_features(first_ND, first_labels_N)
    check_features(second_ND, second_labels_N)
    rows_C = [np.flatnonzero(first_labels_N == code) for code in (CLOSED, OPEN)]
    if not all(map(len, rows_C)):
        raise ValueError('A must have closed and open samples')
    closed, opened = (
        class_moments(first_ND, rows, unit_length=True) for rows in rows_C
    )
    axis_D = opened.mean_D - closed.mean_D
    spread = np.sqrt((closed.variance_D.sum() + opened.variance_D.sum()) / 2)
    distance_C, along_C = np.full(2, np.nan), np.full(2, np.nan)
    with np.errstate(divide='ignore', invalid='ignore'):
        apart = np.linalg.norm(axis_D)
        for code, of_a in ((CLOSED, closed), (OPEN, opened)):
            rows = np.flatnonzero(second_labels_N == code)
            if len(rows):
                of_b = class_moments(second_ND, rows, unit_length=True)
                moved_D = of_b.mean_D - of_a.mean_D
                distance_C[code] = np.linalg.norm(moved_D) / spread
                along_C[code] = moved_D @ axis_D / apart / spread
        return ClassShift(distance_C, along_C, float(apart / spread))
