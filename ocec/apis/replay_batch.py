"""Train again on a batch that made numbers that are not finite."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ocec.apis.stored_config import write_stored_config
from ocec.engine.checkpoint_io import set_rng_state
from ocec.engine.non_finite_file import BadBatch, read_bad_batch
from ocec.engine.non_finite_search import NonFinite, search
from ocec.registry import MODELS


def replay_batch(
    file: str | Path,
    *,
    device: str = 'cpu',
    full_precision: bool = False,
    detect_anomaly: bool = False,
    trust_checkpoint: bool = False,
) -> NonFinite:
    """Train on the batch of a file of ``NonFiniteHook`` again, and print what is found.

    Args:
        file: ``non_finite_epochE_iterI.pth``.
        device: ``cpu`` or ``cuda``.
        full_precision: in float32 though the run used mixed precision.
        detect_anomaly: let torch name the line of the forward whose gradient is NaN.
        trust_checkpoint: run the config of the file though it is more than plain data.

    Returns:
        What was found.

    Raises:
        ConfigError: the config in the file could run code.
        FileNotFoundError: there is no such file.
        ValueError: the file is no batch to replay, or there is no such device.
        RuntimeError: with ``detect_anomaly``, names the line.
    """
    if device != 'cpu' and not torch.cuda.is_available():
        raise ValueError(f'--device {device}: there is no GPU here')
    bad = read_bad_batch(file)
    model = _build_model(bad, file, trust_checkpoint).to(device).train()
    set_rng_state(bad.rng)
    with torch.autograd.set_detect_anomaly(detect_anomaly):
        found = search(
            model,
            bad.batch,
            context=_context(bad, device, full_precision),
            loss_scale=1.0 if full_precision else bad.loss_scale,
        )
    _print(bad, found)
    return found


def _build_model(bad: BadBatch, file: str | Path, trust: bool):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'config.py'
        write_stored_config({'meta': {'cfg': bad.cfg}}, file, path, trust=trust)
        cfg = Config.fromfile(path)
    init_default_scope('ocec')
    model = MODELS.build(cfg.model)
    if getattr(model.data_preprocessor, 'memory_format', None) is not None:
        model = model.to(memory_format=model.data_preprocessor.memory_format)
    model.load_state_dict(bad.state_dict)
    return model


def _context(bad: BadBatch, device: str, full_precision: bool):
    if bad.amp is None or full_precision:
        return contextlib.nullcontext
    dtype = getattr(torch, bad.amp['dtype'])
    return lambda: torch.autocast(device.split(':')[0], dtype=dtype)


def _print(bad: BadBatch, found: NonFinite) -> None:
    place = f'epoch {bad.epoch}, step {bad.step}, rank {bad.rank}'
    print(f'{"REPRODUCED" if found.is_found else "NOT REPRODUCED"}: {place}')
    print(f'loss {found.loss}; in the run {bad.found["loss"]}')
    for line in found.lines() if found.is_found else ():
        print(line)
    if not found.is_found and bad.steps_late:
        print('the weights in the file are those of one step later')
