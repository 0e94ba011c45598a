"""What every number of scores and labels asks of its input. Shapes: N images."""

import numpy as np

from ocec.functional.probability import OPEN


def check_scores(
    prob_N: np.ndarray, label_N: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return scores and labels in the form that formulas use.

    Args:
        prob_N: (N,) P(open) in [0, 1]; NaN passes.
        label_N: (N,) 1 open, 0 closed.

    Returns:
        (N,) float64 P(open) and (N,) bool, True for open.

    Raises:
        ValueError: the shapes differ or are not (N,), or a score is out of range.

    Example:
        >>> check_scores(np.array([0.25, 1.0]), np.array([0, 1]))
        (array([0.25, 1.  ]), array([False,  True]))
    """
    if np.ndim(prob_N) != 1 or np.shape(prob_N) != np.shape(label_N):
        raise ValueError(
            f'scores and labels must both be (N,), got {np.shape(prob_N)} and '
            f'{np.shape(label_N)}'
        )
    return check_probabilities(prob_N), np.asarray(label_N) == OPEN


def check_probabilities(prob_N: np.ndarray) -> np.ndarray:
    """Return probabilities as float64.

    Args:
        prob_N: any shape, in [0, 1]; NaN passes.

    Returns:
        The same values and shape.

    Raises:
        ValueError: a value is out of range.
    """
    prob_N = np.asarray(prob_N, dtype=np.float64)
    is_bad_N = (prob_N < 0) | (prob_N > 1)
    if is_bad_N.any():
        raise ValueError(
            f'scores must be probabilities in [0, 1], got {prob_N[is_bad_N][0]:g}; '
            'are these logits?'
        )
    return prob_N


def has_both_classes(is_open_N: np.ndarray) -> bool:
    """Say whether at least one eye is open and one is closed."""
    return bool(is_open_N.any() and not is_open_N.all())
