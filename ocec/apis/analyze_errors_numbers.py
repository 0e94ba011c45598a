"""The numbers of an error analysis: metrics with intervals, tables of errors.

Shapes: N samples of the split.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ocec.functional.bootstrap import bootstrap_counts_interval, bootstrap_interval
from ocec.functional.calibration import expected_calibration_error
from ocec.functional.classification import ConfusionCounts, average_precision
from ocec.functional.metric_interval import metric_interval
from ocec.functional.probability import OPEN

RIGHT, FALSE_ALARM, MISSED = 'right', 'false alarm', 'missed'
DECISIONS = (RIGHT, FALSE_ALARM, MISSED)
# these go through all scores for each resample
SLOW = {'ap': average_precision, 'ece': expected_calibration_error}
NUM_SLOW_RESAMPLES = 200


@dataclass(frozen=True)
class Metric:
    """One line of the summary.

    Args:
        name: as ``recall``.
        value: NaN where it is undefined.
        low: of the 95 % interval, NaN where there is none.
        high: of the 95 % interval.
        meaning: what it is, in a few words.
    """

    name: str
    value: float
    low: float = math.nan
    high: float = math.nan
    meaning: str = ''


@dataclass(frozen=True)
class ErrorRow:
    """Errors among samples that have something in common.

    Args:
        value: what they have in common, as the name of their group.
        num: samples.
        num_open: samples with label 1.
        false_alarms: of label 0 and called 1.
        missed: of label 1 and called 0.
    """

    value: str
    num: int
    num_open: int
    false_alarms: int
    missed: int

    @property
    def error_rate(self) -> float:
        """Share of the samples that are called wrong, in [0, 1]."""
        return (self.false_alarms + self.missed) / self.num


def false_alarm_rate(counts: ConfusionCounts) -> float:
    """Share of closed eyes that are called open.

    Args:
        counts: of all samples.

    Returns:
        In [0, 1]; NaN without closed eyes.

    Example:
        >>> false_alarm_rate(ConfusionCounts(tp=0, fp=1, fn=0, tn=3))
        0.25
    """
    num_closed = counts.fp + counts.tn
    return counts.fp / num_closed if num_closed else math.nan


METRICS = {
    'f1': ('F1', 'harmonic mean of precision and recall'),
    'precision': ('precision', 'right among those called {1}'),
    'recall': ('recall', 'found among the {1}'),
    'false_alarm_rate': ('false-alarm rate', '{0} called {1}, of all {0}'),
    'accuracy': ('accuracy', 'right decisions'),
    'auc': ('ROC AUC', 'pairs of {1} and {0} in the right order'),
    'ap': ('average precision', 'area under precision over recall'),
    'eer': ('equal error rate', 'where both error rates are the same'),
    'ece': ('calibration error', 'ECE of 10 bins; 0 is best'),
    'loss': ('loss', 'mean, in nats'),
    'fisher': ('Fisher ratio', 'of the embeddings'),
}


def summarize(
    scores: dict[str, np.ndarray],
    numbers: dict[str, float | None],
    *,
    class_names: Sequence[str] = ('closed', 'open'),
) -> list[Metric]:
    """Choose the metrics of the summary and add 95 % bootstrap intervals.

    Whole groups are drawn, where they are known: images of one person are alike.

    Args:
        scores: fields of :class:`ocec.structures.BatchScores` as arrays.
        numbers: of :func:`ocec.apis.diagnose_numbers.diagnostic_numbers`.
        class_names: name of label 0 and of label 1.

    Returns:
        The metrics in the order of the page.
    """
    counts = ConfusionCounts(*(numbers[name] for name in ConfusionCounts._fields))
    numbers = {**numbers, 'false_alarm_rate': false_alarm_rate(counts)}
    metrics = []
    for key, (name, meaning) in METRICS.items():
        if key in numbers:
            interval = _interval(key, scores, numbers['threshold'])
            bounds = (math.nan, math.nan) if interval is None else interval[:2]
            metrics.append(
                Metric(name, numbers[key], *bounds, meaning.format(*class_names))
            )
    return metrics


def _interval(key: str, scores: dict[str, np.ndarray], threshold: float):
    data, groups = (scores['prob_B'], scores['label_B']), scores['group_id_B']
    if key == 'false_alarm_rate':
        return bootstrap_counts_interval(
            *data, ratio=false_alarm_rate, threshold=threshold, group_N=groups
        )
    if key in SLOW:
        return bootstrap_interval(
            SLOW[key], *data, group_N=groups, num_resamples=NUM_SLOW_RESAMPLES
        )
    return metric_interval(key, scores, threshold=threshold)


def decisions(
    prob_N: np.ndarray, label_N: np.ndarray, *, threshold: float
) -> np.ndarray:
    """Say of each sample whether it was called right.

    Args:
        prob_N: (N,) P(open) in [0, 1].
        label_N: (N,) 1 open, 0 closed.
        threshold: P(open) from which a sample counts as open.

    Returns:
        (N,) indices into ``DECISIONS``.
    """
    said_open_N, is_open_N = prob_N >= threshold, label_N == OPEN
    codes = np.zeros(len(prob_N), np.int64)
    codes[said_open_N & ~is_open_N] = DECISIONS.index(FALSE_ALARM)
    codes[~said_open_N & is_open_N] = DECISIONS.index(MISSED)
    return codes


def error_table(
    values: Sequence[str], label_N: np.ndarray, decision_N: np.ndarray
) -> list[ErrorRow]:
    """Count the errors of each value of a column.

    Args:
        values: N texts, as the group of each sample.
        label_N: (N,) 1 open, 0 closed.
        decision_N: (N,) indices into ``DECISIONS``.

    Returns:
        One row for each value, most errors first, then the highest share of them.
    """
    names, code_N = np.unique(np.asarray(values, str), return_inverse=True)

    def count(is_it_N: np.ndarray) -> list[int]:
        return np.bincount(code_N[is_it_N], minlength=len(names)).tolist()

    rows = [
        ErrorRow(*row)
        for row in zip(
            names.tolist(),
            count(np.ones(len(code_N), bool)),
            count(label_N == OPEN),
            count(decision_N == DECISIONS.index(FALSE_ALARM)),
            count(decision_N == DECISIONS.index(MISSED)),
            strict=True,
        )
    ]
    return sorted(rows, key=lambda r: (-r.false_alarms - r.missed, -r.error_rate))
