"""What a learning-rate range test measured, and what follows from it.

Shapes: N steps.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from ocec.engine.checkpoint_io import write_text_atomically

SMOOTHING = 0.9
"""Default of the running mean: it looks back over about 10 steps."""

# share of the steps whose losses tell the level and the noise before any learning
START_SHARE = 0.1
# share of the steps that a line is fitted to, to find the steepest fall
WINDOW_SHARE = 0.2
MIN_STEPS = 5  # of either
MIN_FALL = 1e-3  # share of the loss; less is no descent even without noise


@dataclass(frozen=True)
class LRSuggestion:
    """Learning rates read off a curve.

    Args:
        min_over_10: a tenth of ``lowest``, the one to take: it still learns fast, has
            room below divergence, and moves little from seed to seed. Below 30 steps a
            decade it comes out high, since the running mean lags by 10 steps.
        steepest: where the loss falls fastest by log lr: a cautious choice, and a
            noisier one, since a few lucky batches can move it.
        lowest: where the smoothed loss is lowest; training diverges not far above.
    """

    min_over_10: float
    steepest: float
    lowest: float


@dataclass
class LRCurve:
    """Losses by learning rate, in the order of the steps.

    Args:
        smoothing: weight of the past in the running mean, in [0, 1).
        lr: learning rate of each step, ascending, > 0.
        loss: loss of its batch, before the step.
        smoothed: exponential mean of the losses so far, without the bias towards its
            start at zero.

    Raises:
        ValueError: ``smoothing`` is out of range.

    Source:
        Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017,
        section 3.3, arXiv:1506.01186; bias correction: Kingma and Ba, Adam, ICLR
        2015, section 3, arXiv:1412.6980.
    """

    smoothing: float = SMOOTHING
    lr: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    smoothed: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Check the arguments."""
        if not 0 <= self.smoothing < 1:
            raise ValueError(f'smoothing must be in [0, 1), got {self.smoothing}')
        self._mean = 0.0  # biased

    def __len__(self) -> int:
        """Return the number of steps N."""
        return len(self.lr)

    def add(self, lr: float, loss: float) -> None:
        """Add a step.

        Args:
            lr: above that of the step before.
            loss: finite.
        """
        self._mean = self.smoothing * self._mean + (1 - self.smoothing) * loss
        self.lr.append(lr)
        self.loss.append(loss)
        self.smoothed.append(self._mean / (1 - self.smoothing ** len(self)))

    def write_csv(self, path: Path) -> None:
        """Write one row a step: step, lr, loss, smoothed."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator='\n')
        writer.writerow(['step', 'lr', 'loss', 'smoothed'])
        steps = zip(self.lr, self.loss, self.smoothed, strict=True)
        writer.writerows([number, *step] for number, step in enumerate(steps, start=1))
        write_text_atomically(stream.getvalue(), path)

    def write_json(
        self, path: Path, suggestion: LRSuggestion | None, settings: dict
    ) -> None:
        """Write settings, suggestion and the points.

        Args:
            path: file to write.
            suggestion: None where the curve gave none.
            settings: of the test; values that JSON knows.
        """
        content = {
            **settings,
            'smoothing': self.smoothing,
            'suggestion': suggestion and asdict(suggestion),
            'points': {'lr': self.lr, 'loss': self.loss, 'smoothed': self.smoothed},
        }
        write_text_atomically(json.dumps(content, indent=2) + '\n', path)


def suggest_lr(curve: LRCurve) -> LRSuggestion:
    """Read the learning rates off a curve.

    Args:
        curve: of a range test.

    Returns:
        The suggestions.

    Raises:
        ValueError: there are too few steps, or the loss did not fall by more than
            twice the spread of the first losses, as chance does.
    """
    least = 2 * MIN_STEPS
    if len(curve) < least:
        raise ValueError(
            f'the test ended after {len(curve)} steps, fewer than {least}: the loss '
            'diverged or the range is too short; lower --min-lr or raise --num-iters'
        )
    lowest = int(np.argmin(curve.smoothed))
    num_start = max(MIN_STEPS, round(START_SHARE * len(curve)))
    start, spread = np.mean(curve.loss[:num_start]), np.std(curve.loss[:num_start])
    best = curve.smoothed[lowest]
    if start - best <= max(2 * spread, MIN_FALL * start):
        raise ValueError(
            f'the loss did not fall: {start:.4g} +/- {spread:.2g} over the first '
            f'{num_start} steps, at best {best:.4g} at lr {curve.lr[lowest]:.2g}. '
            'If the curve is flat, raise --max-lr; if it only rises, lower --min-lr; '
            'if neither helps, check the data and the model'
        )
    return LRSuggestion(
        min_over_10=curve.lr[lowest] / 10,
        steepest=_steepest(curve, lowest),
        lowest=curve.lr[lowest],
    )


def _steepest(curve: LRCurve, lowest: int) -> float:
    """Rate at the middle of the steepest line through the losses before the lowest."""
    # lines through the raw losses: the running mean lags behind, and its own slope
    # is steepest by chance at its first steps
    log_lr_N, loss_N = np.log10(curve.lr), np.array(curve.loss)
    width = max(MIN_STEPS, round(WINDOW_SHARE * len(curve)))
    starts = range(max(1, lowest + 1 - width))
    slopes = [
        np.polyfit(log_lr_N[start : start + width], loss_N[start : start + width], 1)[0]
        for start in starts
    ]
    return curve.lr[int(np.argmin(slopes)) + width // 2]
