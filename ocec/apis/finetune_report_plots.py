"""Pictures of a fine-tune report: curves of the training, B against A.

Shapes: N points of a curve.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ocec.apis.finetune_report_numbers import MethodRow
from ocec.apis.finetune_report_runs import ZERO_SHOT, ReportRun
from ocec.apis.finetune_report_scores import SIDES, Side
from ocec.visualization.run_groups import mean_curve
from ocec.visualization.run_provenance import UNKNOWN
from ocec.visualization.run_records import Curve

if TYPE_CHECKING:
    from ocec.apis.finetune_report import FinetuneReport

AXES = {'epoch_N': 'epoch', 'minutes_N': 'minutes of training and validation'}
COLOR_ZERO_SHOT = '#555555'
# the axis of a curve shows so many times the range of what the methods reach
SHOWN_SPANS, SMALLEST_SPAN = 3, 0.02


def curve_on(run: ReportRun, side: Side, source: str | None = None) -> Curve | None:
    """Return the validation F1 of a training on one of the data sets.

    Args:
        run: with or without a log.
        side: the data.
        source: its name in a training that was validated on several.

    Returns:
        The curve of that name, as ``webeyes/f1``, else that of the only validation if
        it was on these images or nothing tells on which; None without one.
    """
    if run.log is None:
        return None
    found = {
        curve.logged_as: curve
        for name, curve in run.log.curves.items()
        if name.startswith('val/') and curve.logged_as.rsplit('/', 1)[-1] == 'f1'
    }
    if source is not None or len(found) != 1:
        return found.get(f'{source}/f1')
    val_set = run.log.facts.get('val set', UNKNOWN)
    # A was not what a run without a record was tuned for
    is_it = val_set == side.fingerprint or (val_set == UNKNOWN and side.letter == 'B')
    return next(iter(found.values())) if is_it else None


def find_curves(
    methods: Mapping[str, Sequence[ReportRun]], side: Side
) -> dict[str, list[Curve]]:
    """Collect the curves on one data set.

    Args:
        methods: name to its runs.
        side: the data.

    Returns:
        Method to the curves of those of its runs that have one; the start is left
        out, methods without a curve as well.
    """
    curves = {
        name: [
            curve_on(run, side, found.source)
            for run, found in zip(runs, side.scores[name], strict=True)
        ]
        for name, runs in methods.items()
        if name != ZERO_SHOT
    }
    known = {
        name: [c for c in found if c is not None] for name, found in curves.items()
    }
    return {name: found for name, found in known.items() if found}


def draw_convergence(report: FinetuneReport) -> bytes | None:
    """Draw validation F1 against epochs and against minutes.

    A thin line is a seed, a thick one the mean of a method; the dashed one is the
    start at threshold 0.5, as in validation. What lies far below all bests is cut.

    Args:
        report: the numbers.

    Returns:
        PNG; None where no run has a curve.

    Raises:
        ImportError: matplotlib is not installed.
    """
    curves = {at: find_curves(report.methods, report.sides[at]) for at in SIDES}
    shown = [at for at in SIDES if curves[at]]
    if not shown:
        return None
    figure = _figure(13, 4.4 * len(shown))
    handles = {}
    for line, at in enumerate(shown):
        for column, axis in enumerate(AXES):
            axes = figure.add_subplot(len(shown), 2, 2 * line + column + 1)
            for name, found in curves[at].items():
                label = _label(name, len(found))
                color = _color(report.rows, name)
                handles[label] = _draw_method(axes, found, axis, color)
            handles |= _draw_start(axes, report, at)
            axes.set_ylim(_floor_of(curves[at], report.rows[0], at), None)
            axes.set(xlabel=AXES[axis], ylabel=f'F1 on {report.sides[at].name}')
            axes.grid(alpha=0.3)
    figure.legend(handles.values(), handles.keys(), loc='outside right upper')
    return _png(figure)


def draw_trade_off(report: FinetuneReport) -> bytes:
    """Draw F1 on B against F1 on A, each method with its interval.

    Args:
        report: the numbers.

    Returns:
        PNG.

    Raises:
        ImportError: matplotlib is not installed.
    """
    figure = _figure(8.6, 5.6)
    axes = figure.add_subplot()
    for row in report.rows:
        color = _color(report.rows, row.name)
        a, b = (row.sides[at]['f1'] for at in 'AB')
        axes.plot(b.seeds, a.seeds, 'o', color=color, markersize=4, alpha=0.6)
        axes.errorbar(
            b.mean,
            a.mean,
            xerr=_reach(b),
            yerr=_reach(a),
            fmt='D' if row.name == ZERO_SHOT else 's',
            color=color,
            markersize=9,
            elinewidth=0.8,
            label=_label(row.name, row.num_seeds),
        )
    start = report.rows[0].sides['A']['f1'].mean
    axes.axhline(start, color=COLOR_ZERO_SHOT, linestyle='--', linewidth=0.8)
    axes.set(
        xlabel=f'F1 on {report.sides["B"].name}: the new camera',
        ylabel=f'F1 on {report.sides["A"].name}: below the dashed line is forgotten',
    )
    axes.grid(alpha=0.3)
    figure.legend(loc='outside right upper')
    return _png(figure)


def _figure(width: float, height: float):
    # without pyplot: no window system is asked for, no figure stays open
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def _png(figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format='png')
    return stream.getvalue()


def _draw_method(axes, curves: Sequence[Curve], axis: str, color: str):
    """Draw the seeds and their mean; returns the line of the legend."""
    if len(curves) == 1:
        return _plot(axes, curves[0], axis, color=color, linewidth=1.8)
    for curve in curves:
        line = _plot(axes, curve, axis, color=color, linewidth=0.6, alpha=0.5)
    mean, _ = mean_curve(curves)
    # seeds that were not validated in one epoch together have no mean
    if not len(mean.value_N):
        return line
    return _plot(axes, mean, axis, color=color, linewidth=2.2)


def _plot(axes, curve: Curve, axis: str, **style):
    [line] = axes.plot(getattr(curve, axis), curve.value_N, **style)
    return line


def _draw_start(axes, report: FinetuneReport, at: str) -> dict:
    start = report.rows[0].sides[at]['f1_at_half'].mean
    # on other images than the curves it would mislead
    if report.split != 'val':
        return {}
    line = axes.axhline(start, color=COLOR_ZERO_SHOT, linestyle='--', linewidth=1)
    return {ZERO_SHOT: line}


def _floor_of(
    curves: Mapping[str, Sequence[Curve]], start: MethodRow, at: str
) -> float:
    """Return where the axis begins: the first epochs from scratch hide the rest."""
    found = [curve for each in curves.values() for curve in each]
    bests = [np.nanmax(curve.value_N, initial=0.0) for curve in found]
    bests.append(start.sides[at]['f1_at_half'].mean)
    span = max(max(bests) - min(bests), SMALLEST_SPAN)
    return max(max(bests) - SHOWN_SPANS * span, 0.0)


def _color(rows: Sequence[MethodRow], name: str) -> str:
    if name == ZERO_SHOT:
        return COLOR_ZERO_SHOT
    return f'C{[row.name for row in rows].index(name) % 10}'


def _label(name: str, num_seeds: int) -> str:
    # matplotlib reads what is between two dollars as a formula
    text = name.replace('$', r'\$')
    return f'{text} ({num_seeds} seeds)' if num_seeds > 1 else text


def _reach(value) -> list | None:
    """Return how far an interval reaches below and above the mean."""
    if value.low is None:
        return None
    # a mean may lie outside the interval of few groups
    return [[max(value.mean - value.low, 0)], [max(value.high - value.mean, 0)]]
