"""The figures of a report on digit pairs, one by one and on one sheet."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ocec.apis.measure_models import ModelRow
from ocec.apis.measure_models_text import percent
from ocec.apis.pair_report_numbers import Ensemble, PairError
from ocec.functional.binned_accuracy import BinAccuracy
from ocec.functional.classification import ConfusionCounts
from ocec.visualization.run_log import RunLog

COLOR, LIGHT, FINAL = '#1f4e79', '#9bb7d4', '#b3541e'
CURVES = {'val/accuracy': 'val accuracy', 'train/loss': 'training loss'}
MAX_CURVES = 20
MONTAGE_COLUMNS, MONTAGE_ROWS = 6, 3


@dataclass(frozen=True)
class ReportFigures:
    """What there is to draw.

    Args:
        rows: of the models.
        runs: logs of the models that have one.
        model: name of the model that the next four are of.
        confusion: its decisions.
        by_occlusion: accuracy by covered share; may be empty.
        by_difference: accuracy by distance of the digits; may be empty.
        errors: wrong decisions.
        ensemble: None without one.
        split: that was scored.
    """

    rows: Sequence[ModelRow]
    runs: Sequence[RunLog]
    model: str
    confusion: ConfusionCounts
    by_occlusion: Sequence[BinAccuracy]
    by_difference: Sequence[BinAccuracy]
    errors: Sequence[PairError]
    ensemble: Ensemble | None
    split: str

    def draw(self, name: str) -> bytes:
        """Draw one figure for a page.

        Args:
            name: ``curves``, ``occlusion``, ``difference`` or ``ensemble``.

        Returns:
            A PNG file.
        """
        sizes = {'curves': (12, 4.4), 'ensemble': (10, 1.2 + 0.28 * self._bars())}
        figure = _new_figure(sizes.get(name, (6, 3.6)))
        if name == 'curves':
            _draw_curves(figure.subplots(1, 2), self.runs)
        elif name == 'ensemble':
            _draw_ensemble(figure.add_subplot(), self.ensemble)
        elif name == 'occlusion':
            _draw_bins(figure.add_subplot(), self.by_occlusion, occluded_label)
        else:
            _draw_bins(figure.add_subplot(), self.by_difference, difference_label)
        return _to_png(figure)

    def draw_sheet(self) -> bytes:
        """Draw everything on one sheet.

        Returns:
            A PNG file.
        """
        table_height = 0.8 + 0.24 * len(self.rows)
        ensemble_height = 1.2 + 0.28 * self._bars() if self.ensemble else 0.01
        heights = (table_height, 4.0, ensemble_height, 3.6, 4.2)
        figure = _new_figure((14, sum(heights)))
        parts = figure.subfigures(5, 1, height_ratios=heights)
        _draw_table(parts[0], self.rows, self.split)
        _draw_curves(parts[1].subplots(1, 2), self.runs)
        if self.ensemble:
            _draw_ensemble(parts[2].subplots(), self.ensemble)
        left, middle, right = parts[3].subplots(1, 3)
        _draw_confusion(left, self.confusion, self.model)
        _draw_bins(middle, self.by_occlusion, occluded_label)
        _draw_bins(right, self.by_difference, difference_label)
        _draw_montage(parts[4], self.errors, self.model)
        return _to_png(figure)

    def _bars(self) -> int:
        return len(self.ensemble.contenders) if self.ensemble else 0


def occluded_label(found: BinAccuracy) -> str:
    """Name a bin of covered shares, as ``35 to 45 %``."""
    if found.first <= 0:
        return f'< {100 * found.end:.0f} %'
    if found.end > 1:
        return f'> {100 * found.first:.0f} %'
    return f'{100 * found.first:.0f} to {100 * found.end:.0f} %'


def difference_label(found: BinAccuracy) -> str:
    """Name a bin of distances, as ``1``."""
    return f'{found.first:.0f}'


def _new_figure(size):
    # without pyplot: no window system is asked for, no figure stays open
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=100, layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def _to_png(figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format='png')
    return stream.getvalue()


def _draw_curves(axes_2, runs: Sequence[RunLog]) -> None:
    from matplotlib.ticker import MaxNLocator

    for axes, (name, title) in zip(axes_2, CURVES.items(), strict=True):
        for index, run in enumerate(runs[:MAX_CURVES]):
            if name in run.curves:
                curve = run.curves[name]
                style = '-' if index < 10 else '--'
                axes.plot(
                    curve.epoch_N,
                    curve.value_N,
                    style,
                    color=f'C{index % 10}',
                    linewidth=1.3,
                    label=run.name,
                )
        more = len(runs) - MAX_CURVES
        axes.set(title=title, xlabel='epoch')
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        if axes.lines:
            title = f'{more} more are not drawn' if more > 0 else None
            axes.legend(fontsize=7, title=title)


def _draw_bins(axes, bins: Sequence[BinAccuracy], label: Callable) -> None:
    what = (
        'covered share of the worse side'
        if label is occluded_label
        else 'difference of the digits'
    )
    axes.set(xlabel=what, ylabel='accuracy', title=f'accuracy by {what}')
    shown = [found for found in bins if found.rows]
    if not shown:
        axes.text(0.5, 0.5, 'not known', ha='center', transform=axes.transAxes)
        return
    places = range(len(shown))
    heights = [found.accuracy for found in shown]
    errors = [
        [_length(f.accuracy - f.low) for f in shown],
        [_length(f.high - f.accuracy) for f in shown],
    ]
    axes.bar(places, heights, color=LIGHT, yerr=errors, ecolor=COLOR, capsize=3)
    axes.set_xticks(places, [f'{label(f)}\nn={f.rows:,}' for f in shown], fontsize=7)
    axes.axhline(0.5, color='#888', linewidth=0.8, linestyle='dotted')
    axes.set_ylim(0, 1.02)
    axes.grid(axis='y', alpha=0.3)


def _length(value: float) -> float:
    return 0.0 if math.isnan(value) else max(value, 0.0)


def _draw_ensemble(axes, ensemble: Ensemble) -> None:
    found = ensemble.contenders[::-1]  # the best on top
    for place, one in enumerate(found):
        color = FINAL if one.is_final else COLOR if one.kind == 'method' else LIGHT
        spread = [[_length(one.accuracy - one.low)], [_length(one.high - one.accuracy)]]
        axes.errorbar(one.accuracy, place, xerr=spread, fmt='o', color=color, capsize=3)
    names = [f'{one.name} (predicts)' if one.is_final else one.name for one in found]
    axes.set_yticks(range(len(found)), names, fontsize=8)
    axes.set(
        title=f'ensemble against members, accuracy on {ensemble.split}, 95 % interval; '
        'dark: combiners, light: members',
    )
    axes.title.set_fontsize(10)
    axes.xaxis.set_major_formatter(lambda share, _: f'{share:.1%}')
    axes.grid(alpha=0.3)


def _draw_confusion(axes, counts: ConfusionCounts, model: str) -> None:
    rows = [[counts.tn, counts.fp], [counts.fn, counts.tp]]
    axes.imshow(rows, cmap='Blues', vmin=0, vmax=2 * max(max(row) for row in rows))
    for at, row in enumerate(rows):
        for to, count in enumerate(row):
            axes.text(to, at, f'{count:,}', ha='center', va='center', fontsize=12)
    words = ['left smaller', 'left larger']
    axes.set_xticks([0, 1], words)
    axes.set_yticks([0, 1], words, rotation=90, va='center')
    axes.set(xlabel='said', ylabel='is')
    axes.set_title(model, fontsize=9)


def _draw_table(figure, rows: Sequence[ModelRow], split: str) -> None:
    axes = figure.subplots()
    axes.axis('off')
    header = ['model', 'params', 'val %', f'{split} %', '95 %', 'F1', 'min']
    cells = [
        [
            row.name,
            '–' if row.params is None else f'{row.params:,}',
            percent(row.val_accuracy),
            'FAILED' if row.accuracy is None else percent(row.accuracy),
            '–' if row.low is None else f'{percent(row.low)} to {percent(row.high)}',
            percent(row.f1),
            '–' if row.minutes is None else f'{row.minutes:.1f}',
        ]
        for row in rows
    ]
    widths = [0.3, 0.12, 0.1, 0.1, 0.18, 0.1, 0.1]
    table = axes.table(cells, colLabels=header, colWidths=widths, loc='center')
    table.auto_set_font_size(False)
    table.set_fontsize(9)


def _draw_montage(figure, errors: Sequence[PairError], model: str) -> None:
    figure.suptitle(f'most confident errors of {model}: digits, P(left larger)')
    grid = figure.subplots(MONTAGE_ROWS, MONTAGE_COLUMNS).ravel()
    for axes in grid:
        axes.axis('off')
    for axes, error in zip(grid, errors, strict=False):
        axes.imshow(error.x_HW, cmap='gray', vmin=0, vmax=255)
        axes.axvline(27.5, color='#d55e00', linewidth=0.8)
        axes.set_title(f'{digits_text(error)}   P {error.prob:.3f}', fontsize=9)


def digits_text(error: PairError) -> str:
    """Write both digits, as ``7 | 6``; a question mark where they are not known."""
    sides = ['?' if side is None else str(side) for side in (error.left, error.right)]
    return ' | '.join(sides)
