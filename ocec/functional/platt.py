"""Mend P(open) with a slope and a bias. Shapes: N images."""

from typing import NamedTuple

import numpy as np

from ocec.functional.probability import OPEN
from ocec.functional.score_arrays import check_scores, has_both_classes

MAX_STEPS = 100
# of the slope of the mean cross-entropy at which the search ends
TOLERANCE = 1e-10
MIN_STEP = 1e-10


class PlattScaling(NamedTuple):
    """``sigmoid(slope * logit + bias)``; NaN where nothing could be fitted."""

    slope: float
    bias: float

    @property
    def temperature(self) -> float:
        """1 / slope: above 1 the scores were too sure; NaN unless slope > 0."""
        return 1 / self.slope if self.slope > 0 else float('nan')


def fit_platt(logit_N: np.ndarray, label_N: np.ndarray) -> PlattScaling:
    """Find the slope and bias of the lowest cross-entropy.

    Targets are (n1 + 1) / (n1 + 2) for the n1 open eyes and 1 / (n0 + 2) for the n0
    closed ones instead of 1 and 0, so that there is an optimum where the logits
    separate the classes.

    Args:
        logit_N: (N,) finite log-odds of open.
        label_N: (N,) 1 open, 0 closed.

    Returns:
        The scaling; NaN when a class is missing. A slope below 0 says that the logits
        order the classes the wrong way round.

    Raises:
        ValueError: the shapes differ or are not (N,), or a logit is not finite.

    Source:
        Platt, Probabilistic outputs for support vector machines, 1999; the damped
        Newton search as in Lin, Lin and Weng, A note on Platt's probabilistic outputs
        for support vector machines, Machine Learning 68, 2007.

    Example:
        >>> logit, label = np.array([-3.0, -1.0, 1.0, 3.0]), np.array([0, 0, 1, 1])
        >>> found = fit_platt(logit, label)
        >>> round(abs(found.bias), 6), found.slope > 0
        (0.0, True)
    """
    logit_N = np.asarray(logit_N, np.float64)
    if logit_N.ndim != 1 or logit_N.shape != np.shape(label_N):
        raise ValueError(
            f'logits and labels must both be (N,), got {logit_N.shape} and '
            f'{np.shape(label_N)}'
        )
    if not np.isfinite(logit_N).all():
        raise ValueError('logits must be finite: see log_odds')
    is_open_N = np.asarray(label_N) == OPEN
    if not has_both_classes(is_open_N):
        return PlattScaling(float('nan'), float('nan'))
    num_open, num_closed = is_open_N.sum(), (~is_open_N).sum()
    target_N = np.where(
        is_open_N, (num_open + 1) / (num_open + 2), 1 / (num_closed + 2)
    )
    # in units of their spread, so that one step length fits both numbers
    scale = float(np.abs(logit_N).max()) or 1.0
    slope, bias = _minimise(logit_N / scale, target_N)
    return PlattScaling(slope / scale, bias)


def apply_platt(logit_N: np.ndarray, scaling: PlattScaling) -> np.ndarray:
    """Return the mended P(open).

    Args:
        logit_N: (N,) log-odds of open.
        scaling: of :func:`fit_platt`.

    Returns:
        (N,) float64 in [0, 1].

    Example:
        >>> apply_platt(np.array([0.0, 0.0]), PlattScaling(1.0, 0.0))
        array([0.5, 0.5])
    """
    return _sigmoid(scaling.slope * np.asarray(logit_N, np.float64) + scaling.bias)


def cross_entropy(prob_N: np.ndarray, label_N: np.ndarray) -> np.ndarray:
    """Return the negative log-likelihood of each label.

    Args:
        prob_N: (N,) P(open) in [0, 1].
        label_N: (N,) 1 open, 0 closed.

    Returns:
        (N,) float64, nats, >= 0, at most 17.33: a wrong float32 score of exactly 0 or
        1 counts as the nearest one that float32 can tell.

    Raises:
        ValueError: the shapes differ or are not (N,), or a score is out of range.

    Example:
        >>> cross_entropy(np.array([0.5, 1.0]), np.array([0, 1])).round(4)
        array([0.6931, 0.    ])
    """
    prob_N, is_open_N = check_scores(prob_N, label_N)
    right_N = np.where(is_open_N, prob_N, 1 - prob_N)
    # + 0.0: no minus zero
    return -np.log(np.maximum(right_N, 2.0**-25)) + 0.0


def _minimise(x_N: np.ndarray, target_N: np.ndarray) -> tuple[float, float]:
    """Newton's method on the mean cross-entropy, which is convex, with halved steps."""
    design_N2 = np.stack([x_N, np.ones_like(x_N)], axis=1)
    weight_2 = np.zeros(2)
    value = _mean_loss(design_N2 @ weight_2, target_N)
    for _ in range(MAX_STEPS):
        prob_N = _sigmoid(design_N2 @ weight_2)
        gradient_2 = design_N2.T @ (prob_N - target_N) / len(x_N)
        if np.abs(gradient_2).max() < TOLERANCE:
            break
        curvature_N = prob_N * (1 - prob_N)
        hessian_22 = (design_N2 * curvature_N[:, None]).T @ design_N2 / len(x_N)
        # equal logits leave the slope open
        direction_2 = np.linalg.lstsq(hessian_22, -gradient_2, rcond=None)[0]
        step, trial = 1.0, np.inf
        while trial > value and step > MIN_STEP:
            moved_2 = weight_2 + step * direction_2
            trial = _mean_loss(design_N2 @ moved_2, target_N)
            step /= 2
        if trial > value:
            break
        weight_2, value = moved_2, trial
    return float(weight_2[0]), float(weight_2[1])


def _mean_loss(logit_N: np.ndarray, target_N: np.ndarray) -> float:
    return float((np.logaddexp(0, logit_N) - target_N * logit_N).mean())


def _sigmoid(x_N: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0, -x_N))
