"""How far averaged weights lag behind the weights that are trained."""

from __future__ import annotations

import math

import torch
from mmengine.hooks import EMAHook
from mmengine.model import BaseAveragedModel, ExponentialMovingAverage
from mmengine.runner import Runner
from torch import nn

from ocec.engine.last_scores import metric_with_scores
from ocec.engine.ramped_ema import RampedEMA


def average_of(runner: Runner) -> nn.Module | None:
    """Return the averaged model of a run.

    Args:
        runner: the runner.

    Returns:
        The model of its EMA hook; None without one.
    """
    hooks = (hook for hook in runner.hooks if isinstance(hook, EMAHook))
    hook = next(hooks, None)
    return getattr(hook, 'ema_model', None)


def share_of_old(
    average: RampedEMA | BaseAveragedModel, part: float = 0.25
) -> float | None:
    """Return how much of an average is made of old weights.

    Args:
        average: the averaged model.
        part: weights are old that are from before this last part of the updates, in
            (0, 1).

    Returns:
        In [0, 1]: the product of the decays of that part; None for an average whose
        decays are not known here.

    Example:
        A plain decay of 0.999 after 960 updates: 0.999 ** 240 = 0.79.
    """
    num_updates = int(average.steps)
    recent = range(round((1 - part) * num_updates), num_updates)
    if isinstance(average, RampedEMA):
        return math.prod(average.decay_at(number) for number in recent)
    if type(average) is ExponentialMovingAverage:
        num_moves = sum(number % average.interval == 0 for number in recent)
        return (1 - average.momentum) ** num_moves
    return None


@torch.no_grad()
def validate_again(runner: Runner) -> dict[str, float]:
    """Validate the weights that are in the model now, outside of the loop's hooks.

    Args:
        runner: the runner; every rank must call this.

    Returns:
        Name to value of the metrics. The scores of the validation before stay those
        that the metric keeps.
    """
    loop = runner.val_loop
    metric = metric_with_scores(loop.evaluator)
    kept = metric and metric.last_scores
    runner.model.eval()
    for number, batch in enumerate(loop.dataloader):
        loop.run_iter(number, batch)
    metrics = loop.evaluator.evaluate(len(loop.dataloader.dataset))
    if metric is not None:
        metric.last_scores = kept
    return metrics
