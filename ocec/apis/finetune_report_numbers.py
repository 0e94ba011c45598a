"""The numbers of a fine-tune report: means over seeds, intervals, differences.

Shapes: N images of a side, S seeds of a method.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ocec.apis.finetune_report_runs import SCRATCH, ZERO_SHOT, ReportRun
from ocec.apis.finetune_report_scores import RunScores, Side
from ocec.functional.probability import DEFAULT_THRESHOLD
from ocec.functional.weighted_bootstrap import (
    bootstrap_weights_interval,
    weighted_metric,
)
from ocec.visualization.run_groups import mean_and_spread

# metric, and whether it is taken at 0.5 instead of the own threshold
METRICS = {
    'f1': ('f1', False),
    'auc': ('auc', False),
    'accuracy': ('accuracy', False),
    'f1_at_half': ('f1', True),
    'accuracy_at_half': ('accuracy', True),
}
REFERENCES = (SCRATCH, ZERO_SHOT)
# a mean that moves less than twice its error over seeds may be luck
SEED_ERRORS = 2.0


@dataclass(frozen=True)
class Value:
    """A metric of a method.

    Args:
        mean: over seeds; None where it is undefined.
        sd: over seeds, S - 1 in the denominator; None for one seed.
        low: of the 95 % interval of the mean over groups; None without one.
        high: of that interval.
        seeds: the value of each seed.
    """

    mean: float | None
    sd: float | None
    low: float | None
    high: float | None
    seeds: tuple[float | None, ...]


@dataclass(frozen=True)
class Difference:
    """F1 of a method minus that of a reference on the same images.

    Args:
        value: of the means over seeds.
        low: of the 95 % interval over groups, both scored on the same draw; None
            without one.
        high: of that interval.
        seed_error: standard error of the difference over seeds; None where neither has
            several.
        verdict: ``higher``, ``lower`` or ``not told apart``.
        reason: of the latter, in words.
    """

    value: float
    low: float | None
    high: float | None
    seed_error: float | None
    verdict: str
    reason: str = ''


@dataclass
class MethodRow:
    """A line of the table.

    Args:
        name: of the method.
        num_seeds: of its runs.
        seeds: those that are recorded.
        checkpoints: that were scored.
        sides: ``A`` and ``B`` to metric to value.
        thresholds: ``A`` and ``B`` to the threshold of each run.
        origins: ``A`` and ``B`` to where those are from.
        differences: reference to ``A`` and ``B`` to the difference of F1.
        minutes: mean of the runs; None where not logged, as the following.
        epochs: mean.
        images_seen: mean.
        best_epoch: of each run.
    """

    name: str
    num_seeds: int
    seeds: list[int]
    checkpoints: list[str]
    sides: dict[str, dict[str, Value]]
    thresholds: dict[str, list[float]]
    origins: dict[str, list[str]]
    differences: dict[str, dict[str, Difference]] = field(default_factory=dict)
    minutes: float | None = None
    epochs: float | None = None
    images_seen: float | None = None
    best_epoch: list[int | None] = field(default_factory=list)


def build_rows(
    methods: Mapping[str, Sequence[ReportRun]], sides: Mapping[str, Side]
) -> list[MethodRow]:
    """Work out the table.

    Args:
        methods: name to its runs.
        sides: ``A`` and ``B`` to what they say.

    Returns:
        A row for each method, in the order given.
    """
    rows = []
    for name, runs in methods.items():
        row = MethodRow(
            name=name,
            num_seeds=len(runs),
            seeds=[run.seed for run in runs if run.seed is not None],
            checkpoints=[str(run.checkpoint) for run in runs],
            sides={at: measure_method(side, name) for at, side in sides.items()},
            thresholds={
                at: [found.threshold for found in side.scores[name]]
                for at, side in sides.items()
            },
            origins={
                at: list(dict.fromkeys(found.origin for found in side.scores[name]))
                for at, side in sides.items()
            },
            best_epoch=[run.best_epoch for run in runs],
        )
        # the start was not trained for B: its minutes are no price of zero-shot
        if name != ZERO_SHOT:
            for key in ('minutes', 'epochs', 'images_seen'):
                found = mean_and_spread([getattr(run, key) for run in runs])
                setattr(row, key, found[0])
        for reference in REFERENCES:
            if reference != name and reference in methods:
                row.differences[reference] = {
                    at: compare_methods(side, name, reference)
                    for at, side in sides.items()
                }
        rows.append(row)
    return rows


def measure_method(side: Side, name: str) -> dict[str, Value]:
    """Measure a method on one side.

    Args:
        side: the data and the scores.
        name: of the method.

    Returns:
        Key of ``METRICS`` to value.
    """
    found = {}
    weight_N = np.ones(len(side.label_N))
    for key in METRICS:
        metrics = _metrics_of(side, side.scores[name], key)
        values = [_known(metric(weight_N)) for metric in metrics]
        mean, sd = mean_and_spread(values)
        # an area without one of the classes is undefined for every seed
        interval = (math.nan, math.nan)
        if mean is not None:
            interval = bootstrap_weights_interval(_mean_of(metrics), side.group_N)
        found[key] = Value(mean, sd, *map(_known, interval[:2]), tuple(values))
    return found


def compare_methods(side: Side, name: str, reference: str) -> Difference:
    """Compare the F1 of two methods, each at its own thresholds.

    Args:
        side: the data and the scores.
        name: of the method.
        reference: name of the other.

    Returns:
        ``higher`` or ``lower`` where the interval over groups leaves 0 out and the
        difference is above twice its standard error over seeds, as far as either is
        known.
    """
    first, second = (
        _metrics_of(side, side.scores[each], 'f1') for each in (name, reference)
    )
    mean, other = _mean_of(first), _mean_of(second)

    def difference(weight_N: np.ndarray) -> float:
        return mean(weight_N) - other(weight_N)

    weight_N = np.ones(len(side.label_N))
    value = difference(weight_N)
    interval = bootstrap_weights_interval(difference, side.group_N)
    low, high = map(_known, interval[:2])
    error = _seed_error([[m(weight_N) for m in found] for found in (first, second)])
    reason = _doubt(value, low, high, error)
    verdict = 'not told apart' if reason else 'higher' if value > 0 else 'lower'
    return Difference(value, low, high, error, verdict, reason)


def _metrics_of(side: Side, scores: Sequence[RunScores], key: str) -> list[Callable]:
    name, at_half = METRICS[key]
    return [
        weighted_metric(
            name,
            found.prob_N,
            side.label_N,
            threshold=DEFAULT_THRESHOLD if at_half else found.threshold,
        )
        for found in scores
    ]


def _mean_of(metrics: Sequence[Callable]) -> Callable[[np.ndarray], float]:
    return lambda weight_N: math.fsum(m(weight_N) for m in metrics) / len(metrics)


def _doubt(
    value: float, low: float | None, high: float | None, error: float | None
) -> str:
    """Say why a difference is not told apart from 0; empty where it is."""
    if low is None:
        return 'fewer than two groups give no interval'
    if low <= 0 <= high:
        return 'the interval holds 0'
    if error is not None and abs(value) <= SEED_ERRORS * error:
        return 'seeds differ too much'
    return ''


def _seed_error(values: Sequence[Sequence[float]]) -> float | None:
    """Return the standard error of a difference of means; one seed adds none."""
    errors = [np.var(found, ddof=1) / len(found) for found in values if len(found) > 1]
    return math.sqrt(sum(errors)) if errors else None


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
