"""What a fine-tune report is about: methods, their runs, and what training cost."""

from __future__ import annotations

import glob
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ocec.apis.errors import ConfigError
from ocec.apis.start_checkpoint import SUFFIXES, choose_checkpoint
from ocec.visualization.run_log import RunError, RunLog, find_log, read_run
from ocec.visualization.run_numbers import summarize_training

ZERO_SHOT, SCRATCH = 'zero-shot', 'scratch'
"""The name of the start, and that of the method which others are compared with."""


@dataclass
class ReportRun:
    """One checkpoint, and what its work_dir tells of the training.

    Args:
        name: to show, as ``full s1``.
        checkpoint: the file that is scored.
        by_metric: its epoch was chosen by a validation metric, as ``best.json`` says.
        log: of the training; None where there is none beside the checkpoint.
        seed: None where not recorded.
        minutes: of training and validation; None where not logged.
        epochs: done.
        images_seen: in training, each as often as it came.
        best_epoch: that of the checkpoint.
        started_from: the checkpoint that the training started from; None without one.
        notes: what the reader should know.
    """

    name: str
    checkpoint: Path
    by_metric: bool = False
    log: RunLog | None = None
    seed: int | None = None
    minutes: float | None = None
    epochs: float | None = None
    images_seen: int | None = None
    best_epoch: int | None = None
    started_from: str | None = None
    notes: list[str] = field(default_factory=list)


def parse_runs(texts: Sequence[str]) -> dict[str, list[str]]:
    """Read what ``--run`` says.

    Args:
        texts: ``NAME=WORK_DIR`` or ``NAME=WORK_DIR,WORK_DIR2``, one for each method.

    Returns:
        Name to paths, in the order given.

    Raises:
        ConfigError: a text has no name or no path, or a name or path comes twice.

    Example:
        >>> parse_runs(['full=runs/a,runs/b'])
        {'full': ['runs/a', 'runs/b']}
    """
    if not texts:
        raise ConfigError('name at least one method: --run NAME=WORK_DIR')
    methods: dict[str, list[str]] = {}
    for text in texts:
        name, equals, listed = (part.strip() for part in text.partition('='))
        paths = [path.strip() for path in listed.split(',') if path.strip()]
        if not (name and equals and paths):
            raise ConfigError(
                f'--run {text}: write NAME=WORK_DIR, and the seeds of one method as '
                'NAME=WORK_DIR,WORK_DIR2'
            )
        if name == ZERO_SHOT:
            raise ConfigError(f'--run {text}: {ZERO_SHOT} is the name of --start')
        if name in methods:
            raise ConfigError(
                f'--run {name} is given twice: list its seeds behind one, '
                f'{name}={",".join(methods[name] + paths)}'
            )
        methods[name] = paths
    return methods


def parse_start(start: str | Path) -> list[str]:
    """Read what ``--start`` says.

    Args:
        start: a checkpoint or work_dir; ``WORK_DIR,WORK_DIR2`` where each seed of the
            methods started from a model of its own.

    Returns:
        The paths, in the order given.

    Example:
        >>> parse_start('home-s1, home-s2')
        ['home-s1', 'home-s2']
    """
    if Path(start).exists():  # a comma may be part of its name
        return [str(start)]
    return [path.strip() for path in str(start).split(',') if path.strip()]


def find_report_runs(name: str, paths: Sequence[str], option: str) -> list[ReportRun]:
    """Find the checkpoint and the log of each seed of a method.

    Args:
        name: of the method.
        paths: work_dirs, whose best checkpoint is meant, or checkpoints.
        option: that named them, for messages.

    Returns:
        One for each path.

    Raises:
        ConfigError: a path holds no checkpoint, two hold the same, or one is a
            pattern of several: the best of the seeds would stand for all.
        ValueError: a ``best.json`` cannot be read.
    """
    runs: dict[Path, ReportRun] = {}
    for path in paths:
        if name != ZERO_SHOT:
            _check_one(path, option)
        chosen = choose_checkpoint([path], option=option)
        where = chosen.path.resolve()
        if where in runs:
            raise ConfigError(
                f'{option}: {path} is the same checkpoint as {runs[where].checkpoint}; '
                'a seed that counts twice makes the deviation too small'
            )
        run = ReportRun(name, chosen.path, by_metric=chosen.source == 'best.json')
        _add_log(run, chosen.path.parent)
        _add_start(run, chosen.path.parent)
        _add_average(run, chosen.path)
        runs[where] = run
    found = list(runs.values())
    if len(found) > 1:
        for number, run in enumerate(found, start=1):
            run.name = f'{name} {_seed_name(run, found, number)}'
    return found


def count_images_seen(log: RunLog) -> int | None:
    """Count the images of a training, each as often as it came.

    Args:
        log: of a run.

    Returns:
        From speed and duration of each epoch; None where the log has not both.
    """
    speed, seconds = (
        log.curves.get(f'train/{name}') for name in ('images_per_second', 'seconds')
    )
    if speed is None or seconds is None or len(speed.value_N) != len(seconds.value_N):
        return None
    images_N = speed.value_N * seconds.value_N
    return int(np.rint(images_N).sum()) if np.isfinite(images_N).all() else None


def _check_one(path: str, option: str) -> None:
    matches = [] if Path(path).exists() else sorted(map(Path, glob.glob(path)))
    found = [str(m) for m in matches if m.is_dir() or m.suffix in SUFFIXES]
    if len(found) > 1:
        raise ConfigError(
            f'{option}: {path} matches {len(found)}; list the seeds: '
            f'{option}={",".join(found)}'
        )


def _add_log(run: ReportRun, folder: Path) -> None:
    """Read what the work_dir of a checkpoint tells, if it is one."""
    if find_log(folder) is None:
        return
    try:
        log = read_run(folder)
    except RunError as error:
        run.notes.append(f'{run.name}: no curves and no minutes: {error}')
        return
    numbers = summarize_training(log)
    run.log, run.seed = log, log.seed
    run.minutes, run.epochs = numbers['minutes'], numbers['epochs']
    run.images_seen = count_images_seen(log)
    record = folder / 'best.json'
    if run.by_metric and record.is_file():
        best = json.loads(record.read_text(encoding='utf-8'))
        if best['file'] == run.checkpoint.name:
            run.best_epoch = best.get('epoch')
    if log.state.startswith(('going on', 'ended at')):
        is_on = 'is ' if log.state.startswith('going on') else ''
        run.notes.append(f'{run.name}: training {is_on}{log.state}.')


def _add_start(run: ReportRun, folder: Path) -> None:
    report = folder / 'pretrained.json'
    if not report.is_file():
        return
    try:
        content = json.loads(report.read_text(encoding='utf-8'))
        run.started_from = content['checkpoint']
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{report}: not a readable record: {error!r}') from error


def _add_average(run: ReportRun, checkpoint: Path) -> None:
    """Say how the share of an average was chosen."""
    record = checkpoint.with_name('curve.json')
    if checkpoint.name != 'averaged.pth' or not record.is_file():
        return
    try:
        content = json.loads(record.read_text(encoding='utf-8'))
        alpha, rule = content['chosen']['alpha'], content['rule']
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f'{record}: not a readable record: {error!r}') from error
    run.notes.append(f'{run.name}: alpha {alpha:g} of the average was chosen as {rule}')


def _seed_name(run: ReportRun, runs: Sequence[ReportRun], number: int) -> str:
    seeds = [other.seed for other in runs]
    if None not in seeds and len(set(seeds)) == len(seeds):
        return f's{run.seed}'
    return f'#{number}'
