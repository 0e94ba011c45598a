"""The message and the file on a step that was left out."""

from __future__ import annotations

from pathlib import Path

from mmengine.dist import all_gather_object, get_dist_info, get_rank
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from ocec.engine.checkpoint_io import rng_state
from ocec.engine.non_finite_file import BadBatch, write_bad_batch
from ocec.engine.non_finite_search import SHOWN, NonFinite, sample_ids, search
from ocec.engine.step_guard import BadStep, WatchedBatch, raw_states, set_raw_states

REPLAY = 'python tools/misc/replay_batch.py'
ADVICE = (
    'Lower the learning rate, lengthen the warmup, or clip gradients with '
    'optim_wrapper.clip_grad'
)


def report_bad_step(runner: Runner, bad: BadStep, scale: float) -> str:
    """Search on every rank, save what replays it, say what was found.

    Args:
        runner: the runner; every rank must call this.
        bad: the step.
        scale: of the loss.

    Returns:
        The message, the same on all ranks.
    """
    batch, found = _search_step(runner, bad, scale)
    rank, world_size = get_dist_info()
    own = {
        'loss': float(batch.loss),
        'found': found.is_found,
        'ids': sample_ids(batch.data),
        'lines': found.lines(),
    }
    reports = all_gather_object(own)
    culprits = [r for r in range(world_size) if reports[r]['found']]
    if rank in (culprits or [0]):
        _write(runner, bad, batch, found, scale)
    first = reports[(culprits or [0])[0]]
    what = 'gradients are not finite'
    if first['loss'] - first['loss'] != 0:  # NaN or infinite
        what = f'loss is {first["loss"]}'
    lines = [f'the {what} in epoch {batch.epoch}, step {batch.step}. {ADVICE}']
    for number in culprits or [0]:
        lines += _lines_of_rank(runner, batch, reports[number], number, world_size)
    if not culprits:
        lines.append('trained on again, the batch gave finite numbers')
    if bad.steps_late:
        lines.append('found one step later, with the weights of then')
    return '\n'.join(lines)


def _lines_of_rank(
    runner: Runner, batch: WatchedBatch, report: dict, rank: int, world_size: int
) -> list[str]:
    ids = ', '.join(map(str, report['ids'][:SHOWN]))
    more = len(report['ids']) - SHOWN
    head = f'  rank {rank}: ' if world_size > 1 else '  '
    path = _path(runner, batch, rank)
    return [
        f'{head}batch of {len(report["ids"])} samples: {ids}'
        + (f' and {more:,} more' if more > 0 else ''),
        *(f'  {line}' for line in report['lines']),
        f'  replay it: {REPLAY} {path}',
    ]


def _search_step(
    runner: Runner, bad: BadStep, scale: float
) -> tuple[WatchedBatch, NonFinite]:
    """Train on the batches again until one is found; else return the last."""
    before = raw_states()
    wrapper = runner.optim_wrapper
    try:
        for batch in bad.batches:
            set_raw_states(batch.rng)
            found = search(
                _bare(runner),
                batch.data,
                context=lambda: wrapper.optim_context(_bare(runner)),
                loss_scale=scale,
            )
            if found.is_found:
                break
    finally:
        set_raw_states(before)
    return batch, found


def _write(
    runner: Runner, bad: BadStep, batch: WatchedBatch, found: NonFinite, scale: float
) -> None:
    before = raw_states()
    set_raw_states(batch.rng)
    state = rng_state()
    set_raw_states(before)
    dtype = getattr(runner.optim_wrapper, 'dtype', None)
    amp = None
    if dtype is not None:
        device_type = runner.optim_wrapper.device_type
        amp = {'device_type': device_type, 'dtype': str(dtype).removeprefix('torch.')}
    write_bad_batch(
        BadBatch(
            epoch=batch.epoch,
            step=batch.step,
            rank=get_rank(),
            batch=batch.data,
            rng=state,
            state_dict=_bare(runner).state_dict(),
            cfg=runner.cfg.pretty_text,
            amp=amp,
            loss_scale=scale,
            found=found.to_plain(),
            steps_late=bad.steps_late,
        ),
        _path(runner, batch, get_rank()),
    )


def _path(runner: Runner, batch: WatchedBatch, rank: int) -> Path:
    suffix = f'_rank{rank}' if rank else ''
    name = f'non_finite_epoch{batch.epoch}_iter{batch.step}{suffix}.pth'
    return Path(runner.work_dir) / name


def _bare(runner: Runner):
    return runner.model.module if is_model_wrapper(runner.model) else runner.model
