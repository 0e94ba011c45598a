"""How much each feature counts in the combiners that learn weights."""

from __future__ import annotations

import io
from collections.abc import Mapping

COLOR = '#1f4e79'


def draw_importance(importance: Mapping[str, Mapping[str, float]]) -> bytes:
    """Draw a bar for each feature, one panel for each combiner.

    Args:
        importance: name of a combiner to the share of each of its features, at least
            one combiner.

    Returns:
        A PNG file.
    """
    # without pyplot: no window system is asked for, no figure stays open
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    most = max(len(shares) for shares in importance.values())
    size = (5.5 * len(importance), 1.4 + 0.28 * most)
    figure = Figure(figsize=size, dpi=100, layout='constrained')
    FigureCanvasAgg(figure)
    for number, (name, shares) in enumerate(importance.items(), start=1):
        axes = figure.add_subplot(1, len(importance), number)
        ordered = sorted(shares.items(), key=lambda item: item[1])
        features, values = zip(*ordered, strict=True)
        bars = axes.barh(features, values, color=COLOR)
        axes.bar_label(bars, fmt='{:.1%}', padding=3, fontsize=8)
        axes.set_xlim(0, 1.15 * max(*values, 1e-9))
        axes.xaxis.set_major_formatter('{x:.0%}')
        axes.tick_params(labelsize=8)
        axes.set_title(name, fontsize=11)
    figure.supxlabel(
        'share of the total: gain of the splits for trees, absolute weight for logits',
        fontsize=9,
    )
    stream = io.BytesIO()
    figure.savefig(stream, format='png')
    return stream.getvalue()
