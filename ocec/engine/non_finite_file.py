"""A batch that made numbers that are not finite, in a file that replays it."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

import ocec.structures
from ocec.engine.checkpoint_io import load_safely, save_atomically

FORMAT = 'ocec batch that is not finite, version 1'
# marks a structure among plain values
STRUCTURE = '__structure__'


@dataclass(frozen=True)
class BadBatch:
    """All that is needed to train on a batch again.

    Args:
        epoch: from 1.
        step: from 1.
        rank: that had it.
        batch: as it came from the loader.
        rng: random state, of :func:`ocec.engine.checkpoint_io.rng_state`.
        state_dict: weights and buffers before the step.
        cfg: text of the config.
        amp: ``device_type`` and name of the ``dtype`` of autocast; None without.
        loss_scale: times the loss before its gradients.
        found: :class:`ocec.engine.non_finite_search.NonFinite` as plain values.
        steps_late: steps taken between the batch and the weights.
    """

    epoch: int
    step: int
    rank: int
    batch: dict
    rng: dict
    state_dict: dict
    cfg: str
    amp: dict | None
    loss_scale: float
    found: dict
    steps_late: int


def write_bad_batch(bad: BadBatch, path: str | Path) -> None:
    """Write a file that can be read without running code.

    Args:
        bad: the batch.
        path: where to.
    """
    content = {f.name: getattr(bad, f.name) for f in fields(bad)}
    content['batch'] = _to_plain(bad.batch)
    content['state_dict'] = _to_plain(dict(bad.state_dict))
    # where checkpoints have theirs
    content['meta'] = {'cfg': content.pop('cfg')}
    save_atomically({'format': FORMAT, **content}, path)


def read_bad_batch(path: str | Path) -> BadBatch:
    """Read what :func:`write_bad_batch` wrote.

    Args:
        path: of the file.

    Returns:
        The batch.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged or something else.
    """
    content = load_safely(path)
    names = [f.name for f in fields(BadBatch) if f.name != 'cfg']
    if content.get('format') != FORMAT or not {*names, 'meta'} <= set(content):
        raise ValueError(
            f'{path}: no batch to replay: NonFiniteHook writes such files as '
            'non_finite_epochE_iterI.pth'
        )
    values = {name: content[name] for name in names}
    values['batch'] = _from_plain(values['batch'])
    return BadBatch(**values, cfg=content['meta']['cfg'])


def _to_plain(value: Any) -> Any:
    """Copy tensors to the CPU; turn structures into dicts."""
    if isinstance(value, Tensor):
        return value.detach().cpu().clone()
    if is_dataclass(value):
        plain = {f.name: _to_plain(getattr(value, f.name)) for f in fields(value)}
        return {STRUCTURE: type(value).__name__, **plain}
    if isinstance(value, dict):
        return {key: _to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_plain(item) for item in value]
    return value


def _from_plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    items = {key: _from_plain(item) for key, item in value.items()}
    name = items.pop(STRUCTURE, None)
    if name is None:
        return items
    if name not in ocec.structures.__all__:
        raise ValueError(f'a batch of {name!r} is not known')
    return getattr(ocec.structures, name)(**items)
