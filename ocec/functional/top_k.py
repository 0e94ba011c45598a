"""Numbers of a classifier of many classes. Shapes: N samples, C classes."""

from __future__ import annotations

import numpy as np


def label_rank(score_NC: np.ndarray, label_N: np.ndarray) -> np.ndarray:
    """Return on which place the true class comes.

    Of equal scores the lower class comes first, as ``argmax`` has it. A sample with a
    score that is NaN has its class on no place.

    Args:
        score_NC: (N, C) scores, any order-preserving scale.
        label_N: (N,) int, in [0, C).

    Returns:
        (N,) int64, 0 for the highest score; C where a score is NaN.

    Raises:
        ValueError: the shapes do not fit, or a label is no class.

    Example:
        >>> label_rank(np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]]), np.array([2, 1]))
        array([1, 1])
    """
    score_NC, label_N = np.asarray(score_NC), np.asarray(label_N)
    if score_NC.ndim != 2 or label_N.shape != score_NC.shape[:1]:
        raise ValueError(
            'scores must be (N, C) and labels (N,), got '
            f'{score_NC.shape} and {label_N.shape}'
        )
    num_classes = score_NC.shape[1]
    if len(label_N) and not 0 <= label_N.min() <= label_N.max() < num_classes:
        raise ValueError(
            f'labels must be in [0, {num_classes}), got {label_N.min()} to '
            f'{label_N.max()}'
        )
    true_N1 = np.take_along_axis(score_NC, label_N[:, None], axis=1)
    is_lower_NC = np.arange(num_classes) < label_N[:, None]
    is_ahead_NC = (score_NC > true_N1) | ((score_NC == true_N1) & is_lower_NC)
    rank_N = is_ahead_NC.sum(axis=1)
    return np.where(np.isnan(score_NC).any(axis=1), num_classes, rank_N)


def top_k_accuracy(rank_N: np.ndarray, k: int) -> float:
    """Return the share of samples whose true class is among the first k.

    Args:
        rank_N: (N,) what :func:`label_rank` returned.
        k: >= 1.

    Returns:
        In [0, 1]; NaN without samples.

    Raises:
        ValueError: ``k`` is below 1.
    """
    if k < 1:
        raise ValueError(f'k must be >= 1, got {k}')
    return float((rank_N < k).mean()) if len(rank_N) else float('nan')


def mean_class_accuracy(rank_N: np.ndarray, label_N: np.ndarray) -> float:
    """Return the mean over the classes of the share that is right.

    Args:
        rank_N: (N,) what :func:`label_rank` returned.
        label_N: (N,) int >= 0; classes without samples do not count.

    Returns:
        In [0, 1]; NaN without samples.

    Example:
        >>> mean_class_accuracy(np.array([0, 0, 1, 0]), np.array([0, 0, 0, 1]))
        0.8333333333333333
    """
    if not len(label_N):
        return float('nan')
    total_C = np.bincount(label_N)
    right_C = np.bincount(label_N[rank_N == 0], minlength=len(total_C))
    return float((right_C[total_C > 0] / total_C[total_C > 0]).mean())
