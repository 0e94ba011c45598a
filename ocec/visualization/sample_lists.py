"""Which samples to look at: hard ones, confident errors, wrong labels, outliers.

Shapes: N samples of the split, K samples of a list, D features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ocec.functional.label_errors import confident_learning
from ocec.functional.outliers import mahalanobis_outliers
from ocec.functional.probability import OPEN

# at a threshold of 0.5 this is 0.15 in probability
HARD_CONFIDENCE = 0.3
OUTLIER_QUANTILE = 0.999


@dataclass(frozen=True)
class SampleList:
    """Samples worth a look, the most important first.

    Args:
        name: key of the list, as ``hard_samples``.
        method: how they were found, in a sentence.
        index_K: (K,) int64, places in the arrays of the scores.
        value_K: (K,) float64, what they are sorted by.
        value_name: what ``value_K`` is, as ``confidence``.
        num_found: samples found, before the list was cut to its limit.
    """

    name: str
    method: str
    index_K: np.ndarray
    value_K: np.ndarray
    value_name: str
    num_found: int


def sample_lists(
    scores: dict[str, np.ndarray], *, threshold: float, limit: int = 200
) -> dict[str, SampleList]:
    """Find the samples of a split that are worth a look.

    Args:
        scores: ``prob_B`` and ``label_B``, (N,) each, and ``embedding_BD``, (N, D),
            where the model tells it: fields of
            :class:`ocec.structures.BatchScores`. The model must not have been trained
            on these samples: it knows the labels of its training data by heart.
        threshold: P(open) from which a sample counts as open, in [0, 1].
        limit: samples of each list at most, > 0; of the confident errors as many
            false alarms and as many missed ones.

    Returns:
        The lists by name: ``hard_samples``, ``confident_errors`` (false alarms first),
        ``probable_label_errors``, ``outliers``. A list without samples is there, too.

    Raises:
        ValueError: an argument is out of range.
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f'threshold must be in [0, 1], got {threshold}')
    if limit <= 0:
        raise ValueError(f'limit must be > 0, got {limit}')
    # compared with the threshold in their own type, as the metrics do
    prob_N, label_N = np.asarray(scores['prob_B']), np.asarray(scores['label_B'])
    found = (
        _hard_samples(prob_N, threshold, limit),
        _confident_errors(prob_N, label_N, threshold, limit),
        _probable_label_errors(prob_N, label_N, limit),
        _outliers(scores.get('embedding_BD'), label_N, limit),
    )
    return {samples.name: samples for samples in found}


def decision_confidence(prob_N: np.ndarray, threshold: float) -> np.ndarray:
    """Return how far P(open) lies on its way from the threshold to 0 or 1.

    Args:
        prob_N: (N,) P(open) in [0, 1].
        threshold: in [0, 1].

    Returns:
        (N,) float64 in [0, 1]; ``2 * |P - 0.5|`` for a threshold of 0.5.

    Example:
        >>> decision_confidence(np.array([1.0, 0.75, 0.5]), 0.5)
        array([1. , 0.5, 0. ])
    """
    way_N = np.where(prob_N >= threshold, 1 - threshold, threshold)
    distance_N = np.abs(np.asarray(prob_N, np.float64) - threshold)
    confidence_N = np.zeros_like(distance_N)
    return np.divide(distance_N, way_N, out=confidence_N, where=way_N > 0)


def _hard_samples(prob_N, threshold: float, limit: int) -> SampleList:
    confidence_N = decision_confidence(prob_N, threshold)
    index_K = np.flatnonzero(confidence_N < HARD_CONFIDENCE)
    index_K = index_K[np.argsort(confidence_N[index_K], kind='stable')]
    return SampleList(
        'hard_samples',
        f'less than {HARD_CONFIDENCE:.0%} of the way from the threshold '
        f'{threshold:.3g} to 0 or 1; nearest first',
        index_K[:limit],
        confidence_N[index_K[:limit]],
        'confidence',
        len(index_K),
    )


def _confident_errors(prob_N, label_N, threshold: float, limit: int) -> SampleList:
    confidence_N = decision_confidence(prob_N, threshold)
    said_open_N, is_open_N = prob_N >= threshold, label_N == OPEN
    sure_N = confidence_N >= HARD_CONFIDENCE
    kinds, num_found = [], 0
    for is_kind_N in (said_open_N & ~is_open_N, ~said_open_N & is_open_N):
        index_K = np.flatnonzero(is_kind_N & sure_N)
        order = np.argsort(-confidence_N[index_K], kind='stable')
        kinds.append(index_K[order][:limit])
        num_found += len(index_K)
    index_K = np.concatenate(kinds)
    return SampleList(
        'confident_errors',
        f'on the wrong side of the threshold {threshold:.3g}, by '
        f'{HARD_CONFIDENCE:.0%} or more of the way to 0 or 1; false alarms (label 0 '
        'called 1) first, surest first',
        index_K,
        confidence_N[index_K],
        'confidence',
        num_found,
    )


def _probable_label_errors(prob_N, label_N, limit: int) -> SampleList:
    errors = confident_learning(prob_N, label_N)
    index_K = np.flatnonzero(errors.is_suspect_N)
    index_K = index_K[np.argsort(errors.score_N[index_K], kind='stable')]
    return SampleList(
        'probable_label_errors',
        'confident learning, prune by noise rate (Northcutt et al., 2021), on scores '
        'of a model that was not trained on these samples; least P(label) first',
        index_K[:limit],
        errors.score_N[index_K[:limit]].astype(np.float64),
        'prob_of_label',
        len(index_K),
    )


def _outliers(embedding_ND, label_N, limit: int) -> SampleList:
    if embedding_ND is None:
        method = 'none looked for: the model tells no embeddings'
        nothing = np.empty(0, np.int64), np.empty(0)
        return SampleList('outliers', method, *nothing, 'squared_distance', 0)
    outliers = mahalanobis_outliers(embedding_ND, label_N, quantile=OUTLIER_QUANTILE)
    index_K = np.flatnonzero(outliers.is_outlier_N)
    distance_K = np.asarray(outliers.distance_N, np.float64)[index_K]
    order = np.argsort(-distance_K, kind='stable')[:limit]
    return SampleList(
        'outliers',
        'squared Mahalanobis distance of the embedding from its own class above the '
        f'{OUTLIER_QUANTILE:g} quantile of chi-square; farthest first',
        index_K[order],
        distance_K[order],
        'squared_distance',
        len(index_K),
    )
