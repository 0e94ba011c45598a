"""What a sweep has found: rows, means over repeats, comparisons, tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ocec.apis.sweep_config import Objective, SweepConfig
from ocec.search import Board
from ocec.search.board import ERROR, FOLDER, INTERRUPTED, LABELS
from ocec.search.repeats import (
    MeanInterval,
    PairedComparison,
    compare_paired,
    mean_interval,
    overlap_of_folds,
)

MAX_ROWS = 20
STATES = ('done', 'pruned', 'failed', 'running', 'interrupted')


@dataclass
class TrialRow:
    """One trial.

    Args:
        number: of the trial.
        state: one of ``STATES``.
        objectives: metric to value; empty unless done.
        params: key to value.
        variant: name of the config; empty without variants.
        seed: of the training; None for that of the config, or of several.
        fold: of the cross-validation; None for the split of the data.
        runs: of a trial with several trainings: metrics of each.
        epoch: whose metrics these are; None with several trainings.
        minutes: of all its trainings.
        folder: name of its folder.
        host: that trained it last.
        error: why it failed.
    """

    number: int
    state: str
    objectives: dict[str, float] = field(default_factory=dict)
    params: dict = field(default_factory=dict)
    variant: str = ''
    seed: int | None = None
    fold: int | None = None
    runs: list[dict] = field(default_factory=list)
    epoch: int | None = None
    minutes: float | None = None
    folder: str = ''
    host: str = ''
    error: str = ''


@dataclass
class Group:
    """Trainings of one config over seeds and folds.

    Args:
        name: of the variant, or what was varied.
        means: metric to its mean with interval.
        numbers: of its trials.
    """

    name: str
    means: dict[str, MeanInterval]
    numbers: list[int]


@dataclass
class Pair:
    """Two variants over the same seeds and folds.

    Args:
        first: name of the one that the other is compared with.
        second: name of the other.
        metric: that is compared.
        found: the comparison; differences are second less first.
        verdict: in words.
    """

    first: str
    second: str
    metric: str
    found: PairedComparison
    verdict: str


@dataclass
class SweepResults:
    """All that is shown of a sweep.

    Args:
        rows: trials, in the order of their numbers.
        objectives: those of the sweep.
        counts: of :meth:`ocec.search.Board.count`.
        best: numbers of the best trial, or of the Pareto front; empty before. Of a grid
            over seeds or folds the first trial of each config whose means are best.
        groups: of repeated configs, the best first.
        pairs: of variants.
        num_interruptions: how often a trial was interrupted and done again.
    """

    rows: list[TrialRow]
    objectives: tuple[Objective, ...]
    counts: dict[str, int]
    best: list[int]
    groups: list[Group]
    pairs: list[Pair]
    num_interruptions: int


def collect_results(board: Board, config: SweepConfig) -> SweepResults:
    """Read the results of a sweep from its storage.

    Args:
        board: of the sweep.
        config: of the sweep.

    Returns:
        The results.
    """
    rows = [
        _row(board, trial, config)
        for trial in sorted(board.jobs().values(), key=lambda t: t.number)
    ]
    groups = _group(rows, config) if config.is_repeated else []
    trials = board.study.get_trials(deepcopy=False)
    return SweepResults(
        rows=rows,
        objectives=config.objectives,
        counts=board.count(),
        best=_find_best(rows, groups, config) if config.space else [],
        groups=groups,
        pairs=_compare(rows, config) if len(config.variants) > 1 else [],
        num_interruptions=sum(INTERRUPTED in trial.user_attrs for trial in trials),
    )


def _find_best(
    rows: Sequence[TrialRow], groups: Sequence[Group], config: SweepConfig
) -> list[int]:
    """Numbers of the best trials; of a repeated grid by means, not by lucky seeds."""
    if not (config.is_repeated and config.sampler == 'grid'):
        return pareto_front(rows, config.objectives)
    first = config.objectives[0].metric
    most = max((group.means[first].num_repeats for group in groups), default=0)
    means = [
        TrialRow(
            group.numbers[0],
            'done',
            {metric: found.mean for metric, found in group.means.items()},
        )
        for group in groups
        # a mean of fewer may be that of the easier folds
        if group.means[first].num_repeats == most > 0
    ]
    return pareto_front(means, config.objectives)


def pareto_front(
    rows: Sequence[TrialRow], objectives: Sequence[Objective]
) -> list[int]:
    """Return the trials that no other one is better than.

    Args:
        rows: trials.
        objectives: those of the sweep.

    Returns:
        Numbers; of one objective one number, the first of equal ones; of several those
        to which no trial is at least equal in all and better in one, the best in the
        first objective first.
    """
    done = [row for row in rows if row.state == 'done']
    signs = [1 if o.direction == 'maximize' else -1 for o in objectives]
    metrics = [o.metric for o in objectives]
    points = {
        row.number: tuple(
            sign * row.objectives[metric]
            for sign, metric in zip(signs, metrics, strict=True)
        )
        for row in done
    }
    ordered = sorted(points, key=lambda number: (*(-v for v in points[number]), number))
    if len(objectives) == 1:
        return ordered[:1]
    return [
        number
        for number in ordered
        if not any(_dominates(other, points[number]) for other in points.values())
    ]


def _dominates(one: tuple, other: tuple) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def _row(board: Board, trial, config: SweepConfig) -> TrialRow:
    attributes = trial.user_attrs
    labels, runs = attributes.get(LABELS, {}), attributes.get('runs', [])
    state = board.state_of(trial)
    names = [objective.metric for objective in config.objectives]
    values = trial.values if state == 'done' else None
    minutes = [run['train_minutes'] for run in runs if 'train_minutes' in run]
    return TrialRow(
        number=trial.number,
        state=state,
        objectives=dict(zip(names, values, strict=True)) if values else {},
        params=board.values_of(trial),
        variant=labels.get('variant', ''),
        seed=labels.get('seed'),
        fold=labels.get('fold'),
        runs=runs if len(runs) > 1 else [],
        epoch=runs[0].get('epoch') if len(runs) == 1 else None,
        minutes=sum(minutes) if minutes else None,
        folder=attributes.get(FOLDER, ''),
        host=attributes.get('worker', {}).get('host', ''),
        error=attributes.get(ERROR, '') if state == 'failed' else '',
    )


def _group(rows: Sequence[TrialRow], config: SweepConfig) -> list[Group]:
    """Means over seeds and folds, of each config."""
    members: dict[str, list[TrialRow]] = {}
    for row in rows:
        members.setdefault(group_name(row), []).append(row)
    overlap = overlap_of_folds(config.folds)
    groups = []
    for name, own in members.items():
        means = {}
        for objective in config.objectives:
            metric = objective.metric
            values = [v for row in own for v in _repeats_of(row, metric)]
            means[metric] = mean_interval(np.array(values), overlap=overlap)
        groups.append(Group(name, means, [row.number for row in own]))
    first = config.objectives[0]
    sign = -1 if first.direction == 'maximize' else 1

    def rank(group: Group) -> float:
        mean = group.means[first.metric].mean
        return float('inf') if np.isnan(mean) else sign * mean

    return sorted(groups, key=rank)


def group_name(row: TrialRow) -> str:
    """Return the variant of a trial, or its settings, in words."""
    if row.variant:
        return row.variant
    settings = [f'{key.rpartition(".")[2]}={v!r}' for key, v in row.params.items()]
    return ', '.join(settings) or 'base'


def _repeats_of(row: TrialRow, metric: str) -> list[float]:
    if row.runs and metric in row.runs[0]:
        return [run[metric] for run in row.runs]
    return [row.objectives[metric]] if row.state == 'done' else []


def _compare(rows: Sequence[TrialRow], config: SweepConfig) -> list[Pair]:
    """Compare each variant with the first one, over the same seeds and folds."""
    names = list(config.variants)
    pairs = []
    for objective in config.objectives:
        metric = objective.metric
        values = {
            (row.variant, row.seed, row.fold): row.objectives.get(metric, np.nan)
            for row in rows
        }
        columns = [
            np.array([values.get((name, *repeat), np.nan) for repeat in config.repeats])
            for name in names
        ]
        for name, column in zip(names[1:], columns[1:], strict=True):
            found = compare_paired(
                columns[0], column, overlap=overlap_of_folds(config.folds)
            )
            verdict = verdict_of(found, objective, names[0], name)
            pairs.append(Pair(names[0], name, metric, found, verdict))
    return pairs


def verdict_of(
    found: PairedComparison, objective: Objective, first: str, second: str
) -> str:
    """Say in words which of two configs is better.

    Args:
        found: the comparison.
        objective: that was compared.
        first: name of the first config.
        second: name of the second.

    Returns:
        A sentence.
    """
    difference = found.difference
    if difference.num_repeats < 2:
        return 'too few trainings of both to say'
    if difference.low <= 0 <= difference.high:
        needed = 'no number of repeats would show it'
        if found.needed is not None:
            needed = f'{found.needed} repeats would show it with 80 % power'
        return (
            f'no difference shown: 0 lies in the interval; if it is truly '
            f'{difference.mean:+.4g}, {needed}'
        )
    is_up = difference.mean > 0
    better = second if is_up == (objective.direction == 'maximize') else first
    return f'{better} is better'


def format_table(results: SweepResults) -> str:
    """Return the results as text for a terminal.

    Args:
        results: of the sweep.

    Returns:
        Several lines; at most 20 trials, the best first.
    """
    lines = []
    if results.groups:
        lines += _group_lines(results)
    if results.pairs:
        lines += _pair_lines(results.pairs)
    if not results.groups:
        lines += _trial_lines(results)
    lines += [
        f'trial {row.number} FAILED: {row.error.splitlines()[-1]}'
        for row in results.rows
        if row.state == 'failed' and row.error
    ]
    counts = ', '.join(f'{results.counts[state]} {state}' for state in STATES)
    return '\n'.join([*lines, f'{counts}; {results.counts["wanted"]} wanted'])


def ranked(results: SweepResults) -> list[TrialRow]:
    """Return the trials, those on the front first, then by the first objective."""
    first = results.objectives[0]
    sign = -1 if first.direction == 'maximize' else 1

    def rank(row: TrialRow) -> tuple:
        value = row.objectives.get(first.metric)
        missing = STATES.index(row.state)
        return (missing, 0 if value is None else sign * value, row.number)

    return sorted(results.rows, key=rank)


def _trial_lines(results: SweepResults) -> list[str]:
    keys = list(dict.fromkeys(key for row in results.rows for key in row.params))
    metrics = [objective.metric for objective in results.objectives]
    table = [('trial', 'state', *metrics, *(key.rpartition('.')[2] for key in keys))]
    rows = ranked(results)
    for row in rows[:MAX_ROWS]:
        mark = '*' if row.number in results.best else ''
        values = [show(row.objectives.get(metric)) for metric in metrics]
        settings = [show(row.params.get(key)) for key in keys]
        table.append((f'{mark}{row.number}', row.state, *values, *settings))
    more = len(rows) - MAX_ROWS
    return [*_align(table), *([f'... and {more} more'] if more > 0 else [])]


def _group_lines(results: SweepResults) -> list[str]:
    table = [('config', 'metric', 'n', 'mean', 'std', '95 % interval')]
    for group in results.groups:
        for metric, found in group.means.items():
            interval = f'[{show(found.low)}, {show(found.high)}]'
            numbers = (show(found.mean), show(found.std), interval)
            table.append((group.name, metric, str(found.num_repeats), *numbers))
    return _align(table)


def _pair_lines(pairs: Sequence[Pair]) -> list[str]:
    lines = []
    for pair in pairs:
        found = pair.found.difference
        lines += [
            f'{pair.second} - {pair.first}, {pair.metric}: {found.mean:+.4g} '
            f'[{found.low:+.4g}, {found.high:+.4g}], n={found.num_repeats}, '
            f'{pair.found.wins} up and {pair.found.losses} down; paired t '
            f'p={pair.found.t_p_value:.3g}, sign flips p={pair.found.flip_p_value:.3g}',
            f'  {pair.verdict}',
        ]
    return lines


def _align(table: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        '  '.join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in table
    ]


def show(value: object) -> str:
    """Return a value for a table: five digits of a number, a dash for None."""
    if value is None:
        return '-'
    if isinstance(value, float):
        return '-' if np.isnan(value) else f'{value:.5g}'
    return value if isinstance(value, str) else repr(value)


def format_csv(results: SweepResults) -> str:
    """Return the trials as CSV.

    Args:
        results: of the sweep.

    Returns:
        A line for each training: a trial with several trainings has several.
    """
    keys = list(dict.fromkeys(key for row in results.rows for key in row.params))
    metrics = [objective.metric for objective in results.objectives]
    facts = ('trial', 'state', 'variant', 'seed', 'fold', 'epoch', 'minutes', 'best')
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator='\n')
    writer.writerow([*facts, *metrics, *keys, 'folder', 'host', 'error'])
    for row in results.rows:
        for run in row.runs or [{}]:
            values = {**row.objectives, **run}
            writer.writerow(
                [
                    row.number,
                    row.state,
                    row.variant,
                    run.get('seed', row.seed),
                    run.get('fold', row.fold),
                    run.get('epoch', row.epoch),
                    run.get('train_minutes', row.minutes),
                    row.number in results.best,
                    *(values.get(metric) for metric in metrics),
                    *(row.params.get(key) for key in keys),
                    row.folder,
                    row.host,
                    row.error.splitlines()[-1] if row.error else '',
                ]
            )
    return stream.getvalue()
