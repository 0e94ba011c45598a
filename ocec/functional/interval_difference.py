"""The interval of a difference from the intervals of both numbers."""

from collections.abc import Sequence

import numpy as np


def difference_interval(
    first: float,
    first_bounds: Sequence[float],
    second: float,
    second_bounds: Sequence[float],
) -> tuple[float, float]:
    """Return the interval of ``first - second`` for numbers of independent samples.

    Each side of each interval counts on its own, so that lopsided ones stay so.

    Args:
        first: a number.
        first_bounds: low and high of its interval.
        second: what is taken from it, of other samples.
        second_bounds: low and high of its interval, of the same level.

    Returns:
        Low and high of that level; NaN where a bound is NaN.

    Source:
        Zou and Donner, Construction of confidence limits about effect measures: a
        general approach, Statistics in Medicine 27, 2008, Eq. 3 (MOVER).

    Example:
        >>> low, high = difference_interval(0.9, (0.87, 0.92), 0.8, (0.76, 0.84))
        >>> round(low, 3), round(high, 3)  # 0.1 less the root of 0.03^2 + 0.04^2
        (0.05, 0.145)
    """
    difference = first - second
    below = np.hypot(first - first_bounds[0], second_bounds[1] - second)
    above = np.hypot(first_bounds[1] - first, second - second_bounds[0])
    return float(difference - below), float(difference + above)
