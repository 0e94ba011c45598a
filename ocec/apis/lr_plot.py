"""Picture of a learning-rate range test."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ocec.apis.lr_curve import LRCurve, LRSuggestion

RAW_COLOR, SMOOTH_COLOR = '#9fb8d0', '#1f4e79'
TAKE_COLOR, OTHER_COLOR = '#c0392b', '#7f8c8d'


def draw_lr_curve(
    curve: LRCurve, suggestion: LRSuggestion | None, path: Path, *, title: str
) -> None:
    """Draw the losses over log lr, with the suggestions marked.

    Args:
        curve: of the test, at least one step.
        suggestion: None where the curve gave none.
        path: PNG to write.
        title: what was tested.
    """
    # without pyplot: no window system is asked for, no figure stays open
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), dpi=120, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.plot(curve.lr, curve.loss, color=RAW_COLOR, linewidth=1, label='loss')
    label = f'smoothed ({curve.smoothing:g})'
    axes.plot(curve.lr, curve.smoothed, color=SMOOTH_COLOR, linewidth=2, label=label)
    if suggestion is not None:
        _mark_suggestions(axes, curve, suggestion)
    axes.set(xscale='log', xlabel='learning rate', ylabel='training loss', title=title)
    axes.set_ylim(*_shown_losses(curve))
    axes.grid(which='major', alpha=0.3)
    axes.legend()
    figure.savefig(path)


def _mark_suggestions(axes, curve: LRCurve, suggestion: LRSuggestion) -> None:
    log_lr_N = np.log10(curve.lr)
    for name, lr, color, marker in (
        ('suggested: lowest / 10', suggestion.min_over_10, TAKE_COLOR, 'o'),
        ('steepest', suggestion.steepest, OTHER_COLOR, 's'),
        ('lowest', suggestion.lowest, OTHER_COLOR, 'v'),
    ):
        loss = float(np.interp(np.log10(lr), log_lr_N, curve.smoothed))
        axes.axvline(lr, color=color, linestyle='--', linewidth=1)
        label = f'{name}, {lr:.2g}'
        axes.plot([lr], [loss], marker, color=color, markersize=8, label=label)


def _shown_losses(curve: LRCurve) -> tuple[float, float]:
    """Limits of the y axis: the last steps of a divergence would squeeze the rest."""
    lowest = min(curve.loss)
    shown = [loss for loss in curve.smoothed if loss <= 2 * curve.smoothed[0]]
    highest = max([*shown, curve.smoothed[0]])
    margin = 0.1 * (highest - lowest) or 0.1
    return lowest - margin, highest + 2 * margin
