"""The table of measured models as Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from ocec.visualization.run_groups import mean_and_spread

if TYPE_CHECKING:
    from ocec.apis.measure_models import ModelRow

FORMATS = ('md', 'csv', 'json')


def models_text(rows: Sequence[ModelRow], kind: str, *, split: str) -> str:
    """Write the table.

    Args:
        rows: of the models, at least one.
        kind: one of ``FORMATS``.
        split: that was scored.

    Returns:
        The text of a file.
    """
    if kind == 'csv':
        return _as_csv(rows)
    if kind == 'json':
        content = {
            'split': split,
            'models': [asdict(row) for row in rows],
            'stages': summarize_stages(rows),
        }
        return json.dumps(content, indent=1) + '\n'
    return _as_markdown(rows, split)


def summarize_stages(rows: Sequence[ModelRow]) -> list[dict]:
    """Count and average by stage.

    Args:
        rows: of the models.

    Returns:
        ``stage``, ``models``, ``measured``, ``mean``, ``std`` (n - 1 in the
        denominator) and ``best`` accuracy; None where there is none.
    """
    stages = []
    for stage in dict.fromkeys(row.stage for row in rows):
        of_stage = [row for row in rows if row.stage == stage]
        values = [row.accuracy for row in of_stage if row.accuracy is not None]
        mean, std = mean_and_spread(values)
        stages.append(
            {
                'stage': stage,
                'models': len(of_stage),
                'measured': len(values),
                'mean': mean,
                'std': std,
                'best': max(values, default=None),
            }
        )
    return stages


def percent(share: float | None, sign: str = '') -> str:
    """Write a share in percent; a dash for None.

    Args:
        share: in [-1, 1].
        sign: ``+`` to show it always.

    Returns:
        Two decimals, without the unit.

    Example:
        >>> percent(0.8875), percent(-0.01, '+'), percent(None)
        ('88.75', '-1.00', '–')
    """
    return '–' if share is None else f'{100 * share:{sign}.2f}'


def _as_markdown(rows: Sequence[ModelRow], split: str) -> str:
    has_expected = any(row.verdict for row in rows)
    header = ['model', 'stage', 'params', 'val %', f'{split} % (95 %)', 'F1', 'min']
    header += ['expected %', 'difference', ''] if has_expected else []
    lines = _table(header, [_cells(row, has_expected) for row in rows])
    stages = [
        [
            stage['stage'] or '–',
            f'{stage["measured"]} of {stage["models"]}',
            percent(stage['mean'])
            + ('' if stage['std'] is None else f' ± {percent(stage["std"])}'),
            percent(stage['best']),
        ]
        for stage in summarize_stages(rows)
    ]
    counts = {row.rows for row in rows if row.rows is not None}
    lines += ['', *_table(['stage', 'models', f'{split} % ± std', 'best'], stages), '']
    if counts:
        listed = ', '.join(f'{count:,}' for count in sorted(counts))
        lines.append(
            f'{split}: {listed} rows; intervals by a bootstrap of whole groups.'
        )
    lines.append(
        'val: the best epoch, on the rows that chose it, so a little too good.'
    )
    lines += [f'note: {row.name}: {note}' for row in rows for note in row.notes]
    lines += [f'PROBLEM: {row.name}: {row.problem}' for row in rows if row.problem]
    return '\n'.join(lines) + '\n'


def _cells(row: ModelRow, has_expected: bool) -> list[str]:
    interval = (
        '' if row.low is None else f' ({percent(row.low)} to {percent(row.high)})'
    )
    cells = [
        row.name,
        row.stage or '–',
        '–' if row.params is None else f'{row.params:,}',
        percent(row.val_accuracy),
        'FAILED' if row.accuracy is None else percent(row.accuracy) + interval,
        percent(row.f1),
        '–' if row.minutes is None else f'{row.minutes:.1f}',
    ]
    if has_expected:
        known = row.expected is not None
        gap = percent(row.accuracy - row.expected, '+') if known else '–'
        cells += [percent(row.expected), gap, row.verdict]
    return cells


def _as_csv(rows: Sequence[ModelRow]) -> str:
    stream = io.StringIO()
    names = [field.name for field in fields(rows[0])]
    writer = csv.DictWriter(stream, names, lineterminator='\n')
    writer.writeheader()
    for row in rows:
        writer.writerow(asdict(row) | {'notes': '; '.join(row.notes)})
    return stream.getvalue()


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [header, ['---'] * len(header), *rows]
    return ['| ' + ' | '.join(line) + ' |' for line in lines]
