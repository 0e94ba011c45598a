"""Tells a sweep the metric of each epoch, and ends a training that it gives up."""

from __future__ import annotations

import math
from collections.abc import Callable

from mmengine.hooks import Hook
from mmengine.runner import Runner


class SweepHook(Hook):
    """Reports a metric after each validation.

    Args:
        metric: of the validation, as ``eye/f1``.
        report: takes epoch and value, returns whether to give the training up.
    """

    priority = 'LOWEST'  # checkpoint and logs of the epoch are written before

    def __init__(self, metric: str, report: Callable[[int, float], bool]) -> None:
        self.metric = metric
        self.is_pruned = False
        self._report = report

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Report the metric.

        Args:
            runner: the runner.
            metrics: of this validation.

        Raises:
            KeyError: the metric is not among them.
            FloatingPointError: it is not finite.
        """
        if self.metric not in metrics:
            raise KeyError(
                f'{self.metric!r} is not a validation metric; there are '
                f'{sorted(metrics)}'
            )
        value, epoch = float(metrics[self.metric]), runner.epoch
        if not math.isfinite(value):
            raise FloatingPointError(f'{self.metric} is {value} in epoch {epoch}')
        if self._report(epoch, value) and epoch < runner.max_epochs:
            self.is_pruned = True
            runner.train_loop.stop_training = True
            runner.logger.info(
                f'the sweep gives this trial up: {self.metric} {value:.4f} in epoch '
                f'{epoch}'
            )
