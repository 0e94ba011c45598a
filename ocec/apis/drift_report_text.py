"""The drift of a model in words, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ocec.apis.drift_report_metrics import SHOWN
from ocec.apis.drift_report_scores import ScoredRows
from ocec.apis.drift_report_verdict import show
from ocec.datasets.cache import footer_sha256
from ocec.functional.metric_interval import FEW_GROUPS

if TYPE_CHECKING:
    from ocec.apis.drift_report import ModelDrift

# difference of the shares of open eyes that is worth a word
NAMED_SHIFT = 0.1
NUM_NAMED = 5


def find_notes(
    a: ScoredRows, b: ScoredRows, splits: Sequence[str | None], numbers: dict
) -> list[str]:
    """Say what limits the result.

    Args:
        a: labelled rows of A.
        b: rows of B.
        splits: of A and B; None is all rows.
        numbers: of :func:`ocec.apis.drift_report.measure_drift`.

    Returns:
        Sentences.
    """
    notes = []
    same_rows = _rows_of(a) & _rows_of(b)
    if same_rows:
        notes.append(
            f'{len(same_rows):,} rows are in A and in B: they cannot differ. The '
            'comparison says something of other data only.'
        )
    if splits[0] in ('train', None):
        notes.append(
            'A: the model may have been trained on these rows, so that its numbers on '
            'A are too good and every loss on B looks larger. Use val or test of A.'
        )
    elif splits[0] == 'val':
        notes.append(
            'A: if checkpoint and threshold were chosen on this split, the numbers on '
            'A are a little too good.'
        )
    for which, part in (('A', a), ('B', b)):
        notes += _notes_of_set(which, part)
    metrics = numbers['metrics']
    if metrics['B'] is not None:
        shares = [metrics[which]['open_share'] for which in 'AB']
        if abs(shares[0] - shares[1]) >= NAMED_SHIFT:
            notes.append(
                f'The share of open eyes is {shares[0]:.1%} in A and {shares[1]:.1%} '
                'in B. F1 rises with it whatever the model does, so B is compared '
                f'with the F1 that A would have at the share of B: '
                f'{show(metrics["A_at_B_share"])}.'
            )
    return notes


def format_summary(report: ModelDrift) -> str:
    """Write a report for the terminal, the conclusion first.

    Args:
        report: of a drift.

    Returns:
        Some lines of text.
    """
    conclusion = report.conclusion
    lines = [conclusion.verdict, *conclusion.meaning, '']
    for rule in conclusion.rules:
        lines.append(f'  {rule.question} {rule.number}: {rule.answer}')
    lines += ['', f'threshold {report.threshold:.4g}: {report.threshold_origin}']
    for which, part in report.sets.items():
        lines.append(
            f'{which}: {part["name"]}: {part["scored"]:,} rows, {part["labelled"]:,} '
            f'labelled, {part["groups"]:,} groups; called open '
            f'{show(part["called_open"])}'
        )
    lines += ['', *_metric_lines(report), *_embedding_lines(report.embeddings)]
    if report.data is not None:
        lines.append(f'pictures: {report.data.headline}')
    lines += [*_group_lines(report.groups), '', *report.notes]
    return '\n'.join(lines)


def _rows_of(part: ScoredRows) -> set[tuple[str, int]]:
    located = (part.table.locate(row) for row in part.row_N.tolist())
    # one file may lie in two places
    content = {str(file): footer_sha256(file) for file in part.table.files}
    return {(content[file], row) for file, row in located}


def _notes_of_set(which: str, part: ScoredRows) -> list[str]:
    notes, num_read = [], len(part.row_N) + part.num_unreadable
    if part.num_unreadable:
        notes.append(f'{which}: {part.num_unreadable:,} rows could not be read.')
    if num_read < part.num_rows:
        notes.append(
            f'{which}: {num_read:,} of {part.num_rows:,} rows: a random choice, or '
            'those with a label and a score.'
        )
    num_unlabelled = int((part.label_N < 0).sum())
    if 0 < num_unlabelled < len(part.row_N):
        notes.append(
            f'{which}: {num_unlabelled:,} rows have no label; metrics, calibration '
            'and errors are of the others.'
        )
    num_groups = len(np.unique(part.group_N[part.group_N >= 0]))
    if not part.has_groups:
        notes.append(
            f'{which}: no group is known, so every row counts as independent and '
            'stands alone in the folds. Where crops of one person are alike, each '
            f'interval of {which} is too narrow'
            + (', and what is learned on B looks too good.' if which == 'B' else '.')
        )
        if len(part.row_N) < FEW_GROUPS:
            notes.append(
                f'{which}: {len(part.row_N)} rows are few: its intervals are too '
                'narrow, and the conclusion may be luck.'
            )
    elif num_groups < FEW_GROUPS:
        notes.append(
            f'{which}: {num_groups} groups are few: its intervals are too narrow.'
        )
    return notes


def _metric_lines(report: ModelDrift) -> list[str]:
    of_a, of_b = report.metrics['A'], report.metrics['B']
    lines = [f'{"":10}{"A":<26}{"B":<26}']
    for name in (*SHOWN, 'auc'):
        second = '-' if of_b is None else show(of_b[name])
        lines.append(f'{name:10}{show(of_a[name]):<26}{second:<26}'.rstrip())
    if report.own_threshold is not None:
        best, fitted = (report.own_threshold[k] for k in ('best', 'cross_fitted'))
        lines.append(
            f'B at its own threshold: F1 {show(fitted)} cross-fitted; '
            f'{best["threshold"]:.4g} is best on these very rows, {show(best["f1"])}, '
            'which is too good'
        )
    if report.head is not None:
        lines.append(f'B with a new last layer: F1 {show(report.head["f1"])}')
    calibrated = report.calibration['B']
    if calibrated is not None and calibrated['cross_fitted'] is not None:
        fitted = calibrated['fitted']
        temperature = fitted['temperature']
        shown = 'none' if temperature is None else f'{temperature:.3f}'
        lines.append(
            f'calibration error A {report.calibration["A"]["raw"]["ece"]:.3f}, B '
            f'{calibrated["raw"]["ece"]:.3f}, {calibrated["cross_fitted"]["ece"]:.3f} '
            f'with temperature {shown} and bias {fitted["bias"]:+.3f} of B'
        )
    return lines


def _embedding_lines(embeddings: dict | None) -> list[str]:
    if embeddings is None:
        return []
    lines = []
    fisher = embeddings['fisher']
    shown = ', '.join(
        f'{which} {"-" if value is None else format(value, ".2f")}'
        for which, value in fisher.items()
    )
    lines.append(f'embeddings: Fisher ratio {shown}')
    if (domain := embeddings['domain']) is not None:
        lines[-1] += f'; domain classifier AUC {domain["auc"]:.3f}'
    if (outliers := embeddings['outliers']) is not None:
        lines[-1] += (
            f'; {show(outliers["share"], ".1%")} of B beyond the limit that '
            f'{outliers["expected"]:.0%} of A exceed'
        )
    return lines


def _group_lines(groups: dict | None) -> list[str]:
    if groups is None:
        return []
    flagged = [row for row in groups['rows'] if row['flag']]
    lines = [
        f'errors on B: {groups["error_rate"]:.1%}; {len(flagged)} of '
        f'{groups["num_values"]} groups and values above it, '
        f'{groups["by_chance"]:.1f} expected by chance'
    ]
    lines += [
        f'  {row["column"]} {row["value"]}: {row["error_rate"]:.1%} of {row["num"]:,} '
        f'({row["low"]:.1%} to {row["high"]:.1%}), {row["flag"]}'
        for row in flagged[:NUM_NAMED]
    ]
    return lines
