"""The table of a fine-tune report: for the terminal, as Markdown, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ocec.apis.finetune_report_numbers import (
    REFERENCES,
    Difference,
    MethodRow,
    Value,
)
from ocec.apis.finetune_report_runs import SCRATCH, ZERO_SHOT
from ocec.functional.metric_interval import count_groups
from ocec.functional.probability import OPEN

if TYPE_CHECKING:
    from ocec.apis.finetune_report import FinetuneReport

NOTHING = '–'
MARKS = {'higher': '*', 'lower': '*', 'not told apart': ''}
LEGEND = (
    'F1, accuracy: at the own threshold of each checkpoint; AUC needs none. ± is the '
    'standard deviation over seeds, in brackets the 95 % interval of the mean by '
    'drawing whole groups. Differences are of F1 in points, on the same images; * '
    'marks those told apart from 0 by groups and seeds. Forgetting: F1 on A minus that '
    'of zero-shot. Minutes are of training and validation; minutes, epochs and images '
    'seen are means over seeds.'
)


@dataclass(frozen=True)
class Table:
    """A table in texts.

    Args:
        key: in the page.
        title: above it.
        columns: names, the first is that of the method.
        lines: one for each method.
    """

    key: str
    title: str
    columns: list[str]
    lines: list[list[str]]


def tables_of(report: FinetuneReport) -> list[Table]:
    """Lay the numbers out.

    Args:
        report: the numbers.

    Returns:
        An overview, what was found on B, and on A.
    """
    references = [name for name in REFERENCES if name in report.methods]
    overview = ['method', 'seeds', 'F1 B', 'AUC B', 'F1 A', 'AUC A']
    overview += [f'B - {name}' for name in references] + ['forgetting']
    overview += ['minutes', 'epochs', 'images seen', 'best epoch']
    found = [
        Table(
            'overview',
            'Overview',
            overview,
            [_overview_line(row, references) for row in report.rows],
        )
    ]
    columns = ['method', 'F1', 'AUC', 'accuracy', 'F1 at 0.5', 'accuracy at 0.5']
    columns += [f'F1 - {name}' for name in references] + ['threshold']
    for at, side in report.sides.items():
        lines = [_side_line(row, at, references) for row in report.rows]
        found.append(Table(f'side-{at}', f'On {side.name}', columns, lines))
    return found


def report_text(report: FinetuneReport) -> str:
    """Write the report for the terminal.

    Args:
        report: the numbers.

    Returns:
        Sentences, tables and notes.
    """
    parts = ['\n'.join(report.summary)]
    for table in tables_of(report):
        cells = [table.columns, *table.lines]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        shown = [
            '  '.join(c.ljust(width) for c, width in zip(line, widths, strict=True))
            for line in cells
        ]
        parts.append('\n'.join([table.title, *(line.rstrip() for line in shown)]))
    parts += [LEGEND, '\n'.join(_change_lines(report))]
    parts += ['\n'.join(f'note: {note}' for note in report.notes)]
    return '\n\n'.join(part for part in parts if part)


def report_markdown(report: FinetuneReport) -> str:
    """Write the report as Markdown.

    Args:
        report: the numbers.

    Returns:
        The text.
    """
    parts = [f'# Fine-tuning onto {report.sides["B"].name}']
    parts.append(_listed(report.summary))
    for table in tables_of(report):
        cells = [table.columns, ['---'] * len(table.columns), *table.lines]
        escaped = [[cell.replace('|', r'\|') for cell in line] for line in cells]
        lines = '\n'.join(f'| {" | ".join(line)} |' for line in escaped)
        parts.append(f'## {table.title}\n{lines}')
    parts += [LEGEND, '## Errors\n' + _listed(_change_lines(report))]
    if report.notes:
        parts.append('## Notes\n' + _listed(report.notes))
    return '\n\n'.join(parts) + '\n'


def report_json(report: FinetuneReport) -> str:
    """Write all numbers as JSON.

    Args:
        report: the numbers.

    Returns:
        The text; what is unknown is null.
    """
    content = {
        'split': report.split,
        'data': {
            at: {
                'file': side.data,
                'images': len(side.label_N),
                'open': int((side.label_N == OPEN).sum()),
                'groups': count_groups(side.group_N),
                'fingerprint': side.dataset.fingerprint(),
            }
            for at, side in report.sides.items()
        },
        'summary': report.summary,
        'notes': report.notes,
        'methods': [asdict(row) for row in report.rows],
        'runs': {
            name: [
                {
                    'name': run.name,
                    'checkpoint': str(run.checkpoint),
                    'seed': run.seed,
                    'minutes': run.minutes,
                    'epochs': run.epochs,
                    'images_seen': run.images_seen,
                    'best_epoch': run.best_epoch,
                    'started_from': run.started_from,
                }
                for run in runs
            ]
            for name, runs in report.methods.items()
        },
        'changes': [
            {
                'side': change.side,
                'method': change.method,
                'reference': change.reference,
                'errors_before': change.errors_before,
                'errors_after': change.errors_after,
                'fixed': _ids(report, change.side, change.fixed_K),
                'broken': _ids(report, change.side, change.broken_K),
                'p_value': change.p_value,
                'p_by_seed': list(change.p_by_seed),
                'groups': [asdict(group) for group in change.groups],
            }
            for change in report.changes
        ],
        'wrong_everywhere': {
            at: _ids(report, at, place_K)
            for at, place_K in report.wrong_everywhere.items()
        },
    }
    return json.dumps(content, indent=1, allow_nan=False) + '\n'


def format_p(p_value: float) -> str:
    """Write a p value.

    Args:
        p_value: in [0, 1].

    Returns:
        Four digits, or that it is below the last of them.

    Example:
        >>> format_p(0.0312), format_p(1e-9)
        ('0.0312', '< 0.0001')
    """
    return '< 0.0001' if p_value < 1e-4 else f'{p_value:.4f}'


def format_range(values: Sequence[float | None], form: str) -> str:
    """Write the numbers of several seeds in short.

    Args:
        values: one of each seed, None where unknown.
        form: of each, as ``.3f``.

    Returns:
        One number, or the lowest to the highest.

    Example:
        >>> format_range([14, None, 9], 'd'), format_range([0.51, 0.512], '.2f')
        ('9 to 14', '0.51')
    """
    known = [value for value in values if value is not None]
    if not known:
        return NOTHING
    texts = list(dict.fromkeys(format(x, form) for x in (min(known), max(known))))
    return ' to '.join(texts)


def _listed(texts: Sequence[str]) -> str:
    return '\n'.join(f'- {text}' for text in texts)


def _overview_line(row: MethodRow, references: Sequence[str]) -> list[str]:
    cells = [row.name, str(row.num_seeds)]
    for at in 'BA':
        cells += [_value(row.sides[at][key], False) for key in ('f1', 'auc')]
    compared = [(name, 'B') for name in references] + [(ZERO_SHOT, 'A')]
    for reference, at in compared:
        cells.append(_difference(row.differences.get(reference, {}).get(at), False))
    return [
        *cells,
        NOTHING if row.minutes is None else f'{row.minutes:.1f}',
        NOTHING if row.epochs is None else f'{row.epochs:g}',
        NOTHING if row.images_seen is None else f'{row.images_seen:,.0f}',
        format_range(row.best_epoch, 'd'),
    ]


def _side_line(row: MethodRow, at: str, references: Sequence[str]) -> list[str]:
    found = row.sides[at]
    cells = [row.name, *(_value(found[key]) for key in ('f1', 'auc', 'accuracy'))]
    cells += [_value(found[f'{key}_at_half'], False) for key in ('f1', 'accuracy')]
    for reference in references:
        cells.append(_difference(row.differences.get(reference, {}).get(at)))
    return [*cells, format_range(row.thresholds[at], '.3f')]


def _value(value: Value, with_interval: bool = True) -> str:
    if value.mean is None:
        return NOTHING
    text = f'{value.mean:.3f}'
    if value.sd is not None:
        text += f' ± {value.sd:.3f}'
    if with_interval and value.low is not None:
        text += f' ({value.low:.3f} to {value.high:.3f})'
    return text


def _difference(found: Difference | None, with_interval: bool = True) -> str:
    if found is None:
        return NOTHING
    text = f'{100 * found.value:+.1f}{MARKS[found.verdict]}'
    if with_interval and found.low is not None:
        text += f' ({100 * found.low:+.1f} to {100 * found.high:+.1f})'
    return text


def _change_lines(report: FinetuneReport) -> list[str]:
    lines = [
        f'{change.side}, {change.method} against {change.reference}: '
        f'{change.errors_before} errors -> {change.errors_after}, '
        f'{len(change.fixed_K)} fixed, {len(change.broken_K)} broken, McNemar p '
        f'{format_p(change.p_value)}'
        for change in report.changes
        # what training from scratch on B gets wrong on A is of no use to anyone
        if (change.side, change.reference) != ('A', SCRATCH)
    ]
    lines += [
        f'{at}: {len(place_K)} images are wrong in every method, so their labels may be'
        for at, place_K in report.wrong_everywhere.items()
    ]
    return lines


def _ids(report: FinetuneReport, at: str, place_K) -> list[int]:
    return report.sides[at].sample_id_N[place_K].tolist()
