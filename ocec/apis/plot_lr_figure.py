"""Picture of the learning rates of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

MAX_LEGEND = 24


@dataclass
class RateCurves:
    """Learning rate of each parameter group at each iteration.

    Args:
        names: of the groups; groups of one stage have one name.
        epoch: of each point, a fraction, from 0.
        rate: for each group, its rate at each point; NaN while it is frozen.
        num_epochs: length of the run.
        iters_per_epoch: iterations of an epoch.
    """

    names: list[str]
    epoch: list[float] = field(default_factory=list)
    rate: list[list[float]] = field(default_factory=list)
    num_epochs: int = 0
    iters_per_epoch: int = 0

    def __post_init__(self) -> None:
        """Begin a list for each group."""
        self.rate = [[] for _ in self.names]

    def add(self, epoch: float, rates: Sequence[float | None]) -> None:
        """Add a point.

        Args:
            epoch: trained before it, a fraction.
            rates: of each group; None for one that is frozen.
        """
        self.epoch.append(epoch)
        for points, rate in zip(self.rate, rates, strict=True):
            points.append(math.nan if rate is None else rate)

    def by_stage(self) -> dict[str, list[float]]:
        """Return the curves of different names; groups of one stage share theirs."""
        curves: dict[str, list[float]] = {}
        for name, points in zip(self.names, self.rate, strict=True):
            curves.setdefault(name, points)
        return curves


def draw_rates(
    curves: RateCurves, path: Path, *, title: str, notes: Sequence[str] = ()
) -> None:
    """Draw the rates over the epochs; a frozen stage has no line.

    Args:
        curves: at least one point.
        path: PNG to write.
        title: of the picture.
        notes: what the curves leave open, written below them.

    Raises:
        ImportError: matplotlib is not installed.
    """
    # without pyplot: no window system is asked for, no figure stays open
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), dpi=120, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    by_stage = curves.by_stage()
    colors = colormaps['viridis']
    for index, (name, rates) in enumerate(by_stage.items()):
        color = colors(index / max(1, len(by_stage) - 1) * 0.9)
        always = not any(map(math.isnan, rates))
        never = all(map(math.isnan, rates))
        label = (
            name if always else f'{name} ({"frozen" if never else "unfrozen later"})'
        )
        # the image's end dark and thick below, the head light and thin on top
        width = 3.0 - 1.8 * index / max(1, len(by_stage) - 1)
        axes.plot(curves.epoch, rates, color=color, linewidth=width, label=label)
    axes.set(xlabel='epoch', ylabel='learning rate', title=title)
    axes.set_xlim(0, curves.num_epochs)
    shown = [rate for rates in by_stage.values() for rate in rates if rate > 0]
    if shown and max(shown) > 20 * min(shown):
        axes.set_yscale('log')
    axes.grid(which='major', alpha=0.3)
    figure.legend(loc='outside right upper', ncols=1 + (len(by_stage) > MAX_LEGEND))
    if notes:
        figure.supxlabel('; '.join(notes), fontsize='small')
    figure.savefig(path)
