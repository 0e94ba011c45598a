"""A fine-tune report in words: what is shown, and what it does not show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ocec.apis.finetune_report_numbers import (
    Difference,
    MethodRow,
    Value,
    compare_methods,
)
from ocec.apis.finetune_report_runs import SCRATCH, ZERO_SHOT, ReportRun
from ocec.apis.finetune_report_scores import Side
from ocec.functional.metric_interval import FEW_GROUPS, count_groups
from ocec.visualization.run_groups import OF_ONE_RUN, find_config_differences

# points of F1 on A that a method may lose and still count as keeping A
KEPT_POINTS = 1.0
MOST_NAMED = 4


def find_best(rows: Sequence[MethodRow]) -> MethodRow:
    """Return the method with the highest mean F1 on B; zero-shot counts too."""
    return max(rows, key=lambda row: row.sides['B']['f1'].mean)


def summarize(rows: Sequence[MethodRow], sides: Mapping[str, Side]) -> list[str]:
    """Say what the table shows.

    Args:
        rows: of the table.
        sides: ``A`` and ``B`` to what was scored.

    Returns:
        Sentences, the best method on B first.
    """
    best, b, a = find_best(rows), sides['B'], sides['A']
    found = [
        f'Best on {b.name}: {best.name}, F1 {format_value(best.sides["B"]["f1"])}.',
        *_best_against_references(best),
        *_not_told_apart(best, rows, b),
        *_price(best, rows),
    ]
    tuned = [row for row in rows if row.name != ZERO_SHOT]
    for row in tuned if best.name == ZERO_SHOT else [best]:
        change = row.differences[ZERO_SHOT]['A']
        found.append(
            f'On {a.name}, F1 of {row.name} minus that of the start: '
            f'{format_difference(change)}.'
        )
    kept = [
        row.name
        for row in tuned
        if 100 * row.differences[ZERO_SHOT]['A'].value >= -KEPT_POINTS
    ]
    found.append(
        f'Within {KEPT_POINTS:g} point of F1 of the start on {a.name}, or above: '
        f'{", ".join(kept) or "no method"}.'
    )
    return found


def collect_notes(
    methods: Mapping[str, Sequence[ReportRun]],
    rows: Sequence[MethodRow],
    sides: Mapping[str, Side],
) -> list[str]:
    """Say what the reader must know before trusting the table.

    Args:
        methods: name to its runs.
        rows: of the table.
        sides: ``A`` and ``B`` to what was scored.

    Returns:
        Sentences.
    """
    notes = []
    for side in sides.values():
        notes += [*side.notes, *_groups_note(side), *_chosen_note(methods, side)]
    single = [row.name for row in rows if row.num_seeds == 1 and row.name != ZERO_SHOT]
    if single:
        notes.append(
            f'One seed only of {", ".join(single)}: how much another would move the '
            'numbers is not known.'
        )
    for name, runs in methods.items():
        notes += [note for run in runs for note in run.notes]
        notes += _unequal_note(name, runs)
    return [*notes, *_start_notes(methods)]


def format_value(value: Value, digits: int = 4) -> str:
    """Write a mean with its deviation over seeds and its interval over groups.

    Args:
        value: of a metric.
        digits: after the point.

    Returns:
        As ``0.9123 ± 0.0040 (0.8800 to 0.9400)``.
    """
    if value.mean is None:
        return 'undefined'
    text = f'{value.mean:.{digits}f}'
    if value.sd is not None:
        text += f' ± {value.sd:.{digits}f}'
    if value.low is not None:
        text += f' ({value.low:.{digits}f} to {value.high:.{digits}f})'
    return text


def format_difference(found: Difference) -> str:
    """Write a difference of F1 in points.

    Args:
        found: the difference.

    Returns:
        As ``+3.20 points (+1.10 to +5.30)``, and why it is not told apart from 0.
    """
    text = f'{100 * found.value:+.2f} points'
    if found.low is not None:
        text += f' ({100 * found.low:+.2f} to {100 * found.high:+.2f})'
    return f'{text}, not told apart: {found.reason}' if found.reason else text


def _best_against_references(best: MethodRow) -> list[str]:
    found = []
    for reference, by_side in best.differences.items():
        text = format_difference(by_side['B'])
        found.append(f'On B, F1 of {best.name} minus that of {reference}: {text}.')
    if best.name in (SCRATCH, ZERO_SHOT):
        found.append(f'No fine-tuning beats {best.name} on B here.')
    return found


def _not_told_apart(
    best: MethodRow, rows: Sequence[MethodRow], side: Side
) -> list[str]:
    names = [
        row.name
        for row in rows
        if row.name not in (best.name, *best.differences)
        and compare_methods(side, best.name, row.name).verdict == 'not told apart'
    ]
    if not names:
        return []
    return [
        f'Not told apart from {best.name} on B by these images: {", ".join(names)}.'
    ]


def _price(best: MethodRow, rows: Sequence[MethodRow]) -> list[str]:
    rows = [row for row in rows if row.name in (best.name, SCRATCH)]
    told = []
    for row in rows:
        if row.name == ZERO_SHOT or row.minutes is None:
            continue
        images = (
            '' if row.images_seen is None else f' and {row.images_seen:,.0f} images'
        )
        told.append(
            f'{row.name} took {row.epochs:g} epochs, {row.minutes:.1f} min{images}'
        )
    return [f'{"; ".join(told)}.'] if told else []


def _groups_note(side: Side) -> list[str]:
    num_groups = count_groups(side.group_N)
    if not (side.group_N >= 0).any():
        few = f'{side.name}: {num_groups} images only: the intervals are too narrow.'
        return [few] * (num_groups < FEW_GROUPS) + [
            f'{side.name}: no group is known, so single images are drawn. Where '
            'several show one person, the true intervals are wider and the p values '
            'larger.'
        ]
    if num_groups < 2:
        return [f'{side.name}: one group only, so there is no interval.']
    if num_groups < FEW_GROUPS:
        return [
            f'{side.name}: {num_groups} groups only, so the intervals are too narrow. '
            "McNemar's p takes images as independent and is too small."
        ]
    return []


def _chosen_note(methods: Mapping[str, Sequence[ReportRun]], side: Side) -> list[str]:
    chosen = {True: [], False: []}
    for name, runs in methods.items():
        scores = side.scores[name]
        if any(found.is_chosen_here for found in scores):
            by_metric = any(run.by_metric for run in runs)
            chosen[by_metric].append(name)
    found = []
    if chosen[True]:
        found.append(
            f'{side.name}: epoch and threshold of {", ".join(chosen[True])} were '
            'chosen on these images, so their numbers here are a little too good.'
        )
    if chosen[False]:
        found.append(
            f'{side.name}: the threshold of {", ".join(chosen[False])} was chosen on '
            'these images, so their numbers here are a little too good.'
        )
    return found


def _unequal_note(name: str, runs: Sequence[ReportRun]) -> list[str]:
    """Name the settings in which what is called seeds differs."""
    settings = {
        run.name: {k: v for k, v in run.log.settings.items() if k not in OF_ONE_RUN}
        for run in runs
        if run.log is not None
    }
    differing = list(find_config_differences(settings))
    if not differing:
        return []
    more = f' and {len(differing) - MOST_NAMED} more' * (len(differing) > MOST_NAMED)
    return [
        f'{name}: its runs differ in {", ".join(differing[:MOST_NAMED])}{more}, so ± '
        'is not that of seeds alone.'
    ]


def _start_notes(methods: Mapping[str, Sequence[ReportRun]]) -> list[str]:
    starts = {run.checkpoint.resolve() for run in methods[ZERO_SHOT]}
    runs_of: dict[str, list[str]] = {}
    for name, runs in methods.items():
        for run in runs if name != ZERO_SHOT else ():
            message = _start_note(run, starts, name == SCRATCH)
            runs_of.setdefault(message, []).append(run.name)
    return [f'{", ".join(runs)}: {text}' for text, runs in runs_of.items() if text]


def _start_note(run: ReportRun, starts: set[Path], is_scratch: bool) -> str:
    begun = run.started_from
    if is_scratch:
        return '' if begun is None else f'training started from {begun}.'
    if begun is None:
        named = 'the work_dir names no checkpoint that training started from.'
        return '' if run.log is None else named
    if Path(begun).resolve() in starts:
        return ''
    return f'training started from {begun}, not from the start of this report.'
