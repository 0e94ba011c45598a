"""Whether P(open) of a model of A means on B what it says.

Shapes: N rows, K bins.
"""

from __future__ import annotations

import math

import numpy as np

from ocec.apis.drift_report_metrics import bounded, finite_or_none
from ocec.apis.drift_report_scores import ScoredRows
from ocec.functional.bootstrap import bootstrap_interval
from ocec.functional.calibration import (
    expected_calibration_error,
    log_odds,
    reliability,
)
from ocec.functional.platt import PlattScaling, apply_platt, cross_entropy, fit_platt

# each resample goes through all scores
NUM_RESAMPLES = 500


def calibrate(
    part: ScoredRows, fold_N: np.ndarray | None, *, other: PlattScaling | None = None
) -> dict:
    """Measure the calibration of a set, as it is and mended.

    Args:
        part: labelled rows.
        fold_N: (N,) fold of each row, whole groups together; None leaves the mending
            out, which could only be measured on the rows it was fitted on.
        other: temperature and bias that were fitted on another set.

    Returns:
        ``mean_prob`` and ``open_share``; ``reliability``, the bins; ``fitted`` with
        ``temperature`` and ``bias`` of all rows; and ``ece`` and ``loss`` (mean
        cross-entropy, nats) of ``raw``, of ``other`` and of ``cross_fitted`` scores,
        where each fold is mended by what was fitted on the others; ``gain``, by how
        much that lowers the loss, with its interval over groups.
    """
    logit_N, label_N = log_odds(part.prob_N), part.label_N
    bins = reliability(part.prob_N, label_N)
    raw_N = cross_entropy(part.prob_N, label_N)
    fitted = fit_platt(logit_N, label_N)
    found = {
        'mean_prob': float(part.prob_N.astype(np.float64).mean()),
        'open_share': float((label_N == 1).mean()),
        'reliability': {
            'edges': bins.edges.tolist(),
            'count': bins.count.tolist(),
            'mean_prob': _plain(bins.mean_prob),
            'open_share': _plain(bins.open_share),
        },
        'fitted': {
            'temperature': finite_or_none(fitted.temperature),
            'bias': finite_or_none(fitted.bias),
            'slope': finite_or_none(fitted.slope),
        },
        'raw': _quality(part, part.prob_N.astype(np.float64)),
        'other': None,
        'cross_fitted': None,
        'gain': None,
    }
    if other is not None and math.isfinite(other.slope):
        found['other'] = _quality(part, apply_platt(logit_N, other))
    if fold_N is not None:
        mended_N = _cross_fitted(logit_N, label_N, fold_N)
        gain_N = raw_N - cross_entropy(mended_N, label_N)
        interval = bootstrap_interval(
            np.mean, gain_N, group_N=part.group_N, num_resamples=NUM_RESAMPLES
        )
        found['cross_fitted'] = _quality(part, mended_N)
        found['gain'] = bounded(gain_N.mean(), interval)
    return found


def fit_set(part: ScoredRows) -> PlattScaling:
    """Fit temperature and bias on all rows of a set.

    Args:
        part: labelled rows.

    Returns:
        The scaling; NaN where a class is missing.
    """
    return fit_platt(log_odds(part.prob_N), part.label_N)


def _cross_fitted(logit_N, label_N, fold_N) -> np.ndarray:
    mended_N = np.empty(len(fold_N))
    for fold in np.unique(fold_N):
        held_N = fold_N == fold
        scaling = fit_platt(logit_N[~held_N], label_N[~held_N])
        if math.isnan(scaling.slope):  # the other folds lack a class
            scaling = PlattScaling(1.0, 0.0)
        mended_N[held_N] = apply_platt(logit_N[held_N], scaling)
    return mended_N


def _quality(part: ScoredRows, prob_N: np.ndarray) -> dict:
    return {
        'ece': expected_calibration_error(prob_N, part.label_N),
        'loss': float(cross_entropy(prob_N, part.label_N).mean()),
    }


def _plain(values_K: np.ndarray) -> list[float | None]:
    return [finite_or_none(value) for value in values_K.tolist()]
