"""Losses that balance classes learn how many images of each there are."""

from __future__ import annotations

from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Dataset


def tell_class_counts(runner: Runner, dataset: Dataset) -> None:
    """Tell the modules of a model that have ``set_class_counts``.

    Args:
        runner: its model, and averages of it, are told.
        dataset: tells its ``class_counts``.

    Raises:
        ValueError: a module balances classes, and the dataset does not tell.
    """
    counts = getattr(dataset, 'class_counts', None)
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    for hook in runner.hooks:  # averaged copies carry the weight too
        if counts is not None and hasattr(hook, 'ema_model'):
            _set_class_counts(hook.ema_model, counts)
    for name, module in model.named_modules():
        if not hasattr(module, 'set_class_counts'):
            continue
        if counts is None:
            raise ValueError(
                f'{name} balances classes, but {type(dataset).__name__} does not '
                'tell its class_counts'
            )
        weight = module.set_class_counts(*counts)
        metainfo = getattr(dataset, 'metainfo', {})
        first, second = metainfo.get('classes', ('closed', 'open'))
        runner.logger.info(
            f'{name}: {counts[0]:,} {first} / {counts[1]:,} {second}, weight of '
            f'{second} {weight:.4f}'
        )


def _set_class_counts(model: nn.Module, counts: tuple[int, int]) -> None:
    for module in model.modules():
        if hasattr(module, 'set_class_counts'):
            module.set_class_counts(*counts)
