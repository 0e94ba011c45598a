"""The interval of a metric, by the metric's name. Shapes: N images."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ocec.functional.bootstrap import (
    Interval,
    bootstrap_auc_interval,
    bootstrap_counts_interval,
    bootstrap_interval,
)
from ocec.functional.classification import accuracy, f1_score, precision, recall
from ocec.functional.probability import DEFAULT_THRESHOLD

RATIOS = {
    'f1': f1_score,
    'precision': precision,
    'recall': recall,
    'accuracy': accuracy,
}
# below, an interval over groups is too narrow
FEW_GROUPS = 20
# groups times resamples: about a tenth of a second, which a run can spare now and then
MAX_DRAWS = 10_000_000
MOST_RESAMPLES, FEWEST_RESAMPLES = 1000, 100


def metric_interval(
    name: str,
    scores: Mapping[str, np.ndarray],
    *,
    threshold: float = DEFAULT_THRESHOLD,
) -> Interval | None:
    """Estimate how far a metric would move with other people.

    Args:
        name: of the metric, as ``eye/f1``; what follows the last slash decides.
        scores: (N,) arrays ``prob_B``, ``loss_B``, ``label_B`` and ``group_id_B``, as
            a metric keeps them.
        threshold: P(open) from which an eye counts as open.

    Returns:
        The 95 % interval over groups: 1000 resamples, fewer for more than 10,000
        groups; None for a metric that has no interval here.
    """
    group_N = scores['group_id_B']
    settings = {'group_N': group_N, 'num_resamples': _num_resamples(group_N)}
    name = name.rsplit('/', 1)[-1]
    if name in RATIOS:
        return bootstrap_counts_interval(
            scores['prob_B'],
            scores['label_B'],
            ratio=RATIOS[name],
            threshold=threshold,
            **settings,
        )
    if name == 'auc':
        return bootstrap_auc_interval(scores['prob_B'], scores['label_B'], **settings)
    if name == 'loss':
        return bootstrap_interval(np.mean, scores['loss_B'], **settings)
    return None


def _num_resamples(group_N: np.ndarray) -> int:
    num_groups = max(count_groups(group_N), 1)
    return int(np.clip(MAX_DRAWS // num_groups, FEWEST_RESAMPLES, MOST_RESAMPLES))


def count_groups(group_N: np.ndarray) -> int:
    """Count groups; a row of an unknown group, -1, is one of its own.

    Args:
        group_N: (N,) group of each row.

    Returns:
        Number of groups.

    Example:
        >>> count_groups(np.array([4, 4, 7, -1, -1]))
        4
    """
    is_known_N = group_N >= 0
    return len(np.unique(group_N[is_known_N])) + int((~is_known_N).sum())
