"""How well the scores of a model decide on A and on B, with intervals over groups.

Every number is ``dict(value, low, high)``, None where it is undefined. Shapes: N rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ocec.apis.drift_report_scores import NO_LABEL, ScoredRows
from ocec.functional.bootstrap import bootstrap_counts_interval, bootstrap_interval
from ocec.functional.classification import ConfusionCounts, confusion_counts, roc_auc
from ocec.functional.interval_difference import difference_interval
from ocec.functional.metric_interval import RATIOS, count_groups, metric_interval
from ocec.functional.paired_tests import wilson_interval
from ocec.functional.probability import CLOSED, OPEN
from ocec.functional.score_distances import margin_statistics
from ocec.functional.splits import split_by_group
from ocec.functional.thresholds import best_f1_threshold, sweep_thresholds

SHOWN = ('f1', 'precision', 'recall', 'accuracy')
NUM_FOLDS = 5
NUM_BINS = 25


def bounded(value: float, bounds: Sequence[float] = (math.nan, math.nan)) -> dict:
    """Return a number with its interval as JSON can hold it.

    Args:
        value: the number; NaN where it is undefined.
        bounds: low and high, perhaps more behind.

    Returns:
        ``value``, ``low`` and ``high``; None where there is none.
    """
    names = ('value', 'low', 'high')
    return {
        name: finite_or_none(x)
        for name, x in zip(names, (value, *bounds[:2]), strict=True)
    }


def finite_or_none(value: float) -> float | None:
    """Return a number as JSON can hold it.

    Args:
        value: any number.

    Returns:
        The same as a float; None unless it is finite.
    """
    return float(value) if math.isfinite(value) else None


def difference(first: dict, second: dict) -> dict:
    """Return ``first - second`` of independent samples with its interval.

    Args:
        first: of :func:`bounded`.
        second: of :func:`bounded`.

    Returns:
        The same form.
    """
    numbers = [
        [math.nan if x[name] is None else x[name] for name in ('value', 'low', 'high')]
        for x in (first, second)
    ]
    (one, *one_bounds), (other, *other_bounds) = numbers
    return bounded(
        one - other, difference_interval(one, one_bounds, other, other_bounds)
    )


def describe_scores(part: ScoredRows, threshold: float) -> dict:
    """Describe the scores of a set, without a look at labels.

    Args:
        part: the scored rows.
        threshold: P(open) from which an eye counts as open, in [0, 1].

    Returns:
        ``called_open``, share with its interval; ``confidence``, mean of
        max(P, 1 - P); ``near``, share of scores within 0.15 of the threshold;
        ``histogram`` with ``edges`` and counts of ``closed``, ``open``, ``no label``.
    """
    says_open_N = (part.prob_N >= threshold).astype(np.float64)
    interval = bootstrap_interval(np.mean, says_open_N, group_N=part.group_N)
    prob_N = part.prob_N.astype(np.float64)
    edges = np.linspace(0, 1, NUM_BINS + 1)
    codes = {'closed': CLOSED, 'open': OPEN, 'no label': NO_LABEL}
    return {
        'called_open': bounded(says_open_N.mean(), interval),
        'confidence': float(np.maximum(prob_N, 1 - prob_N).mean()),
        'near': float(margin_statistics(prob_N, threshold=threshold).hard_share),
        'histogram': {
            'edges': edges.tolist(),
            **{
                name: np.histogram(prob_N[part.label_N == code], edges)[0].tolist()
                for name, code in codes.items()
            },
        },
    }


def metrics_at(part: ScoredRows, threshold: float) -> dict:
    """Measure the decisions at one threshold.

    Args:
        part: labelled rows.
        threshold: P(open) from which an eye counts as open.

    Returns:
        ``threshold``, the four counts, ``open_share``, and ``f1``, ``precision``,
        ``recall``, ``accuracy`` and ``auc`` with 95 % intervals over groups.
    """
    scores = {
        'prob_B': part.prob_N,
        'label_B': part.label_N,
        'group_id_B': part.group_N,
    }
    counts = confusion_counts(part.prob_N, part.label_N, threshold=threshold)
    found = {
        'threshold': float(threshold),
        **counts._asdict(),
        'open_share': float((part.label_N == OPEN).mean()),
    }
    for name in SHOWN:
        interval = metric_interval(name, scores, threshold=threshold)
        bounds = allow_for_unseen(name, interval, part, found['open_share'])
        found[name] = bounded(RATIOS[name](counts), bounds)
    auc, interval = roc_auc(part.prob_N, part.label_N), metric_interval('auc', scores)
    bounds = allow_for_unseen('auc', interval, part, found['open_share'])
    return {**found, 'auc': bounded(auc, bounds)}


def allow_for_unseen(
    name: str, interval: Sequence[float], part: ScoredRows, open_share: float
) -> Sequence[float]:
    """Widen an interval that is 1 to 1: rows without an error resample to the same.

    As many errors count as possible as the Wilson interval of none in so many groups
    allows, all of the kind that costs most.

    Args:
        name: ``f1``, ``precision``, ``recall``, ``accuracy`` or ``auc``.
        interval: low and high from resampling.
        part: the rows.
        open_share: of open eyes among them, in [0, 1].

    Returns:
        Low and high: those given if low is below 1; NaN for an area of 1.
    """
    if interval[0] < 1 or math.isnan(interval[0]):
        return interval
    unseen = wilson_interval(0, count_groups(part.group_N))[1]
    if name == 'auc':
        return math.nan, math.nan
    if name == 'accuracy':
        return 1 - unseen, 1.0
    # what is 1 has open eyes: the share is not 0
    found = max(open_share - unseen, 0.0)
    low = {
        'f1': 2 * found / (found + open_share),
        'precision': open_share / (open_share + unseen),
        'recall': found / open_share,
    }[name]
    return low, 1.0


def f1_at_share(counts: ConfusionCounts, share: float) -> float:
    """Return the F1 that the same recall and false alarms give at another share.

    F1 of open rises with the share of open eyes, whatever the model does.

    Args:
        counts: of rows of both classes.
        share: of open eyes, in [0, 1].

    Returns:
        In [0, 1]; NaN without open or without closed rows.

    Example:
        >>> f1_at_share(ConfusionCounts(tp=8, fp=2, fn=2, tn=8), 0.5)
        0.8
    """
    num_open, num_closed = counts.tp + counts.fn, counts.fp + counts.tn
    if not num_open or not num_closed:
        return math.nan
    tp = share * counts.tp / num_open
    fp = (1 - share) * counts.fp / num_closed
    return 2 * tp / (tp + fp + share) if tp + fp + share else math.nan


def f1_of_other_share(part: ScoredRows, threshold: float, share: float) -> dict:
    """Measure :func:`f1_at_share` with its interval.

    Args:
        part: labelled rows.
        threshold: P(open) from which an eye counts as open.
        share: of open eyes in the other set.

    Returns:
        Of :func:`bounded`.
    """

    def ratio(counts: ConfusionCounts) -> float:
        return f1_at_share(counts, share)

    counts = confusion_counts(part.prob_N, part.label_N, threshold=threshold)
    interval = bootstrap_counts_interval(
        part.prob_N,
        part.label_N,
        ratio=ratio,
        threshold=threshold,
        group_N=part.group_N,
    )
    return bounded(ratio(counts), allow_for_unseen('f1', interval, part, share))


def own_threshold(part: ScoredRows, threshold: float, fold_N: np.ndarray) -> dict:
    """Say what a threshold that is chosen on B would change.

    Args:
        part: labelled rows of B, with both classes.
        threshold: that of A.
        fold_N: (N,) fold of each row, of :func:`group_folds`.

    Returns:
        ``best``, :func:`metrics_at` the threshold of the highest F1 on these very
        rows, which is too good; ``cross_fitted``, F1 where each fold is decided by
        the threshold chosen on the others; ``gain``, that less the F1 at A's
        threshold on the same rows; ``says_open_N``, (N,) bool, the decisions of
        ``cross_fitted``.
    """
    best = best_f1_threshold(sweep_thresholds(part.prob_N, part.label_N))
    says_open_N = np.zeros(len(fold_N), bool)
    for fold in np.unique(fold_N):
        held_N = fold_N == fold
        sweep = sweep_thresholds(part.prob_N[~held_N], part.label_N[~held_N])
        own = best_f1_threshold(sweep)
        # the other folds may lack a class
        own = threshold if math.isnan(own) else own
        says_open_N[held_N] = part.prob_N[held_N] >= own
    return {
        'best': metrics_at(part, best),
        'cross_fitted': decided_f1(part, says_open_N),
        'gain': f1_gain(part, says_open_N, part.prob_N >= threshold),
        'says_open_N': says_open_N,
    }


def decided_f1(part: ScoredRows, says_open_N: np.ndarray) -> dict:
    """Return the F1 of decisions with its interval over groups.

    Args:
        part: labelled rows.
        says_open_N: (N,) bool, which are called open.

    Returns:
        Of :func:`bounded`.
    """
    decision_N = says_open_N.astype(np.float64)
    interval = bootstrap_counts_interval(decision_N, part.label_N, group_N=part.group_N)
    share = float((part.label_N == OPEN).mean())
    bounds = allow_for_unseen('f1', interval, part, share)
    return bounded(_f1(says_open_N, part.label_N), bounds)


def f1_gain(part: ScoredRows, new_N: np.ndarray, old_N: np.ndarray) -> dict:
    """Return by how much F1 rises from old to new decisions on the same rows.

    Args:
        part: labelled rows.
        new_N: (N,) bool, which are called open.
        old_N: (N,) bool, which were.

    Returns:
        Of :func:`bounded`; whole groups are drawn for both at once.
    """

    def gain(new_M, old_M, label_M) -> float:
        return _f1(new_M, label_M) - _f1(old_M, label_M)

    arrays = new_N, old_N, part.label_N
    return bounded(
        gain(*arrays), bootstrap_interval(gain, *arrays, group_N=part.group_N)
    )


def group_folds(part: ScoredRows, *, seed: int) -> np.ndarray | None:
    """Deal whole groups of labelled rows into up to five folds.

    Args:
        part: labelled rows; one without a known group stands alone.
        seed: of the folds.

    Returns:
        (N,) number of the fold; None with fewer than two groups.
    """
    num_folds = min(NUM_FOLDS, count_groups(part.group_N))
    if num_folds < 2:
        return None
    ratios = {str(fold): 1 / num_folds for fold in range(num_folds)}
    return split_by_group(
        lone_groups(part.group_N), part.label_N, ratios=ratios, seed=seed
    ).astype(np.int64)


def lone_groups(group_N: np.ndarray) -> np.ndarray:
    """Give each row of no known group a group of its own.

    Args:
        group_N: (N,) codes; -1 is unknown.

    Returns:
        (N,) int64 codes >= 0.

    Example:
        >>> lone_groups(np.array([3, -1, 3, -1])).tolist()
        [3, 5, 3, 7]
    """
    alone_N = group_N.max(initial=-1) + 1 + np.arange(len(group_N))
    return np.where(group_N < 0, alone_N, group_N).astype(np.int64)


def _f1(says_open_N: np.ndarray, label_N: np.ndarray) -> float:
    is_open_N = label_N == OPEN
    return RATIOS['f1'](
        ConfusionCounts(
            tp=int((says_open_N & is_open_N).sum()),
            fp=int((says_open_N & ~is_open_N).sum()),
            fn=int((~says_open_N & is_open_N).sum()),
            tn=int((~says_open_N & ~is_open_N).sum()),
        )
    )
