"""All numbers that describe the scores of a split.

Shapes: N samples, D features.
"""

from __future__ import annotations

import numpy as np

from ocec.functional import classification, separation
from ocec.functional.calibration import (
    expected_calibration_error,
    fit_temperature,
    log_odds,
)
from ocec.functional.score_distances import (
    bayes_error,
    hellinger_distance,
    js_divergence,
    ks_distance,
    margin_statistics,
)
from ocec.functional.thresholds import (
    choose_thresholds,
    equal_error_rate,
    sweep_thresholds,
)

NUM_COMPONENTS = 5


def diagnostic_numbers(
    scores: dict[str, np.ndarray], *, threshold: float
) -> dict[str, float | None]:
    """Compute what describes a split.

    Args:
        scores: ``prob_B`` and ``label_B``, (N,) each, and ``loss_B``, (N,), and
            ``embedding_BD``, (N, D), where there are some: fields of
            :class:`ocec.structures.BatchScores`.
        threshold: P(open) from which a sample counts as open, in [0, 1].

    Returns:
        Name to number; NaN where a number has no value, as one that needs both
        classes; None for a threshold that no score reaches. Numbers of embeddings are
        there where embeddings are. ``threshold_*`` are chosen on these very samples:
        use them on others.
    """
    prob_N, label_N = scores['prob_B'], scores['label_B']
    counts = classification.confusion_counts(prob_N, label_N, threshold=threshold)
    margins = margin_statistics(prob_N, threshold=threshold)
    chosen = choose_thresholds(prob_N, label_N)
    return {
        'num_samples': len(prob_N),
        'threshold': threshold,
        **counts._asdict(),
        'accuracy': classification.accuracy(counts),
        'precision': classification.precision(counts),
        'recall': classification.recall(counts),
        'f1': classification.f1_score(counts),
        'auc': classification.roc_auc(prob_N, label_N),
        'ap': classification.average_precision(prob_N, label_N),
        **_mean_loss(scores),
        'eer': equal_error_rate(sweep_thresholds(prob_N, label_N)),
        'ks': ks_distance(prob_N, label_N),
        'hellinger': hellinger_distance(prob_N, label_N),
        'js': js_divergence(prob_N, label_N),
        'bayes_error': bayes_error(prob_N, label_N),
        'ece': expected_calibration_error(prob_N, label_N),
        'temperature': fit_temperature(log_odds(prob_N), label_N),
        **{f'margin_{name}': value for name, value in margins._asdict().items()},
        **{f'threshold_{name}': value for name, value in chosen.items()},
        **_separation(scores),
    }


def _mean_loss(scores: dict[str, np.ndarray]) -> dict[str, float]:
    if not len(scores.get('loss_B', ())):
        return {}
    return {'loss': float(scores['loss_B'].astype(np.float64).mean())}


def _separation(scores: dict[str, np.ndarray]) -> dict[str, float]:
    """Describe how the embeddings of the classes lie, where the model tells them."""
    if 'embedding_BD' not in scores:
        return {}
    pair = scores['embedding_BD'], scores['label_B']
    energy = separation.pca_energy(pair[0], num_components=NUM_COMPONENTS)
    return {
        'fisher': separation.fisher_ratio(*pair),
        'fisher_original': separation.fisher_ratio_original(*pair),
        'intra_class_distance': separation.intra_class_distance(*pair),
        'inter_class_distance': separation.inter_class_distance(*pair),
        'bhattacharyya': separation.bhattacharyya_distance(*pair),
        **{f'pca_energy_{k}': float(share) for k, share in enumerate(energy)},
    }
