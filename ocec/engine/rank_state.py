"""What each rank has of its own in the middle of an epoch, for checkpoints."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from mmengine.dist import get_dist_info
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from ocec.engine.checkpoint_io import rng_state


def own_state(runner: Runner) -> dict:
    """Return what this rank has of its own.

    Args:
        runner: of a training.

    Returns:
        ``rng``: the state of its random generators; ``buffers``: those of the model and
        its averages where they differ between ranks, which is within an epoch of
        several; ``gradients``: what is accumulated for the next step, if anything. All
        on the CPU.
    """
    state = {'rng': rng_state()}
    _, world_size = get_dist_info()
    if world_size > 1 and getattr(runner.train_loop, 'is_in_epoch', False):
        state['buffers'] = {name: _copy(b) for name, b in _float_buffers(runner)}
    has_stepped = getattr(runner.optim_wrapper, 'should_update', lambda: True)
    if not has_stepped():
        state['gradients'] = {
            name: _copy(parameter.grad)
            for name, parameter in _bare(runner).named_parameters()
            if parameter.grad is not None
        }
    return state


@torch.no_grad()
def restore_own_state(runner: Runner, states: list[dict], rank: int) -> None:
    """Put buffers and gradients back; the random state is the caller's.

    Args:
        runner: its model is loaded.
        states: what ``own_state`` returned on each rank of the stopped run; of another
            number than now, gradients are the mean and buffers those of the model.
        rank: of this process.
    """
    _, world_size = get_dist_info()
    same_ranks = len(states) == world_size
    stored = states[rank].get('buffers', {}) if same_ranks else {}
    for name, buffer in _float_buffers(runner):
        if name in stored:
            buffer.copy_(stored[name])
    gradients = [state['gradients'] for state in states if 'gradients' in state]
    for name, parameter in _bare(runner).named_parameters() if gradients else ():
        if same_ranks:
            found = gradients[rank].get(name)
        else:
            found = _mean([g[name] for g in gradients if name in g])
        if found is not None:
            # in the memory format of the parameter
            parameter.grad = torch.empty_like(parameter).copy_(found)


def _float_buffers(runner: Runner) -> Iterator[tuple[str, Tensor]]:
    """Yield buffers of the model and of its averages, which every rank has its own."""
    modules: list[tuple[str, nn.Module]] = [('model', _bare(runner))]
    averages = (hook.ema_model for hook in runner.hooks if hasattr(hook, 'ema_model'))
    modules += [(f'average{number}', model) for number, model in enumerate(averages)]
    for prefix, module in modules:
        for name, buffer in module.named_buffers():
            if buffer.is_floating_point() and buffer.numel():
                yield f'{prefix}.{name}', buffer


def _bare(runner: Runner) -> nn.Module:
    return runner.model.module if is_model_wrapper(runner.model) else runner.model


def _copy(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().clone()


def _mean(tensors: list[Tensor]) -> Tensor | None:
    return torch.stack(tensors).mean(0) if tensors else None
