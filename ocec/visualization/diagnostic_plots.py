"""Figures that show where a binary classifier goes wrong; no display is needed.

Shapes: N samples, T thresholds, C classes, H x W pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ocec.functional.calibration import Reliability
from ocec.functional.classification import ConfusionCounts
from ocec.functional.probability import CLASS_NAMES, CLOSED, OPEN
from ocec.functional.thresholds import (
    ThresholdSweep,
    precision_recall_points,
    roc_points,
)

# matplotlib.figure.Figure; the library is imported where it is needed
Figure = Any

# told apart by colour-blind readers too (Okabe and Ito, 2008)
CLASS_COLORS = ('#0072b2', '#e69f00')
LINE_COLORS = ('#0072b2', '#e69f00', '#009e73', '#d55e00')
GUIDE_COLOR, INK = '#999999', '#222222'
SIZE_INCHES, DPI = (5.2, 4.2), 100
# more points than pixels only cost time
MAX_POINTS = 2000
NUM_BINS = 50


def plot_confusion(
    counts: ConfusionCounts,
    *,
    threshold: float,
    class_names: Sequence[str] = CLASS_NAMES,
) -> Figure:
    """Draw the four counts, each with its share of the true class.

    Args:
        counts: of all samples.
        threshold: at which they were counted, for the title.
        class_names: name of label 0 and of label 1.

    Returns:
        The figure.
    """
    rows_CC = np.array([[counts.tn, counts.fp], [counts.fn, counts.tp]])
    share_CC = rows_CC / rows_CC.sum(axis=1, keepdims=True).clip(min=1)
    figure, axes = _new_figure(
        f'{rows_CC.sum():,} samples at threshold {threshold:.3g}'
    )
    axes.imshow(share_CC, cmap='Blues', vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(rows_CC):
        share = share_CC[row, column]
        axes.text(
            column,
            row,
            f'{count:,}\n{share:.1%}',
            ha='center',
            va='center',
            fontsize=14,
            color='white' if share > 0.5 else INK,
        )
    axes.set_xticks(range(2), class_names)
    axes.set_yticks(range(2), class_names)
    axes.set(xlabel='called', ylabel='is')
    return figure


def plot_roc(
    sweep: ThresholdSweep,
    *,
    auc: float,
    counts: ConfusionCounts | None = None,
    class_names: Sequence[str] = CLASS_NAMES,
) -> Figure:
    """Draw the share of open found over the share of closed called open.

    Args:
        sweep: counts at every threshold.
        auc: area under the curve, for the title; NaN when a class is missing.
        counts: at the threshold in use, to be marked.
        class_names: name of label 0 and of label 1.

    Returns:
        The figure.
    """
    figure, axes = _new_figure(f'ROC, area {_number(auc)}')
    axes.plot([0, 1], [0, 1], color=GUIDE_COLOR, linestyle=':', label='chance')
    _draw_curve(axes, *roc_points(sweep))
    if counts is not None:
        _mark(axes, _share(counts.fp, counts.tn), _share(counts.tp, counts.fn))
    closed, opened = class_names
    axes.set(
        xlabel=f'false-alarm rate: {closed} called {opened}',
        ylabel=f'recall of {opened}',
    )
    return _finish(figure, axes, 'lower right')


def plot_pr(
    sweep: ThresholdSweep,
    *,
    ap: float,
    counts: ConfusionCounts | None = None,
    class_names: Sequence[str] = CLASS_NAMES,
) -> Figure:
    """Draw precision over recall of open.

    Args:
        sweep: counts at every threshold.
        ap: average precision, for the title; NaN when nothing is open.
        counts: at the threshold in use, to be marked.
        class_names: name of label 0 and of label 1.

    Returns:
        The figure.
    """
    figure, axes = _new_figure(f'precision and recall, average {_number(ap)}')
    # at the first threshold all is called open
    for share_open in sweep.precision[:1]:
        axes.axhline(share_open, color=GUIDE_COLOR, linestyle=':', label='chance')
    _draw_curve(axes, *precision_recall_points(sweep))
    if counts is not None:
        _mark(axes, _share(counts.tp, counts.fn), _share(counts.tp, counts.fp))
    name = class_names[OPEN]
    axes.set(xlabel=f'recall of {name}', ylabel=f'precision of {name}')
    return _finish(figure, axes, 'lower left')


def plot_reliability(
    reliability: Reliability, *, ece: float, class_names: Sequence[str] = CLASS_NAMES
) -> Figure:
    """Draw the true share of open over the mean P(open), by bin.

    Args:
        reliability: the bins.
        ece: expected calibration error, for the title.
        class_names: name of label 0 and of label 1.

    Returns:
        The figure.
    """
    figure, axes = _new_figure(f'reliability, calibration error {_number(ece)}')
    count_K = reliability.count
    axes.plot([0, 1], [0, 1], color=GUIDE_COLOR, linestyle=':', label='perfect')
    axes.stairs(
        count_K / max(count_K.sum(), 1),
        reliability.edges,
        fill=True,
        color=GUIDE_COLOR,
        alpha=0.25,
        label='share of samples',
    )
    points = reliability.mean_prob[count_K > 0], reliability.open_share[count_K > 0]
    axes.plot(*points, color=LINE_COLORS[0], marker='o', label='measured')
    # a bin of a few samples says little
    for x, y, num in zip(*points, count_K[count_K > 0], strict=True):
        place = {'xytext': (4, -10), 'textcoords': 'offset points'}
        axes.annotate(f'{num:,}', (x, y), fontsize=7, **place)
    name = class_names[OPEN]
    axes.set(xlabel=f'mean P({name}) of a bin', ylabel=f'share that is {name}')
    return _finish(figure, axes, 'upper left')


def plot_score_histogram(
    prob_N: np.ndarray,
    label_N: np.ndarray,
    *,
    threshold: float,
    class_names: Sequence[str] = CLASS_NAMES,
) -> Figure:
    """Draw how many samples of each class get which score, counts on a log scale.

    Args:
        prob_N: (N,) P(open) in [0, 1].
        label_N: (N,) 1 open, 0 closed.
        threshold: to be marked.
        class_names: name of label 0 and of label 1.

    Returns:
        The figure.
    """
    figure, axes = _new_figure('scores by true class')
    for code in (CLOSED, OPEN):
        is_class_N = label_N == code
        counts, edges = np.histogram(prob_N[is_class_N], NUM_BINS, (0, 1))
        axes.stairs(
            counts,
            edges,
            baseline=0.5,
            fill=True,
            color=CLASS_COLORS[code],
            alpha=0.55,
            label=f'{class_names[code]} ({is_class_N.sum():,})',
        )
    axes.axvline(threshold, color=INK, linestyle='--', label=f'at {threshold:.3g}')
    axes.set_yscale('log')
    axes.minorticks_off()
    axes.set_ylim(bottom=0.5)
    axes.set(xlabel=f'P({class_names[OPEN]})', ylabel='samples')
    axes.legend(loc='upper center', fontsize=8)
    return figure


def plot_threshold_curve(
    sweep: ThresholdSweep,
    *,
    threshold: float,
    chosen: Mapping[str, float | None] | None = None,
) -> Figure:
    """Draw precision, recall, F1 and false-alarm rate over the threshold.

    Args:
        sweep: counts at every threshold.
        threshold: the one in use, to be marked.
        chosen: other thresholds to mark, by name; None where there is none.

    Returns:
        The figure.
    """
    figure, axes = _new_figure('what the threshold decides')
    shares = {
        'precision': sweep.precision,
        'recall': sweep.recall,
        'F1': sweep.f1,
        'false-alarm rate': sweep.false_alarm_rate,
    }
    # the last threshold, above all scores, is infinite
    shown = _thinned(max(len(sweep.threshold_T) - 1, 0))
    for color, (name, share_T) in zip(LINE_COLORS, shares.items(), strict=True):
        axes.plot(sweep.threshold_T[shown], share_T[shown], color=color, label=name)
    axes.axvline(threshold, color=INK, linestyle='--', label=f'in use {threshold:.3g}')
    styles = ('-.', ':', (0, (5, 1)))
    for number, (name, value) in enumerate((chosen or {}).items()):
        if value is not None and np.isfinite(value):
            axes.axvline(
                value,
                color=GUIDE_COLOR,
                linestyle=styles[number % len(styles)],
                label=f'{name} {value:.3g}',
            )
    axes.set(xlabel='threshold', ylabel='share')
    return _finish(figure, axes, 'center')


def plot_embedding(
    point_N2: np.ndarray,
    label_N: np.ndarray,
    *,
    is_error_N: np.ndarray,
    title: str,
    axis_names: Sequence[str] = ('', ''),
    class_names: Sequence[str] = CLASS_NAMES,
) -> Figure:
    """Draw projected embeddings by true class; errors have a black edge.

    Args:
        point_N2: (N, 2) coordinates.
        label_N: (N,) 1 open, 0 closed.
        is_error_N: (N,) bool, decided wrongly.
        title: what was projected.
        axis_names: of x and y.
        class_names: name of label 0 and of label 1.

    Returns:
        The figure.
    """
    figure, axes = _new_figure(title)
    for code in (CLOSED, OPEN):
        for is_error, edge in ((False, 'none'), (True, INK)):
            wanted_N = (label_N == code) & (is_error_N == is_error)
            axes.scatter(
                *point_N2[wanted_N].T,
                s=18 if is_error else 9,
                color=CLASS_COLORS[code],
                edgecolors=edge,
                linewidths=0.8,
                alpha=0.9 if is_error else 0.5,
                label=f'{class_names[code]}{", wrong" if is_error else ""} '
                f'({wanted_N.sum():,})',
            )
    axes.set(xlabel=axis_names[0], ylabel=axis_names[1])
    # the search for the best place takes longer than all the rest
    axes.legend(loc='upper right', fontsize=8)
    return figure


def figure_pixels(figure: Figure) -> np.ndarray:
    """Render a figure.

    Args:
        figure: of this module.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()


