"""Thresholds chosen on the validation split and stored with the weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ocec.engine.last_scores import metric_with_scores, scored_parts
from ocec.functional.calibration import fit_temperature, log_odds
from ocec.functional.thresholds import choose_thresholds
from ocec.registry import HOOKS


@HOOKS.register_module()
class ThresholdHook(Hook):
    """Write thresholds on P(open) and a temperature into every checkpoint.

    They are chosen from the scores of the validation that the checkpoint follows, so
    they belong to the very weights beside them, and ``tools/test.py`` can report them
    on other images. A checkpoint that no validation precedes gets none.

    ``checkpoint['thresholds']`` holds ``split``, ``prefix``, ``num_images``, ``data``
    (the fingerprint of the images), ``best_f1``, ``precision``, ``precision_target``,
    ``false_alarm``, ``false_alarm_target`` and ``temperature``; None where no value
    reaches the target. Where several sources are validated at once, these are of all
    their images, and ``sources`` holds those of each by name.

    Args:
        precision: lowest precision that the threshold ``precision`` keeps, in (0, 1].
        false_alarm_rate: highest share of closed eyes that the threshold
            ``false_alarm`` calls open, in [0, 1).

    Raises:
        ValueError: an argument is out of range.
    """

    # before CheckpointHook (VERY_LOW) saves
    priority = 'LOW'

    def __init__(
        self, *, precision: float = 0.99, false_alarm_rate: float = 0.01
    ) -> None:
        if not 0 < precision <= 1:
            raise ValueError(f'precision must be in (0, 1], got {precision}')
        if not 0 <= false_alarm_rate < 1:
            raise ValueError(
                f'false_alarm_rate must be in [0, 1), got {false_alarm_rate}'
            )
        self.precision = precision
        self.false_alarm_rate = false_alarm_rate
        self._is_validated = False

    def before_train_epoch(self, runner: Runner) -> None:
        """Forget the scores: the weights change now.

        Args:
            runner: not used.
        """
        self._is_validated = False

    def after_val_epoch(
        self, runner: Runner, metrics: dict[str, float] | None = None
    ) -> None:
        """Note that there are scores of these weights.

        Args:
            runner: not used.
            metrics: not used.
        """
        self._is_validated = True

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Choose the thresholds and store them.

        Args:
            runner: the runner.
            checkpoint: what will be saved.
        """
        metric = self._is_validated and metric_with_scores(runner.val_loop.evaluator)
        if not metric:
            return
        scores = metric.last_scores
        dataset = runner.val_loop.dataloader.dataset
        describe = getattr(dataset, 'fingerprint', None)
        checkpoint['thresholds'] = {
            'split': getattr(dataset, 'split', 'val'),
            'prefix': metric.prefix,
            'num_images': len(scores['label_B']),
            'data': describe() if describe else None,
            **self._choose(scores['prob_B'], scores['label_B']),
        }
        parts = scored_parts(runner.val_loop.evaluator)
        if parts != [metric]:
            checkpoint['thresholds']['sources'] = {
                part.prefix: self._choose_of(part.last_scores) for part in parts
            }

    def _choose_of(self, scores: dict[str, np.ndarray]) -> dict[str, Any]:
        chosen = self._choose(scores['prob_B'], scores['label_B'])
        return {'num_images': len(scores['label_B']), **chosen}

    def _choose(self, prob_N: np.ndarray, label_N: np.ndarray) -> dict[str, Any]:
        chosen = choose_thresholds(
            prob_N,
            label_N,
            precision=self.precision,
            false_alarm_rate=self.false_alarm_rate,
        )
        temperature = fit_temperature(log_odds(prob_N), label_N)
        return {
            **chosen,
            'precision_target': self.precision,
            'false_alarm_target': self.false_alarm_rate,
            'temperature': None if np.isnan(temperature) else temperature,
        }
