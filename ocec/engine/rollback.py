"""Back to the weights of a checkpoint in the middle of a run."""

from __future__ import annotations

from pathlib import Path

import torch
from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from ocec.engine.checkpoint_io import load_safely
from ocec.engine.hooks.checkpoint_hook import checkpoint_hook_of


def last_finite_checkpoint(runner: Runner) -> str | None:
    """Find the newest checkpoint of this run whose weights are finite.

    Args:
        runner: the runner; every rank must call this.

    Returns:
        Its name in the work_dir; None if there is none. The same on all ranks.
    """
    name = [None]
    if is_main_process():
        name[0] = next(filter(lambda n: _is_finite(runner, n), _newest(runner)), None)
    broadcast_object_list(name)
    return name[0]


def roll_back(runner: Runner, name: str, *, lr_factor: float) -> None:
    """Put model, averages and optimizer back; data and schedules go on from here.

    Args:
        runner: the runner.
        name: of the checkpoint in the work_dir.
        lr_factor: times every learning rate, now and later, in (0, 1].

    Raises:
        ValueError: the checkpoint cannot be read.
    """
    checkpoint = load_safely(Path(runner.work_dir) / name)
    averages = [hook for hook in runner.hooks if hasattr(hook, 'ema_model')]
    was_resumed, runner._resume = runner._resume, True
    try:  # of a run with EMA the averaged weights stand where the raw ones would
        for hook in averages:
            hook.after_load_checkpoint(runner, checkpoint)
    finally:
        runner._resume = was_resumed
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    model.load_state_dict(checkpoint['state_dict'])
    optimizer = runner.optim_wrapper.optimizer
    settings = [{k: v for k, v in g.items() if k != 'params'} for g in _groups(runner)]
    runner.optim_wrapper.load_state_dict(checkpoint['optimizer'])
    for group, values in zip(optimizer.param_groups, settings, strict=True):
        group.update(values)
    _scale_rates(runner, lr_factor)


def _groups(runner: Runner) -> list[dict]:
    return runner.optim_wrapper.optimizer.param_groups


def _scale_rates(runner: Runner, factor: float) -> None:
    """Scale what is used now, and what the schedulers begin from."""
    for group in _groups(runner):
        for key in ('lr', 'initial_lr'):
            if key in group:
                group[key] *= factor
    for scheduler in runner.param_schedulers or []:
        if getattr(scheduler, 'param_name', None) == 'lr':
            scheduler.base_values = [v * factor for v in scheduler.base_values]


def _newest(runner: Runner) -> list[str]:
    record = Path(runner.work_dir) / 'last_checkpoint'
    saver = checkpoint_hook_of(runner)
    names = list(reversed(saver.kept)) if saver else []
    if record.is_file():
        last = Path(record.read_text().strip()).name
        names = [last, *(name for name in names if name != last)]
    return names


def _is_finite(runner: Runner, name: str) -> bool:
    try:
        checkpoint = load_safely(Path(runner.work_dir) / name)
    except (ValueError, OSError) as error:
        runner.logger.warning(f'no way back to {name}: {error}')
        return False
    return all(
        bool(x.isfinite().all())
        for part in ('state_dict', 'ema_state_dict')
        for x in checkpoint.get(part, {}).values()
        if isinstance(x, torch.Tensor) and x.is_floating_point()
    )