def _new_figure(title: str):
    """Make a figure with one pair of axes; pyplot and its global state stay unused."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE_INCHES, dpi=DPI)
    FigureCanvasAgg(figure)
    # fixed margins: a computed layout takes half as long again
    axes = figure.add_axes((0.14, 0.13, 0.82, 0.78))
    axes.set_title(title, fontsize=11)
    return figure, axes


def _finish(figure: Figure, axes, legend_place: str) -> Figure:
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc=legend_place, fontsize=8)
    return figure


def _draw_curve(axes, x_T: np.ndarray, y_T: np.ndarray) -> None:
    shown = _thinned(len(x_T))
    axes.plot(x_T[shown], y_T[shown], color=LINE_COLORS[0], linewidth=1.8)


def _mark(axes, x: float | None, y: float | None) -> None:
    if x is not None and y is not None:
        axes.plot(x, y, 'o', color=LINE_COLORS[3], label=f'in use ({x:.3f}, {y:.3f})')


def _share(part: int, rest: int) -> float | None:
    """Part of part and rest; None where both are zero."""
    return part / (part + rest) if part + rest else None


def _thinned(num: int) -> np.ndarray:
    """Indices of at most MAX_POINTS of ``num`` places, both ends among them."""
    return np.linspace(0, num - 1, min(num, MAX_POINTS)).round().astype(np.int64)


def _number(value: float) -> str:
    return 'without a value' if np.isnan(value) else f'{value:.4f}'
