"""Train a config."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.hooks import Hook

from ocec.apis.action_data import check_action_files
from ocec.apis.check_dataset_quick import DatasetCheckHook
from ocec.apis.errors import ConfigError
from ocec.apis.run_config import load_run_config, set_amp, set_randomness
from ocec.apis.start_checkpoint import choose_checkpoint
from ocec.compat import check_torchvision
from ocec.engine.checkpoint_io import write_text_atomically
from ocec.engine.hooks.stop_hook import StopHook
from ocec.engine.last_checkpoint import last_good_checkpoint
from ocec.engine.process_group import leave_process_group
from ocec.engine.runner import Runner
from ocec.engine.start_plan import OtherModelError
from ocec.engine.start_weights import WEIGHTS
from ocec.engine.stop_signal import StopSignal, stop_on_signals
from ocec.engine.work_dir_lock import WorkDirInUseError, lock_work_dir
from ocec.functional.file_ops import remove_leftovers

#: left by a run that a signal has stopped, for scripts that start it again
STOPPED = 'stopped.json'
# rank of a process before it has joined the others
_RANK_OF_LAUNCHER = {'pytorch': 'RANK', 'slurm': 'SLURM_PROCID'}


@dataclass(frozen=True)
class TrainResult:
    """What a training left.

    Args:
        work_dir: folder of the run.
        best: content of ``best.json``: metric, value, epoch, file, sha256; None if
            nothing was validated.
        stopped_by: name of the signal that has stopped it, as SIGTERM; None if it was
            trained to the end.
    """

    work_dir: Path
    best: dict | None
    stopped_by: str | None = None


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
    save_every_minutes: float | None = None,
    hooks: Sequence[Hook] = (),
) -> TrainResult:
    """Train, from the beginning or from a checkpoint.

    SIGTERM, SIGINT and SIGUSR1 let it save and return; a second one ends the process.

    Args:
        config: the config file.
        work_dir: folder of the run.
        data: parquet file, folder or pattern for every dataset.
        val_data: the same for validation and test only.
        resume: ``auto`` goes on from the last checkpoint of the work_dir that is not
            damaged, and begins anew where there is none; else a checkpoint. None
            begins anew.
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
        save_every_minutes: save within epochs too, see ``every_minutes`` of
            :class:`ocec.engine.hooks.CheckpointHook`.
        hooks: registered after those of the config.

    Returns:
        Where the run lies and what its best checkpoint is.

    Raises:
        ConfigError: something is wrong with the config or the arguments, the weights
            to begin with are those of another model, or another run is in the work_dir.
        OSError: the last checkpoint cannot be written.
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
    if save_every_minutes is not None:
        _set_save_every_minutes(cfg, save_every_minutes)
    _check_start(cfg, pretrain, load_weights, resume)
    _set_resume(cfg, resume)
    _set_start(cfg, pretrain)
    with _only_run_in(cfg.work_dir, launcher), stop_on_signals() as stop:
        runner = Runner.from_cfg(cfg)
        for hook in (data_check_hook, StopHook(stop), *hooks):
            runner.register_hook(hook)
        (Path(cfg.work_dir) / STOPPED).unlink(missing_ok=True)
        try:
            runner.train()
        except OtherModelError as error:
            raise ConfigError(str(error)) from error
        is_stopped = getattr(runner.train_loop, 'is_stopped', False)
        if is_stopped and runner.rank == 0:
            _tell_how_to_resume(runner, stop)
        leave_process_group()
    print(f'work_dir: {cfg.work_dir}')
    best = Path(cfg.work_dir) / 'best.json'
    return TrainResult(
        work_dir=Path(cfg.work_dir),
        best=json.loads(best.read_text()) if best.exists() else None,
        stopped_by=(stop.name or 'another rank') if is_stopped else None,
    )


@contextlib.contextmanager
def _only_run_in(work_dir: str, launcher: str) -> Iterator[None]:
    """Lock the work_dir for all ranks, in the first one."""
    rank = os.environ.get(_RANK_OF_LAUNCHER.get(launcher, ''), '0')
    if rank != '0':
        yield
        return
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lock_work_dir(work_dir))
        except WorkDirInUseError as error:
            raise ConfigError(str(error)) from error
        remove_leftovers(work_dir)
        yield


def _tell_how_to_resume(runner: Runner, stop: StopSignal) -> None:
    """Say it, and leave a note for scripts."""
    folder = Path(runner.work_dir)
    # as it was resolved: with all options of the command line
    config = folder / Path(runner.cfg.filename).name
    command = {
        'none': f'python tools/train.py {shlex.quote(str(config))}',
        'pytorch': f'tools/dist_train.sh {shlex.quote(str(config))} '
        f'{runner.world_size}',
        'slurm': f'tools/slurm_train.sh PARTITION JOB {shlex.quote(str(config))}',
    }[runner._launcher]
    work_dir = shlex.quote(str(folder))
    if runner._launcher != 'slurm':
        work_dir = f'--work-dir {work_dir}'
    note = {'signal': stop.name, 'epoch': runner.epoch, 'step': runner.iter}
    write_text_atomically(json.dumps(note) + '\n', folder / STOPPED)
    print(f'resume with: {command} {work_dir} --resume', flush=True)


def _set_save_every_minutes(cfg, minutes: float) -> None:
    checkpoint = cfg.get('default_hooks', {}).get('checkpoint')
    if not checkpoint:
        raise ConfigError(
            '--save-every-minutes: the config has no default_hooks.checkpoint'
        )
    if not minutes > 0:
        raise ConfigError(f'--save-every-minutes must be > 0, got {minutes:g}')
    checkpoint.every_minutes = minutes


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
        trust = cfg.get('trust_checkpoint', False)
        last = last_good_checkpoint(cfg.work_dir, trust=trust)
        cfg.resume = last is not None
        if last is not None:
            cfg.load_from = str(last)
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
