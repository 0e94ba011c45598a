"""Pictures of a drift: scores, calibration and embeddings of A and B.

Shapes: N rows of both sets.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np

from ocec.apis.compare_datasets_plot import COLORS
from ocec.functional.probability import CLASS_NAMES, CLOSED, OPEN
from ocec.visualization.diagnostic_plots import CLASS_COLORS, GUIDE_COLOR, INK

NO_LABEL_COLOR = '#777777'
# of a set and class: the set by colour, the class by shape
MARKERS = {CLOSED: 'x', OPEN: 'o', -1: '.'}


def draw_scores(histograms: Mapping[str, dict], threshold: float) -> bytes:
    """Draw how many rows of each class get which P(open), A beside B.

    Args:
        histograms: of A and B: ``edges``, and counts of each class and ``no label``.
        threshold: to be marked.

    Returns:
        A PNG file.
    """
    figure = _new_figure((11, 3.6))
    colors = {**dict(zip(CLASS_NAMES, CLASS_COLORS, strict=True))}
    colors['no label'] = NO_LABEL_COLOR
    for number, (which, histogram) in enumerate(histograms.items(), start=1):
        axes = figure.add_subplot(1, 2, number)
        for name, color in colors.items():
            if sum(histogram[name]):
                axes.stairs(
                    histogram[name],
                    histogram['edges'],
                    baseline=0.5,
                    fill=True,
                    color=color,
                    alpha=0.55,
                    label=f'{name} ({sum(histogram[name]):,})',
                )
        axes.axvline(threshold, color=INK, linestyle='--', label=f'at {threshold:.3g}')
        axes.set_yscale('log')
        axes.set_ylim(bottom=0.5)
        axes.set(title=which, xlabel='P(open)', ylabel='rows')
        axes.legend(loc='upper center', fontsize=8)
    return _png(figure)


def draw_reliability(bins: Mapping[str, dict]) -> bytes:
    """Draw the share that is open over the mean P(open), by bin.

    Args:
        bins: of A and B: ``count``, ``mean_prob`` and ``open_share`` of each bin.

    Returns:
        A PNG file.
    """
    figure = _new_figure((5.4, 4.2))
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color=GUIDE_COLOR, linestyle=':', label='perfect')
    for which, found in bins.items():
        shown = [n for n, count in enumerate(found['count']) if count]
        x, y = ([found[key][n] for n in shown] for key in ('mean_prob', 'open_share'))
        axes.plot(x, y, marker='o', color=COLORS[which], label=which)
        for n, x_n, y_n in zip(shown, x, y, strict=True):
            # a bin of a few rows says little
            axes.annotate(
                f'{found["count"][n]:,}',
                (x_n, y_n),
                xytext=(4, -10 if which == 'A' else 5),
                textcoords='offset points',
                fontsize=7,
                color=COLORS[which],
            )
    axes.set(xlabel='mean P(open) of a bin', ylabel='share that is open')
    axes.grid(alpha=0.3)
    axes.legend(loc='upper left', fontsize=8)
    return _png(figure)


def draw_projection(
    point_N2: np.ndarray,
    is_b_N: np.ndarray,
    label_N: np.ndarray,
    axis_names: Sequence[str],
) -> bytes:
    """Draw embeddings in a plane: the set by colour, the class by shape.

    Args:
        point_N2: (N, 2) coordinates.
        is_b_N: (N,) bool, those of B.
        label_N: (N,) 1 open, 0 closed, -1 unknown.
        axis_names: of x and y.

    Returns:
        A PNG file.
    """
    figure = _new_figure((6.4, 5.2))
    axes = figure.add_subplot()
    names = {**dict(enumerate(CLASS_NAMES)), -1: 'no label'}
    for is_b, which in enumerate('AB'):
        for code, marker in MARKERS.items():
            wanted_N = (is_b_N == bool(is_b)) & (label_N == code)
            if wanted_N.any():
                axes.scatter(
                    *point_N2[wanted_N].T,
                    s=14,
                    marker=marker,
                    color=COLORS[which],
                    linewidths=0.9 if marker == 'x' else 0,
                    alpha=0.5,
                    label=f'{which}, {names[code]} ({wanted_N.sum():,})',
                )
    axes.set(xlabel=axis_names[0], ylabel=axis_names[1])
    axes.legend(loc='best', fontsize=8)
    return _png(figure)


def _new_figure(size: tuple[float, float]):
    # without pyplot: no window system is asked for, no figure stays open
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=100, layout='constrained')
    FigureCanvasAgg(figure)
    return figure


def _png(figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format='png')
    return stream.getvalue()
