"""What a checkpoint of a run holds, and what a resumed run takes from it."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import all_gather_object, broadcast_object_list, is_main_process
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from ocec.engine.checkpoint_io import save_atomically
from ocec.engine.optim.zero_optimizer import gather_optimizer_state
from ocec.engine.rank_state import own_state


def save_run(runner: Runner, path: Path, meta: dict, config_text: str) -> str:
    """Save everything a run needs to go on; every rank must call this.

    Args:
        runner: of a training; its hooks add their own.
        path: of the checkpoint.
        meta: as in :func:`checkpoint_of`.
        config_text: the config as Python code.

    Returns:
        The SHA-256 of the file.

    Raises:
        OSError: it cannot be written; all ranks raise it.
    """
    gather_optimizer_state(runner.optim_wrapper)
    states = all_gather_object(own_state(runner))
    # digest, and number and text of an error
    result = [None, None, None]
    if is_main_process():
        checkpoint = checkpoint_of(runner, meta, config_text)
        checkpoint['rng'] = [state.pop('rng') for state in states]
        if any(states):
            checkpoint['ranks'] = states
        runner.call_hook('before_save_checkpoint', checkpoint=checkpoint)
        try:
            result[0] = save_atomically(checkpoint, path)
        except OSError as error:  # the other ranks wait
            result[1:] = [error.errno, error.strerror or str(error)]
    broadcast_object_list(result)
    if result[0] is None:
        raise OSError(*result[1:])
    return result[0]


def resumed_state(checkpoint: dict, rank: int, world_size: int) -> dict:
    """Take from a checkpoint what is restored after weights and hooks.

    Args:
        checkpoint: that was loaded.
        rank: of this process.
        world_size: ranks of now; other random states than these are told and left.

    Returns:
        ``ranks`` and ``train_loop``, and ``rng`` if there is one for each rank.
    """
    states = checkpoint.get('rng', [])
    resumed = {
        'ranks': checkpoint.get('ranks'),
        'train_loop': checkpoint.get('train_loop', {}),
    }
    if len(states) == world_size:
        return {**resumed, 'rng': states[rank]}
    print_log(
        f'the checkpoint holds random states of {len(states)} ranks, this run has '
        f'{world_size}: it goes on with new random numbers. What is left of the epoch '
        'is divided over the ranks of now; schedules that count iterations go on from '
        'where they were',
        logger='current',
        level=logging.WARNING,
    )
    return resumed


def checkpoint_of(runner: Runner, meta: dict, config_text: str) -> dict:
    """Gather what a run needs to go on, on the CPU.

    Args:
        runner: of a training.
        meta: ``epoch`` and ``iter``, how much has been trained; those of the runner
            where they are not given.
        config_text: the config as Python code.

    Returns:
        ``meta``, ``train_loop``, ``state_dict``, ``message_hub``, ``optimizer`` and
        ``param_schedulers``.
    """
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    meta = {
        'epoch': runner.epoch,
        'iter': runner.iter,
        **meta,
        'cfg': config_text,
        'seed': runner.seed,
        'experiment_name': runner.experiment_name,
        'time': time.strftime('%Y%m%d_%H%M%S'),
        'dataset_meta': getattr(runner.train_dataloader.dataset, 'metainfo', None),
    }
    loop = runner.train_loop
    return {
        'meta': meta,
        'train_loop': loop.state_dict() if hasattr(loop, 'state_dict') else {},
        'state_dict': _to_cpu(dict(model.state_dict())),
        # mmengine's resume asks for it; our logger keeps nothing in it
        'message_hub': {'log_scalars': {}, 'runtime_info': {}, 'resumed_keys': {}},
        'optimizer': _to_cpu(runner.optim_wrapper.state_dict()),
        'param_schedulers': [s.state_dict() for s in runner.param_schedulers or []],
    }


def _to_cpu(value: Any) -> Any:
    """Copy the tensors of nested containers to the CPU."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    if isinstance(value, dict):
        return {key: _to_cpu(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_cpu(item) for item in value]
    return value
