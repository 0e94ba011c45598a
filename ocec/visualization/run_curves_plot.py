"""Curves of runs as one picture."""

# N points of a curve

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ocec.visualization.run_groups import RunGroup, mean_curve
from ocec.visualization.run_log import RunLog
from ocec.visualization.run_records import Curve

PANELS = (
    'train/fused_top1',
    'val/rgb_top1',
    'val/pose_top1',
    'val/loss',
    'train/loss',
    'val/fisher',
    'lr',
    'grad_norm',
)
MAX_LINES = 12
LOG_SCALE = ('train/loss', 'lr')


def draw_curves(
    runs: Sequence[RunLog], groups: Sequence[RunGroup], path: Path, *, metric: str
) -> None:
    """Draw the metric, those of single streams, losses, Fisher ratio, rate, gradients.

    A line is a group of seeds: their mean, and a band of one standard deviation.

    Args:
        runs: to show.
        groups: of them; the first 12 are drawn.
        path: PNG to write.
        metric: the curve shown first; empty for none.

    Raises:
        ImportError: matplotlib is not installed.
    """
    # without pyplot: no window system is asked for, no figure stays open
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [name for name in dict.fromkeys((metric, *PANELS)) if name]
    names = [name for name in names if any(name in run.curves for run in runs)]
    rows = -(-len(names) // 2)
    figure = Figure(figsize=(13, 3.6 * rows + 0.6), dpi=110, layout='constrained')
    FigureCanvasAgg(figure)
    handles = {}
    for number, name in enumerate(names):
        axes = figure.add_subplot(rows, 2, number + 1)
        for index, group in enumerate(groups[:MAX_LINES]):
            curves = [
                runs[i].curves[name] for i in group.runs if name in runs[i].curves
            ]
            if curves:
                label = _plain(group.name)
                if len(curves) > 1:
                    label += f' ({len(curves)})'
                handles[label] = _draw_group(axes, curves, f'C{index % 10}')
        axes.set(title=_plain(name), yscale='log' if name in LOG_SCALE else 'linear')
        axes.grid(alpha=0.3)
    left_over = len(groups) - MAX_LINES
    title = f'{left_over} more are not drawn' if left_over > 0 else None
    figure.legend(
        handles.values(), handles.keys(), loc='outside right upper', title=title
    )
    figure.savefig(path)


def _plain(text: str) -> str:
    # matplotlib reads what is between two dollars as a formula
    return text.replace('$', r'\$')


def _draw_group(axes, curves: Sequence[Curve], color: str):
    mean, spread_N = mean_curve(curves)
    knows_epochs = np.isfinite(mean.epoch_N).all()
    x_N = mean.epoch_N if knows_epochs else mean.step_N
    axes.set_xlabel('epoch' if knows_epochs else 'step')
    [line] = axes.plot(x_N, mean.value_N, color=color, linewidth=1.4)
    if len(curves) > 1:
        low_N, high_N = mean.value_N - spread_N, mean.value_N + spread_N
        axes.fill_between(x_N, low_N, high_N, color=color, alpha=0.2, linewidth=0)
    return line
