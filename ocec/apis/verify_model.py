"""Check a config before a long run: one line a check, ok, WARN or FAIL."""

from __future__ import annotations

import json
import logging
import os
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.device import get_device
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

from ocec.apis.errors import ConfigError
from ocec.apis.run_config import load_run_config
from ocec.apis.verify_model_data import (
    check_data,
    check_leaks,
    check_settings,
    check_speed,
)
from ocec.apis.verify_model_machine import (
    check_amp,
    check_device,
    check_memory,
    check_start,
)
from ocec.apis.verify_model_network import (
    check_build,
    check_first_loss,
    check_forward,
    check_gradients,
)
from ocec.apis.verify_model_rates import check_rates
from ocec.apis.verify_model_result import (
    FAIL,
    SKIP,
    CheckResult,
    Verdict,
    format_result,
    summarise,
)
from ocec.apis.verify_model_storage import check_disk, check_work_dir
from ocec.apis.verify_model_subject import Subject
from ocec.apis.verify_model_training import check_batch_size, check_eval, check_overfit
from ocec.compat import check_torchvision
from ocec.engine.checkpoint_io import write_text_atomically

# quick leaves out what trains
SLOW = ('overfit',)


@dataclass(frozen=True)
class Check:
    """A check, and what must not have failed before it.

    Args:
        function: takes the subject.
        needs: names of earlier checks; skipped ones do not matter.
    """

    function: Callable[[Subject], Verdict]
    needs: tuple[str, ...] = ()


CHECKS = {
    'config': Check(check_settings),
    'data': Check(check_data),
    'leaks': Check(check_leaks, ('data',)),
    'model': Check(check_build),
    'forward': Check(check_forward, ('model',)),
    'first-loss': Check(check_first_loss, ('model', 'forward')),
    'gradients': Check(check_gradients, ('model', 'forward')),
    'overfit': Check(check_overfit, ('model', 'forward', 'gradients')),
    'eval': Check(check_eval, ('model', 'forward')),
    'batch-size': Check(check_batch_size, ('model', 'forward')),
    'lr': Check(check_rates, ('model',)),
    'checkpoint': Check(check_start, ('model',)),
    'device': Check(check_device),
    'amp': Check(check_amp, ('model', 'forward')),
    'work-dir': Check(check_work_dir),
    'disk': Check(check_disk, ('model',)),
    'memory': Check(check_memory),
    'speed': Check(check_speed, ('data',)),
}
"""Name to check, in the order they are made."""


def verify_model(
    config: str | Path,
    *,
    data: str | None = None,
    val_data: str | None = None,
    cfg_options: Sequence[str] = (),
    work_dir: str | Path | None = None,
    pretrain: Sequence[str] = (),
    device: str | None = None,
    skip: Sequence[str] = (),
    steps: int = 20,
    quick: bool = False,
    json_file: str | Path | None = None,
) -> list[CheckResult]:
    """Make all checks of a config and print a line for each.

    Nothing is written into the work_dir. What cannot be tried on the data, because
    they are not there, is tried on noise of the same shape.

    Args:
        config: the config file.
        data: parquet file, folder, pickle or pattern for every dataset.
        val_data: the same for validation and test only.
        cfg_options: ``KEY=VALUE`` texts.
        work_dir: folder of the run that is planned.
        pretrain: weights that it will begin with, as for a training.
        device: ``cpu``, ``cuda``...; by default that of a training here.
        skip: names of checks to leave out.
        steps: of the training on one small batch, >= 2; up to ten times as many while
            the loss does not fall and they are quick.
        quick: leave out that training.
        json_file: file for all results.

    Returns:
        The results, in order.

    Raises:
        ConfigError: the config cannot be run, or an argument is wrong.
        ValueError: a check failed; all results were printed before.
    """
    check_torchvision()
    _check_arguments(skip, steps)
    left_out = {*skip, *(SLOW if quick else ())}
    with tempfile.TemporaryDirectory(prefix='ocec-verify-') as folder, _quiet():
        cfg = load_run_config(
            config,
            data=data,
            val_data=val_data,
            cfg_options=cfg_options,
            work_dir=work_dir,
            no_check='config' in left_out,
        )
        init_default_scope(cfg.get('default_scope') or 'ocec')
        _require_training(cfg)
        subject = Subject(
            cfg,
            folder=Path(folder),
            device=_choose_device(device),
            pretrain=pretrain,
            num_steps=steps,
        )
        results = _run_checks(subject, left_out, device)
    print(summarise(results))
    if json_file is not None:
        _write(results, config, Path(json_file))
    failed = [result.name for result in results if result.verdict.status == FAIL]
    if failed:
        raise ValueError(f'checks that failed: {", ".join(failed)}')
    return results


def _run_checks(
    subject: Subject, left_out: set[str], device: str | None
) -> list[CheckResult]:
    results: dict[str, CheckResult] = {}
    for name, check in CHECKS.items():
        failed = [
            need
            for need in check.needs
            if need in results and results[need].verdict.status == FAIL
        ]
        start = time.perf_counter()
        if name in left_out:
            verdict = Verdict(SKIP, 'not asked for')
        elif failed:
            verdict = Verdict(SKIP, f'needs {", ".join(failed)}')
        elif name == 'device':
            verdict = check_device(subject, device)
        else:
            verdict = _guarded(check.function, subject)
        results[name] = CheckResult(name, verdict, time.perf_counter() - start)
        print(format_result(results[name]), flush=True)
    return list(results.values())


def _guarded(function: Callable[[Subject], Verdict], subject: Subject) -> Verdict:
    """Make a check; whatever goes wrong in the model or the data is its result."""
    try:
        return function(subject)
    except Exception as error:  # of somebody's model: anything can be raised
        if os.environ.get('OCEC_TRACEBACK') == '1':
            traceback.print_exc()
        return Verdict(
            FAIL,
            f'{type(error).__name__}: {error}',
            'OCEC_TRACEBACK=1 shows where',
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Let the logger say only what is wrong: what is right has its own line."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _check_arguments(skip: Sequence[str], steps: int) -> None:
    if unknown := sorted(set(skip) - set(CHECKS)):
        raise ConfigError(
            f'--skip: no such check {", ".join(unknown)}; there are {", ".join(CHECKS)}'
        )
    if steps < 2:
        raise ConfigError(f'--steps must be >= 2, got {steps}')


def _require_training(cfg) -> None:
    missing = [
        key
        for key in ('model', 'train_dataloader', 'train_cfg', 'optim_wrapper')
        if cfg.get(key) is None
    ]
    if missing:
        raise ConfigError(f'{cfg.filename}: there is no {", ".join(missing)} to check')


def _choose_device(device: str | None) -> torch.device:
    try:
        wanted = torch.device(device or get_device())
    except RuntimeError as error:
        raise ConfigError(f'--device {device}: {error}') from error
    if wanted.type == 'cuda' and not torch.cuda.is_available():
        return torch.device('cpu')
    return wanted


def _write(results: Sequence[CheckResult], config: str | Path, file: Path) -> None:
    content = {
        'config': str(config),
        'failed': [r.name for r in results if r.verdict.status == FAIL],
        'checks': [result.record() for result in results],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    write_text_atomically(json.dumps(content, indent=2) + '\n', file)
