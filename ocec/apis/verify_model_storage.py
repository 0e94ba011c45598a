"""Checks of the folder that a run writes into: may it, and is there room."""

from __future__ import annotations

import math
import shutil
import tempfile
from pathlib import Path

from ocec.apis.verify_model_result import FAIL, OK, WARN, Verdict
from ocec.apis.verify_model_subject import Subject, size_of

# what a run leaves, so that another one would mix with it
TRACES = ('metrics.jsonl', 'last_checkpoint', 'best.json', 'provenance.json')
# of metrics.jsonl, the log and TensorBoard together; measured on runs of EPAM-Net
BYTES_PER_LOG_LINE = 1500
# a file is written beside the one it replaces
WRITTEN_BESIDE = 1
MIB = 2**20


def check_work_dir(subject: Subject) -> Verdict:
    """See whether the run may write, and whether another run lies there."""
    folder = Path(subject.cfg.work_dir)
    place = _existing(folder)
    problem = ''
    if not place.is_dir():
        problem = f'{place} is a file'
    else:
        try:
            with tempfile.TemporaryFile(dir=place):
                pass
        except OSError as error:
            problem = f'nothing can be written into {place}: {error.strerror}'
    if problem:
        return Verdict(
            FAIL, f'{folder}: {problem}', 'choose another folder with --work-dir'
        )
    found = [name for name in TRACES if (folder / name).exists()]
    weights = len(list(folder.glob('*.pth'))) if folder.is_dir() else 0
    if found or weights:
        what = [*found, *([f'{weights} checkpoints'] if weights else [])]
        return Verdict(
            WARN,
            f'{folder} holds another run ({", ".join(what)})',
            'go on with it: --resume; else another --work-dir',
        )
    told = 'is there and empty of runs' if folder.is_dir() else 'will be made'
    return Verdict(OK, f'{folder} {told}; it can be written')


def check_disk(subject: Subject) -> Verdict:
    """Compare the free space with what the run will write."""
    checkpoint = checkpoint_bytes(subject)
    kept = num_kept(subject)
    logs = _log_bytes(subject)
    needed = checkpoint * (kept + WRITTEN_BESIDE) + logs
    place = _existing(Path(subject.cfg.work_dir))
    free = shutil.disk_usage(place if place.is_dir() else place.parent).free
    told = (
        f'{needed / MIB:,.0f} MiB for {kept} checkpoints of {checkpoint / MIB:,.1f} '
        f'MiB and logs; {free / MIB:,.0f} MiB free'
    )
    facts = {
        'needed': needed,
        'free': free,
        'checkpoint_bytes': checkpoint,
        'checkpoints': kept,
    }
    way_out = (
        'make room, choose another --work-dir, or keep fewer: '
        'default_hooks.checkpoint.max_keep_ckpts'
    )
    if free < needed:
        return Verdict(FAIL, told, way_out, facts=facts)
    if free < 2 * needed:
        return Verdict(WARN, f'{told}: hardly enough', way_out, facts=facts)
    return Verdict(OK, told, facts=facts)


def checkpoint_bytes(subject: Subject) -> int:
    """Return the bytes of a checkpoint: weights, averaged weights, optimizer."""
    model = subject.model
    weights = size_of(model.state_dict())
    hooks = subject.cfg.get('custom_hooks') or []
    averages = sum(str(hook.get('type')).endswith('EMAHook') for hook in hooks)
    optimizer = subject.cfg.optim_wrapper.get('optimizer', {})
    trained = sum(
        p.numel() * p.element_size() for p in model.parameters() if p.requires_grad
    )
    return weights * (1 + averages) + trained * _states_of(optimizer)


def num_kept(subject: Subject) -> int:
    """Return how many checkpoints a run keeps at most."""
    hooks = subject.cfg.get('default_hooks') or {}
    settings = hooks.get('checkpoint')
    if settings is None:
        return 0
    interval = settings.get('interval', 1)
    due = 1
    if interval > 0:
        due = math.ceil(subject.cfg.train_cfg.get('max_epochs', 1) / interval)
    limit = settings.get('max_keep_ckpts', -1)
    best = settings.get('max_keep_best', 1) if settings.get('save_best') else 0
    return (due if limit < 0 else min(due, limit)) + best


def _states_of(optimizer: dict) -> int:
    """Tensors as large as a parameter that an optimizer keeps for it."""
    if str(optimizer.get('type')).startswith('SGD'):
        return int(optimizer.get('momentum', 0) > 0)
    return 2  # as Adam and its relatives


def _log_bytes(subject: Subject) -> int:
    cfg = subject.cfg
    logger = (cfg.get('default_hooks') or {}).get('logger') or {}
    iterations = 1
    if not subject.data_problem:
        batch = cfg.train_dataloader.get('batch_size') or 1
        iterations = math.ceil(len(subject.datasets['train_dataloader']) / batch)
    lines = iterations // (logger.get('interval') or 10) + 2
    return lines * cfg.train_cfg.get('max_epochs', 1) * BYTES_PER_LOG_LINE


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    folder = folder.expanduser().absolute()
    while not folder.exists():
        folder = folder.parent
    return folder
