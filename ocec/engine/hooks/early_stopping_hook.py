"""Early stopping whose state survives a resume."""

from __future__ import annotations

import math

from mmengine.hooks import Hook
from mmengine.runner import Runner

from ocec.engine.metric_rule import RULES, is_better, rule_of
from ocec.registry import HOOKS


@HOOKS.register_module()
class EarlyStoppingHook(Hook):
    """Stop when a validation metric has not improved for some validations.

    Args:
        monitor: full name of a metric, as ``eye/f1``.
        patience: validations without improvement after which training stops, > 0.
        rule: ``greater`` or ``less`` is better; by default ``less`` for a loss or an
            error, else ``greater``.
        min_delta: smallest change that counts as an improvement, >= 0.

    Raises:
        ValueError: an argument is out of range.
    """

    # after the metric is there, before CheckpointHook (VERY_LOW) saves the state
    priority = 'LOW'

    def __init__(
        self,
        monitor: str,
        patience: int,
        *,
        rule: str | None = None,
        min_delta: float = 0.0,
    ) -> None:
        if patience <= 0:
            raise ValueError(f'patience must be > 0, got {patience}')
        if min_delta < 0:
            raise ValueError(f'min_delta must be >= 0, got {min_delta}')
        if rule is not None and rule not in RULES:
            raise ValueError(f'rule must be one of {RULES}, got {rule!r}')
        self.monitor = monitor
        self.patience = patience
        self.rule = rule or rule_of(monitor)
        self.min_delta = min_delta
        self.best: float | None = None
        self.num_bad = 0

    def before_train(self, runner: Runner) -> None:
        """Stop at once when the resumed run had stopped already.

        Args:
            runner: the runner.
        """
        self._stop_if_due(runner)

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Count validations without improvement.

        Args:
            runner: the runner.
            metrics: of this validation.

        Raises:
            KeyError: the monitored metric is not among them.
        """
        if self.monitor not in metrics:
            raise KeyError(
                f'EarlyStoppingHook.monitor={self.monitor!r} is not a validation '
                f'metric; there are {sorted(metrics)}'
            )
        value = metrics[self.monitor]
        if math.isfinite(value) and is_better(
            value, self.best, self.rule, self.min_delta
        ):
            self.best, self.num_bad = value, 0
        else:
            self.num_bad += 1
        self._stop_if_due(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Keep the count.

        Args:
            runner: the runner.
            checkpoint: what will be saved.
        """
        checkpoint['early_stopping'] = {'best': self.best, 'num_bad': self.num_bad}

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take the count over on resume.

        Args:
            runner: the runner.
            checkpoint: what was loaded.
        """
        if runner._resume and 'early_stopping' in checkpoint:
            self.best = checkpoint['early_stopping']['best']
            self.num_bad = checkpoint['early_stopping']['num_bad']

    def _stop_if_due(self, runner: Runner) -> None:
        if self.num_bad < self.patience:
            return
        runner.train_loop.stop_training = True
        runner.logger.info(
            f'early stopping: {self.monitor} has not been better than '
            f'{self.best} for {self.num_bad} validations'
        )
