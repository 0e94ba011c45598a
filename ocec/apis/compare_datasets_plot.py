"""Histograms of two data sets over each other."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

COLORS = {'A': '#1f4e79', 'B': '#c0392b'}
COLUMNS = 3
CLASS_STYLES = {'closed': 'dotted', 'open': 'dashed'}


def draw_histograms(histograms: dict[str, dict], names: Sequence[str]) -> bytes:
    """Draw the shares of A and B by bin, all pictures filled, classes as lines.

    Args:
        histograms: of :func:`ocec.preparation.drift_numbers.histograms`.
        names: the statistics to draw, in order, at least one.

    Returns:
        A PNG file.
    """
    # without pyplot: no window system is asked for, no figure stays open
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = -(-len(names) // COLUMNS)
    figure = Figure(figsize=(12, 2.4 * lines + 0.4), dpi=100, layout='constrained')
    FigureCanvasAgg(figure)
    for number, name in enumerate(names, start=1):
        axes = figure.add_subplot(lines, COLUMNS, number)
        _draw(axes, histograms[name])
        axes.set_title(name, fontsize=11)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='outside upper center', ncols=6, fontsize=9)
    stream = io.BytesIO()
    figure.savefig(stream, format='png')
    return stream.getvalue()


def _draw(axes, histogram: dict) -> None:
    edges = histogram['edges']
    for which, color in COLORS.items():
        counts = histogram[which]
        total = sum(counts['all'])
        axes.stairs(
            np.array(counts['all']) / total,
            edges,
            fill=True,
            color=color,
            alpha=0.3,
            label=f'{which}, all',
        )
        for label, style in CLASS_STYLES.items():
            # shares of the whole set: the two lines add up to the filled area
            axes.stairs(
                np.array(counts[label]) / total,
                edges,
                color=color,
                linestyle=style,
                label=f'{which}, {label}',
            )
    axes.set_yticks([])
