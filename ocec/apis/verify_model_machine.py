"""Checks of the machine: device, mixed precision, memory, start weights."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import torch

from ocec.apis.errors import ConfigError
from ocec.apis.start_checkpoint import choose_checkpoint
from ocec.apis.verify_model_result import FAIL, OK, WARN, Verdict
from ocec.apis.verify_model_subject import Subject, size_of
from ocec.engine.checkpoint_io import load_safely
from ocec.engine.start_plan import plan_start
from ocec.engine.start_weights import read_weights

GIB = 2**30
# of a device or machine that others use too
LITTLE_SHARE = 0.5
LITTLE_MEMORY = 2 * GIB
# batches that a worker of a loader reads ahead
PREFETCHED = 2
SHARED_MEMORY = '/dev/shm'
AMP_TYPE = 'AmpOptimWrapper'


def check_device(subject: Subject, wanted: str | None = None) -> Verdict:
    """Look at the device that the run will have."""
    if wanted is not None and torch.device(wanted).type != subject.device.type:
        return Verdict(
            FAIL,
            f'--device {wanted}: torch {torch.__version__} sees no such device; all '
            f'checks ran on the {subject.device.type}',
            'look at nvidia-smi, CUDA_VISIBLE_DEVICES and tools/misc/check_env.py',
        )
    if subject.device.type == 'cuda':
        return _check_gpus()
    cores = torch.get_num_threads()
    told = f'{subject.device.type}, {cores} threads, torch {torch.__version__}'
    if torch.version.cuda is not None and wanted is None:
        return Verdict(
            WARN,
            f'{told}: torch is built for CUDA {torch.version.cuda}, but sees no GPU',
            'look at nvidia-smi and CUDA_VISIBLE_DEVICES; on purpose: --device cpu',
        )
    if shutil.which('nvidia-smi') and wanted is None:
        return Verdict(
            WARN,
            f'{told}: there may be a GPU, which this build of torch cannot use',
            'install a build of torch for CUDA; on purpose: --device cpu',
        )
    return Verdict(OK, told, facts={'device': subject.device.type, 'threads': cores})


def check_amp(subject: Subject) -> Verdict:
    """Run one loss and its gradients in mixed precision."""
    subject.restore()
    model = subject.model.train()
    is_used = subject.cfg.optim_wrapper.get('type', '').endswith(AMP_TYPE)
    asked = subject.cfg.optim_wrapper.get('dtype')
    kind = subject.device.type
    has_bfloat16 = kind != 'cuda' or torch.cuda.is_bf16_supported()
    name = asked or ('bfloat16' if has_bfloat16 else 'float16')
    losses = {}
    for mode, enabled in (('float32', False), (name, True)):
        torch.manual_seed(0)
        data = subject.prepare(subject.train_batch, training=True)
        with torch.autocast(kind, getattr(torch, name), enabled=enabled):
            loss, _ = model.parse_losses(model(**data, mode='loss'))
        losses[mode] = float(loss.detach())
    loss.backward()
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    is_finite = all(torch.isfinite(grad).all() for grad in (loss, *grads))
    subject.restore()
    told = f'{name} on {kind}: loss {losses[name]:.4f}, float32 {losses["float32"]:.4f}'
    used = 'used by this config' if is_used else 'not used by this config (--amp)'
    if is_finite:
        return Verdict(OK, f'{told}; {used}{subject.made_up}', facts=losses)
    return Verdict(
        FAIL if is_used else WARN,
        f'{told}: loss or gradients are not finite; {used}',
        'train in float32: optim_wrapper.type=OptimWrapper, without --amp',
        facts=losses,
    )


def check_start(subject: Subject) -> Verdict:
    """See whether the weights to begin with are there, and fit."""
    cfg = subject.cfg
    missing = _missing_teachers(cfg)
    if missing:
        return Verdict(
            FAIL,
            f'teachers that are not there: {", ".join(missing)}',
            'train them first, or set model.distillation.teachers',
        )
    option = '--pretrain' if subject.pretrain else 'load_from'
    given = list(subject.pretrain) or ([cfg.load_from] if cfg.get('load_from') else [])
    if not given:
        return Verdict(OK, 'the run begins with new weights (no load_from, --pretrain)')
    try:
        chosen = choose_checkpoint(given, option=option)
        content = load_safely(chosen.path, trust=cfg.get('trust_checkpoint', False))
        start = plan_start(
            read_weights(content, str(chosen.path), cfg.get('load_weights', 'ema')),
            subject.model,
            model_cfg=cfg.model,
            file=str(chosen.path),
            may_start_anew=True,
        )
    except (ConfigError, ValueError, OSError) as error:
        return Verdict(
            FAIL, str(error), 'name a checkpoint of this model with --pretrain'
        )
    share = start.report.share_loaded()
    told = f'{chosen}: {start.kind}, {share:.1%} of the values'
    return Verdict(
        WARN if start.anew else OK,
        f'{told}; starts anew: {"; ".join(start.anew)}' if start.anew else told,
        'fine where the classes or the head are others' if start.anew else '',
        details=start.notes,
        facts={'checkpoint': str(chosen.path), 'share': share},
    )


def check_memory(subject: Subject) -> Verdict:
    """Look at free memory, and at what workers hand over in shared memory."""
    free = _free_memory()
    loader = subject.cfg.train_dataloader
    workers = loader.get('num_workers') or 0
    batch = loader.get('batch_size') or 1
    tried = len(subject.train_batch['data_samples'])
    batch_bytes = size_of(subject.train_batch) / tried * batch
    needed = batch_bytes * workers * PREFETCHED
    told = (
        f'{_gib(free)} free; a batch of {batch} is {batch_bytes / 2**20:.3g} MiB, '
        f'{workers} workers hold {_gib(needed)}'
    )
    facts = {'free': free, 'batch_bytes': batch_bytes, 'shared_bytes': needed}
    shared = shutil.disk_usage(SHARED_MEMORY) if Path(SHARED_MEMORY).is_dir() else None
    if workers and shared is not None and needed > shared.free:
        return Verdict(
            FAIL,
            f'{told}, but {SHARED_MEMORY} has {_gib(shared.free)}: workers would be '
            'killed (Bus error)',
            'fewer train_dataloader.num_workers, or a larger /dev/shm '
            '(docker run --shm-size=8g)',
            facts=facts,
        )
    if free < LITTLE_MEMORY or free < 2 * needed:
        return Verdict(
            WARN,
            told,
            'end other programs, or lower batch_size or num_workers',
            facts=facts,
        )
    return Verdict(OK, told, facts=facts)


def _check_gpus() -> Verdict:
    lines, few = [], []
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        name = torch.cuda.get_device_name(index)
        lines.append(f'cuda:{index} {name}, {_gib(free)} of {_gib(total)} free')
        if free < LITTLE_SHARE * total:
            few.append(f'cuda:{index}')
    told = f'{len(lines)} GPU{"s" * (len(lines) != 1)}: {"; ".join(lines)}'
    if few:
        return Verdict(
            WARN,
            f'{told}: others use {", ".join(few)}',
            'nvidia-smi tells who; choose others with CUDA_VISIBLE_DEVICES',
        )
    return Verdict(OK, told, facts={'device': 'cuda', 'gpus': lines})


def _missing_teachers(cfg) -> list[str]:
    teachers = (cfg.model.get('distillation') or {}).get('teachers') or []
    files = [teacher[key] for teacher in teachers for key in ('config', 'checkpoint')]
    return [str(file) for file in files if not Path(file).is_file()]


def _free_memory() -> int:
    """Bytes that programs can still get."""
    info = Path('/proc/meminfo')
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith('MemAvailable:'):
                return int(line.split()[1]) * 1024
    return os.sysconf('SC_AVPHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')


def _gib(number: float) -> str:
    return f'{number / GIB:.3g} GiB'
