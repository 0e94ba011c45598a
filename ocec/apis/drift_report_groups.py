"""Which rows of B a model of A fails on: groups, columns, light. Shapes: N rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ocec.apis.analyze_errors_facts import NUM_BINS, sample_columns
from ocec.apis.analyze_errors_numbers import decisions, error_table
from ocec.apis.drift_report_scores import ScoredRows
from ocec.datasets.eye_table import NO_GROUP
from ocec.functional.paired_tests import wilson_interval
from ocec.functional.picture_statistics import PIXEL_STATISTICS
from ocec.functional.probability import CLASS_NAMES

# of what a picture looks like: a group of its own where subjects are unknown
LIGHT = ('brightness', 'contrast', 'sharpness')
LEVEL = 0.95
ABOVE, CLEARLY_ABOVE = 'above', 'clearly above'


def failing_groups(part: ScoredRows, threshold: float) -> dict:
    """Count errors by group, by further columns, by class and by light.

    Args:
        part: labelled rows.
        threshold: P(open) from which an eye counts as open.

    Returns:
        ``error_rate`` of all rows; ``columns`` looked at; ``num_values`` in them;
        ``by_chance``, how many would be flagged if all were alike; and ``rows``,
        flagged ones first: ``column``, ``value``, ``num``, ``num_open``,
        ``false_alarms``, ``missed``, ``error_rate``, its 95 % Wilson interval ``low``
        and ``high``, and ``flag``: ``above`` when the interval lies above the error
        rate of all rows, ``clearly above`` when one does whose level allows for the
        number of values looked at (Bonferroni), else empty.
    """
    decision_N = decisions(part.prob_N, part.label_N, threshold=threshold)
    overall = float((decision_N > 0).mean())
    columns = _columns(part)
    counted = [
        (name, row)
        for name, values in columns.items()
        for row in error_table(values, part.label_N, decision_N)
    ]
    strict = 1 - (1 - LEVEL) / max(len(counted), 1)
    rows = [_describe(name, row, overall, strict) for name, row in counted]
    order = ('', ABOVE, CLEARLY_ABOVE)
    rows.sort(key=lambda row: (-order.index(row['flag']), -row['error_rate']))
    return {
        'error_rate': overall,
        'columns': list(columns),
        'num_values': len(rows),
        'by_chance': (1 - LEVEL) / 2 * len(rows),
        'rows': rows,
    }


def worst_errors(
    part: ScoredRows, threshold: float, limit: int
) -> dict[str, np.ndarray]:
    """List the errors that lie farthest on the wrong side.

    Args:
        part: labelled rows.
        threshold: P(open) from which an eye counts as open.
        limit: of each list.

    Returns:
        ``false alarms`` and ``missed`` to (K,) places among the rows, worst first.
    """
    decision_N = decisions(part.prob_N, part.label_N, threshold=threshold)
    lists = {}
    for code, (name, sign) in enumerate((('false alarms', -1), ('missed', 1)), start=1):
        index = np.flatnonzero(decision_N == code)
        order = np.argsort(sign * part.prob_N[index], kind='stable')
        lists[name] = index[order[:limit]]
    return lists


def _columns(part: ScoredRows) -> dict[str, Sequence[str]]:
    columns: dict[str, Sequence[str]] = {}
    if part.has_groups:
        names = part.table.group_names
        columns['group'] = [
            'unknown' if code == NO_GROUP else names[code]
            for code in part.group_N.tolist()
        ]
    columns |= sample_columns(part, part.row_N)
    columns['class'] = [CLASS_NAMES[label] for label in part.label_N.tolist()]
    for name in LIGHT:
        value_N = part.pixel_NK[:, PIXEL_STATISTICS.index(name)].astype(np.float64)
        if (values := _quarters(value_N)) is not None:
            columns[name] = values
    return columns


def _quarters(value_N: np.ndarray) -> list[str] | None:
    """Name the quarter of each value; None where all are the same."""
    edges = np.unique(np.quantile(value_N, np.linspace(0, 1, NUM_BINS + 1)))
    if len(edges) < 2:
        return None
    place_N = np.searchsorted(edges, value_N, side='right').clip(1, len(edges) - 1)
    names = [
        f'{low:.4g} to {high:.4g}'
        for low, high in zip(edges[:-1], edges[1:], strict=True)
    ]
    return [names[place - 1] for place in place_N.tolist()]


def _describe(column: str, row, overall: float, strict: float) -> dict:
    num_wrong = row.false_alarms + row.missed
    low, high = wilson_interval(num_wrong, row.num, LEVEL)
    flag = ABOVE if low > overall else ''
    if wilson_interval(num_wrong, row.num, strict)[0] > overall:
        flag = CLEARLY_ABOVE
    return {
        'column': column,
        'value': row.value,
        'num': row.num,
        'num_open': row.num_open,
        'false_alarms': row.false_alarms,
        'missed': row.missed,
        'error_rate': row.error_rate,
        'low': low,
        'high': high,
        'flag': flag,
    }
