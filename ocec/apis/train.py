"""Train a config."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ocec.apis.action_data import check_action_files
from ocec.apis.check_dataset_quick import DatasetCheckHook
from ocec.apis.errors import ConfigError
from ocec.apis.run_config import load_run_config, set_amp, set_randomness
from ocec.apis.start_checkpoint import choose_checkpoint
from ocec.compat import check_torchvision
from ocec.engine.process_group import leave_process_group
from ocec.engine.runner import Runner
from ocec.engine.start_plan import OtherModelError
from ocec.engine.start_weights import WEIGHTS


@dataclass(frozen=True)
class TrainResult:
    """What a training left.

    Args:
        work_dir: folder of the run.
        best: content of ``best.json``: metric, value, epoch, file, sha256; None if
            nothing was validated.
    """

    work_dir: Path
    best: dict | None


def train(
    config: str | Path,
    *,
    work_dir: str | Path | None = None,
    data: str | None = None,
    val_data: str | None = None,
    resume: str | None = None,
    pretrain: Sequence[str] = (),
    load_weights: str | None = None,
    amp: bool = False,
    no_validate: bool = False,
    auto_scale_lr: bool = False,
    cfg_options: Sequence[str] = (),
    launcher: str = 'none',
    seed: int | None = None,
    deterministic: bool = False,
    no_check: bool = False,
    trust_checkpoint: bool = False,
    data_check: str = 'auto',
) -> TrainResult:
    """Train, from the beginning or from a checkpoint.

    Args:
        config: the config file.
        work_dir: folder of the run.
        data: parquet file, folder or pattern for every dataset.
        val_data: the same for validation and test only.
        resume: ``auto`` goes on from the last checkpoint of the work_dir, and begins
            anew where there is none; else a checkpoint. None begins anew.
        pretrain: files, patterns or folders of runs, of which the best gives the
            weights to begin with, in place of ``load_from`` of the config. With
            ``resume='auto'`` only where there is nothing to go on from.
        load_weights: ``ema`` or ``raw`` ones of a run with EMA, in place of
            ``load_weights`` of the config.
        amp: mixed precision.
        no_validate: train without validation.
        auto_scale_lr: scale the learning rate with the effective batch.
        cfg_options: ``KEY=VALUE`` texts.
        launcher: ``none``, ``pytorch`` or ``slurm``.
        seed: of all random numbers.
        deterministic: only deterministic kernels.
        no_check: do not refuse a config with findings.
        trust_checkpoint: unpickle anything when resuming or loading.
        data_check: look for leaks between training, validation and test before the
            first epoch, and warn: ``auto`` (not in more than a million images),
            ``always`` or ``never``.

    Returns:
        Where the run lies and what its best checkpoint is.

    Raises:
        ConfigError: something is wrong with the config or the arguments, or the
            weights to begin with are those of another model.
        ValueError: data_check is another word, or a checkpoint cannot be read.
    """
    check_torchvision()
    data_check_hook = DatasetCheckHook(data_check)
    cfg = load_run_config(
        config,
        work_dir=work_dir,
        cfg_options=cfg_options,
        data=data,
        val_data=val_data,
        no_check=no_check,
    )
    check_action_files(cfg)
    cfg.launcher = launcher
    if trust_checkpoint:
        cfg.trust_checkpoint = True
    if amp:
        set_amp(cfg)
    set_randomness(cfg, seed, deterministic)
    if auto_scale_lr:
        _turn_on_lr_scaling(cfg)
    if no_validate:
        _remove_validation(cfg)
    _check_start(cfg, pretrain, load_weights, resume)
    _set_resume(cfg, resume)
    _set_start(cfg, pretrain)
    runner = Runner.from_cfg(cfg)
    runner.register_hook(data_check_hook)
    try:
        runner.train()
    except OtherModelError as error:
        raise ConfigError(str(error)) from error
    leave_process_group()
    print(f'work_dir: {cfg.work_dir}')
    best = Path(cfg.work_dir) / 'best.json'
    return TrainResult(
        work_dir=Path(cfg.work_dir),
        best=json.loads(best.read_text()) if best.exists() else None,
    )


def _turn_on_lr_scaling(cfg) -> None:
    if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
        raise ConfigError(
            '--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in the '
            'config: the effective batch that its learning rate is meant for'
        )
    cfg.auto_scale_lr.enable = True


def _remove_validation(cfg) -> None:
    """Take validation out, and refuse what would wait for it for ever."""
    hooks = [*(cfg.get('custom_hooks') or [])]
    schedulers = cfg.get('param_scheduler') or []
    schedulers = schedulers if isinstance(schedulers, list) else [schedulers]
    waiting = [h['type'] for h in hooks if h.get('type') == 'EarlyStoppingHook']
    waiting += [s['type'] for s in schedulers if 'Plateau' in s.get('type', '')]
    if waiting:
        raise ConfigError(
            f'--no-validate: {", ".join(waiting)} of this config needs validation'
        )
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    checkpoint = cfg.get('default_hooks', {}).get('checkpoint') or {}
    if checkpoint.get('save_best'):
        print(f'default_hooks.checkpoint.save_best: {checkpoint.save_best!r} -> None')
        checkpoint['save_best'] = None


def _check_start(
    cfg, pretrain: Sequence[str], load_weights: str | None, resume: str | None
) -> None:
    if pretrain and resume not in (None, 'auto'):
        raise ConfigError(
            '--pretrain begins a training with old weights, --resume goes on with '
            'one: give one of them'
        )
    if load_weights is not None:
        cfg.load_weights = load_weights
    if cfg.get('load_weights', 'ema') not in WEIGHTS:
        raise ConfigError(
            f'load_weights must be one of {WEIGHTS}, got {cfg.load_weights!r}'
        )
    if pretrain:
        cfg.resume = False


def _set_resume(cfg, resume: str | None) -> None:
    if resume is None:
        return
    if resume == 'auto':
        last = _last_checkpoint(Path(cfg.work_dir))
        cfg.resume = last is not None
        if last is not None:
            cfg.load_from = last
        else:
            print(f'{cfg.work_dir} holds no checkpoint: the training begins anew')
    elif Path(resume).is_file():
        cfg.resume, cfg.load_from = True, resume
    else:
        raise ConfigError(f'--resume {resume}: no such checkpoint')


def _set_start(cfg, pretrain: Sequence[str]) -> None:
    """Let ``load_from`` name the one checkpoint that is meant."""
    given = list(pretrain) or ([cfg.load_from] if cfg.get('load_from') else [])
    if cfg.get('resume') or not given:
        return
    option = '--pretrain' if pretrain else 'load_from'
    chosen = choose_checkpoint(given, option=option)
    print(f'weights: {chosen}')
    cfg.load_from = str(chosen.path)


def _last_checkpoint(work_dir: Path) -> str | None:
    """Return the last checkpoint of a work_dir, also of one that was moved."""
    record = work_dir / 'last_checkpoint'
    if not record.exists():
        return None
    last = work_dir / Path(record.read_text().strip()).name
    if not last.exists():
        raise ConfigError(f'{record} names {last.name}, which is not there')
    return str(last)
