"""Labels that are probably wrong. Shapes: N images, C = 2 classes (closed, open)."""

from typing import NamedTuple

import numpy as np

from ocec.functional.probability import CLOSED, OPEN
from ocec.functional.score_arrays import check_scores, has_both_classes


class LabelErrors(NamedTuple):
    """What confident learning says of the labels."""

    is_suspect_N: np.ndarray  # (N,) bool
    score_N: np.ndarray  # (N,) P(given label) in [0, 1]: low is suspicious
    threshold_C: np.ndarray  # (2,) mean P(class) of the images labelled so
    joint_CC: np.ndarray  # (2, 2) images by given (row) and true (column) label


def confident_learning(prob_open_N: np.ndarray, label_N: np.ndarray) -> LabelErrors:
    """Find labels that are probably wrong by confident learning.

    An image counts as truly of a class when its P(class) reaches the mean P(class) of
    the images labelled so; of two such classes the more probable. The counts, scaled
    to the given labels, tell how many labels of each class are wrong; that many are
    pruned, the ones whose other class leads most (prune by noise rate). An image
    whose given label is the more probable one is never suspect.

    The probabilities must be **out of sample**, from a model that did not see the
    image in training (validation, test, or out of fold): a model is sure of the wrong
    labels that it has learned by heart.

    Args:
        prob_open_N: (N,) P(open) in [0, 1], out of sample.
        label_N: (N,) given label, 1 open, 0 closed.

    Returns:
        Suspects, and P(given label) to order them by. When a class is missing nothing
        is suspect, thresholds and joint are NaN. An image with a NaN score is left
        out: never suspect, score NaN.

    Raises:
        ValueError: the shapes do not fit, or a score is out of range.

    Source:
        Northcutt, Jiang and Chuang, Confident Learning: Estimating Uncertainty in
        Dataset Labels, JAIR 70, 2021, Eq. 1 to 3 and section 4.2, arXiv:1911.00068.

    Example:
        >>> prob = np.array([0.9, 0.8, 0.1, 0.1, 0.2, 0.9])
        >>> confident_learning(prob, np.array([1, 1, 1, 0, 0, 0])).is_suspect_N
        array([False, False,  True, False, False,  True])
    """
    prob_N, is_open_N = check_scores(prob_open_N, label_N)
    given_N = np.where(is_open_N, OPEN, CLOSED)
    score_N = np.where(is_open_N, prob_N, 1 - prob_N)
    is_suspect_N = np.zeros(len(prob_N), dtype=bool)
    usable = np.flatnonzero(~np.isnan(prob_N))
    if not has_both_classes(is_open_N[usable]):
        return LabelErrors(
            is_suspect_N, score_N, np.full(2, np.nan), np.full((2, 2), np.nan)
        )
    given, score = given_N[usable], score_N[usable]
    threshold_C = np.array([_mean(score[given == c]) for c in (CLOSED, OPEN)])
    joint_CC = _estimate_joint(given, score, threshold_C)
    for label in (CLOSED, OPEN):
        # score is P(given): the lead of the other class is 1 - 2 * score
        members = usable[given == label]
        wrong = members[np.argsort(score_N[members], kind='stable')]
        wrong = wrong[: round(joint_CC[label, 1 - label])]
        is_suspect_N[wrong[score_N[wrong] < 0.5]] = True
    return LabelErrors(is_suspect_N, score_N, threshold_C, joint_CC)


def _mean(score: np.ndarray) -> float:
    # the rounded mean of equal scores must not lie above all of them
    return min(score.mean(), score.max())


def _estimate_joint(
    given: np.ndarray, score: np.ndarray, threshold_C: np.ndarray
) -> np.ndarray:
    """Count confident images and scale each row to the number of its labels."""
    own_is_likely = score >= threshold_C[given]
    other_is_likely = 1 - score >= threshold_C[1 - given]
    is_other = other_is_likely & (~own_is_likely | (score < 0.5))
    is_own = own_is_likely & ~is_other
    joint_CC = np.zeros((2, 2))
    for label in (CLOSED, OPEN):
        is_member = given == label
        own, other = is_own[is_member].sum(), is_other[is_member].sum()
        joint_CC[label, label] = is_member.sum() * own / (own + other)
        joint_CC[label, 1 - label] = is_member.sum() * other / (own + other)
    return joint_CC
