"""Picture of what averaging two models gives on two data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

COLOR_A, COLOR_B, COLOR_MEAN, COLOR_CHOSEN = '#1f4e79', '#c0392b', '#7f8c8d', '#000000'


@dataclass(frozen=True)
class AveragePoint:
    """What one model on the line gives.

    Args:
        alpha: share of B.
        a: name to value of the metrics on the data of A.
        b: the same on the data of B.
    """

    alpha: float
    a: dict[str, float | None]
    b: dict[str, float | None]


def draw_average_curve(
    points: Sequence[AveragePoint], chosen: AveragePoint, path: Path
) -> None:
    """Draw F1 on both data sets over alpha, and one against the other.

    Args:
        points: the models on the line, by rising alpha.
        chosen: one of them.
        path: PNG to write.
    """
    # without pyplot: no window system is asked for, no figure stays open
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    alphas = [point.alpha for point in points]
    f1_a, f1_b = ([getattr(p, side)['f1'] for p in points] for side in 'ab')
    figure = Figure(figsize=(11, 4.5), dpi=120, layout='constrained')
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    means = [(a + b) / 2 for a, b in zip(f1_a, f1_b, strict=True)]
    for values, color, label in (
        (f1_a, COLOR_A, 'data A'),
        (f1_b, COLOR_B, 'data B'),
        (means, COLOR_MEAN, 'their mean'),
    ):
        left.plot(alphas, values, marker='o', markersize=4, color=color, label=label)
    left.axvline(
        chosen.alpha,
        color=COLOR_CHOSEN,
        linestyle='--',
        linewidth=1,
        label=f'chosen, {chosen.alpha:g}',
    )
    left.set(xlabel='alpha: share of B in the weights', ylabel='F1')
    right.plot(f1_a, f1_b, marker='o', markersize=4, color=COLOR_MEAN)
    _name_points(right, points)
    right.plot(chosen.a['f1'], chosen.b['f1'], 'o', color=COLOR_CHOSEN, markersize=9)
    right.set(xlabel='F1 on data A', ylabel='F1 on data B')
    for axes in (left, right):
        axes.grid(alpha=0.3)
    left.legend()
    figure.savefig(path)


def _name_points(axes, points: Sequence[AveragePoint]) -> None:
    for point in points:
        name = {0: 'A', 1: 'B'}.get(point.alpha, f'{point.alpha:g}')
        axes.annotate(
            name,
            (point.a['f1'], point.b['f1']),
            xytext=(5, 5),
            textcoords='offset points',
            fontsize=8,
        )
