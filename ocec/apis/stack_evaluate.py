"""Honest numbers of combiners: out of fold, on an untouched test, and the gap.

Shapes: N rows, M members.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from ocec.apis.errors import ConfigError
from ocec.apis.stack_config import BASELINE
from ocec.functional import classification
from ocec.functional.bootstrap import bootstrap_counts_interval
from ocec.functional.paired_tests import mcnemar_exact, wilson_interval
from ocec.stacking import (
    BaseScores,
    Combiner,
    assign_folds,
    build_combiner,
    out_of_fold,
)
from ocec.stacking.base_scores import accuracy_of, check_for_fitting
from ocec.stacking.folds import units_of

LEVEL = 0.95


@dataclass(frozen=True)
class SplitNumbers:
    """What a score is worth on one split.

    Args:
        accuracy: share of right decisions at 0.5.
        low: lower end of its 95 % interval.
        high: upper end.
        f1: of label 1.
        auc: area under the ROC curve.
        log_loss: in nats.
        gain: accuracy minus that of the plain mean.
        gain_low: lower end of its 95 % interval.
        gain_high: upper end.
        p_value: of McNemar's test against the plain mean.
        better: rows that only this one gets right.
        worse: rows that only the mean gets right.
    """

    accuracy: float
    low: float
    high: float
    f1: float
    auc: float
    log_loss: float
    gain: float
    gain_low: float
    gain_high: float
    p_value: float
    better: int
    worse: int


@dataclass(frozen=True)
class MethodNumbers:
    """What a combiner or a single member is worth.

    Args:
        stack: on the stack rows, out of fold for a combiner.
        test: on the untouched test rows; None without any.
        fold_accuracies: out of fold, by fold; empty for a member, which learns nothing
            from these rows.
        in_sample: accuracy of the final combiner on the rows it was fitted on, which
            says nothing about new rows; None for a member.
    """

    stack: SplitNumbers
    test: SplitNumbers | None
    fold_accuracies: tuple[float, ...] = ()
    in_sample: float | None = None

    @property
    def overfit_gap(self) -> float | None:
        """In-sample minus out-of-fold accuracy."""
        return None if self.in_sample is None else self.in_sample - self.stack.accuracy


@dataclass(frozen=True)
class Evaluation:
    """All numbers of a stacking.

    Args:
        methods: of the combiners, by name.
        members: of the single members, by name.
        combiners: fitted on all stack rows, by name.
        fold_N: (N,) fold of each stack row.
        out_of_fold: (N,) scores of the stack rows, by combiner.
        interval: how the intervals are made.
    """

    methods: dict[str, MethodNumbers]
    members: dict[str, MethodNumbers]
    combiners: dict[str, Combiner]
    fold_N: np.ndarray
    out_of_fold: dict[str, np.ndarray]
    interval: dict[str, str]


def evaluate(
    stack: BaseScores,
    test: BaseScores | None,
    meta: Mapping[str, dict],
    *,
    folds: int,
    seed: int,
) -> Evaluation:
    """Cross-validate combiners, fit them on all rows, judge them on the test rows.

    Args:
        stack: scores of the rows to learn from.
        test: scores of rows that nothing was learned from or chosen by; or None.
        meta: settings of the combiners by name; :data:`BASELINE` is among them.
        folds: >= 2.
        seed: of folds and combiners.

    Returns:
        The numbers and the fitted combiners.

    Raises:
        ConfigError: the rows do not suffice: a class is absent, there are fewer groups
            than folds, or a member gives every row one score.
    """
    try:
        check_for_fitting(stack)
        fold_N = assign_folds(stack.label_N, stack.group_N, num_folds=folds, seed=seed)
    except ValueError as error:
        raise ConfigError(f'stack: {error}') from error
    if test is not None and not np.isin(test.label_N, (0, 1)).all():
        raise ConfigError('test: there are rows without a label, so none can be judged')
    combiners, oof, in_sample, on_test = {}, {}, {}, {}
    for name, settings in meta.items():
        make = partial(build_combiner, settings, seed=seed)
        try:
            oof[name] = out_of_fold(make, stack, fold_N)
            combiners[name] = make()
            combiners[name].fit(stack)
        except ValueError as error:
            raise ConfigError(f'meta {name!r}: {error}') from error
        in_sample[name] = accuracy_of(combiners[name].predict(stack), stack.label_N)
        if test is not None:
            on_test[name] = combiners[name].predict(test)
    methods = {
        name: MethodNumbers(
            stack=judge(oof[name], oof[BASELINE], stack),
            test=None
            if test is None
            else judge(on_test[name], on_test[BASELINE], test),
            fold_accuracies=_by_fold(oof[name], stack.label_N, fold_N),
            in_sample=in_sample[name],
        )
        for name in meta
    }
    members = {
        name: MethodNumbers(
            stack=judge(stack.prob_NM[:, index], oof[BASELINE], stack),
            test=None
            if test is None
            else judge(test.prob_NM[:, index], on_test[BASELINE], test),
        )
        for index, name in enumerate(stack.names)
    }
    splits = {'stack': stack} | ({} if test is None else {'test': test})
    interval = {role: _describe_interval(scores) for role, scores in splits.items()}
    return Evaluation(methods, members, combiners, fold_N, oof, interval)


def judge(
    prob_N: np.ndarray, baseline_N: np.ndarray, scores: BaseScores
) -> SplitNumbers:
    """Measure a score and compare it with the plain mean.

    Args:
        prob_N: (N,) P(label 1).
        baseline_N: (N,) that of the plain mean.
        scores: labels and groups of the rows.

    Returns:
        The numbers. Intervals are those of a bootstrap of whole groups; where every
        row stands alone, Wilson's for the accuracy, and of a bootstrap of rows for
        the difference.
    """
    label_N, group_N = scores.label_N, scores.group_N
    right_N = (prob_N >= 0.5) == (label_N == 1)
    baseline_right_N = (baseline_N >= 0.5) == (label_N == 1)
    counts = classification.confusion_counts(prob_N, label_N)
    if _stands_alone(group_N):
        low, high = wilson_interval(int(right_N.sum()), len(right_N), LEVEL)
    else:
        low, high, *_ = bootstrap_counts_interval(
            prob_N,
            label_N,
            ratio=classification.accuracy,
            group_N=group_N,
            level=LEVEL,
        )
    gain_low, gain_high = _gain_interval(right_N, baseline_right_N, group_N)
    p_value, worse, better = mcnemar_exact(right_N, baseline_right_N)
    likely_N = np.where(label_N == 1, prob_N, 1 - prob_N)
    return SplitNumbers(
        accuracy=classification.accuracy(counts),
        low=low,
        high=high,
        f1=classification.f1_score(counts),
        auc=classification.roc_auc(prob_N, label_N),
        log_loss=float(-np.log(np.maximum(likely_N, 1e-12)).mean()),
        gain=(better - worse) / len(right_N),
        gain_low=gain_low,
        gain_high=gain_high,
        p_value=p_value,
        better=better,
        worse=worse,
    )


def _gain_interval(right_N, baseline_right_N, group_N) -> tuple[float, float]:
    """Interval of the difference of two accuracies on the same rows."""
    # rows on which they differ count as "said 1", and as right if this one is: then
    # (tp - fp) / N is the difference, and counting by group is fast
    low, high, *_ = bootstrap_counts_interval(
        (right_N != baseline_right_N).astype(np.float64),
        right_N.astype(np.int64),
        ratio=lambda counts: (counts.tp - counts.fp) / sum(counts),
        group_N=group_N,
        level=LEVEL,
    )
    return low, high


def _stands_alone(group_N: np.ndarray) -> bool:
    return len(np.unique(units_of(group_N))) == len(group_N)


def _describe_interval(scores: BaseScores) -> str:
    if _stands_alone(scores.group_N):
        return f'Wilson, {len(scores):,} rows that stand alone'
    num_groups = len(np.unique(units_of(scores.group_N)))
    return f'bootstrap of {num_groups:,} groups'


def _by_fold(prob_N, label_N, fold_N) -> tuple[float, ...]:
    return tuple(
        accuracy_of(prob_N[fold_N == fold], label_N[fold_N == fold])
        for fold in np.unique(fold_N)
    )
