"""One run, read from its work_dir."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ocec.functional.json_text import read_json
from ocec.visualization.run_log_jsonl import read_metrics_jsonl
from ocec.visualization.run_log_mmengine import find_mmengine_logs, read_mmengine_logs
from ocec.visualization.run_log_original import read_history_json
from ocec.visualization.run_provenance import describe_session, find_changes
from ocec.visualization.run_records import Curve, LogContent, build_curves
from ocec.visualization.run_settings import Setting, find_config, read_settings

GOING_ON_MINUTES = 10.0
"""A run whose log was written to since is taken to be going on."""

SEARCH_DEPTH = 3


class RunError(ValueError):
    """A folder that cannot be shown; the message says why."""


@dataclass
class RunLog:
    """What a run left behind.

    Args:
        name: to show; unique within a comparison.
        path: the work_dir.
        source: which log was read.
        curves: name to curve, as ``val/f1``, ``train/loss``, ``lr``.
        test: metrics of the last test.
        settings: the resolved config as dotted names, empty without one.
        facts: what it was made with, empty without ``provenance.json``.
        seed: of its random numbers, None where not recorded.
        state: ``finished``, ``going on`` or ``ended early``, in words.
        messages: what the user should know.
    """

    name: str
    path: Path
    source: str
    curves: dict[str, Curve]
    test: dict[str, float] = field(default_factory=dict)
    settings: dict[str, Setting] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    seed: int | None = None
    state: str = ''
    messages: list[str] = field(default_factory=list)

    @property
    def num_epochs(self) -> float:
        """Last epoch of any curve; NaN where epochs are unknown."""
        ends = [curve.epoch_N[-1] for curve in self.curves.values()]
        return float(np.nanmax(ends)) if np.isfinite(ends).any() else float('nan')


def find_runs(folder: Path) -> list[Path]:
    """Return the runs in a folder.

    Args:
        folder: a work_dir, one of its logs, or a folder of work_dirs, up to three
            levels deep.

    Returns:
        Work_dirs, sorted; the folder itself if it holds a log or no run at all.

    Raises:
        RunError: there is no such folder, or it is another file.
    """
    if folder.is_file() and folder.parent.name == 'vis_data':
        return [folder.parents[2]]
    if folder.is_file() and folder.name in ('metrics.jsonl', 'history.json'):
        return [folder.parent]
    if folder.is_file():
        raise RunError('is a file, not a work_dir')
    if not folder.is_dir():
        raise RunError('no such folder')
    return _search(folder, SEARCH_DEPTH) or [folder]


def _search(folder: Path, depth: int) -> list[Path]:
    if find_log(folder) is not None:
        return [folder]
    if depth == 0:
        return []
    inner = sorted(path for path in folder.iterdir() if path.is_dir())
    return [run for path in inner for run in _search(path, depth - 1)]


def find_log(work_dir: Path) -> Path | None:
    """Return the log of a work_dir.

    Args:
        work_dir: of a run.

    Returns:
        ``metrics.jsonl``, else the newest ``scalars.json`` of mmengine, else
        ``history.json``; None without any.
    """
    own = work_dir / 'metrics.jsonl'
    if own.exists():
        return own
    logs = find_mmengine_logs(work_dir)
    if logs:
        return logs[-1]
    history = work_dir / 'history.json'
    return history if history.exists() else None


def read_run(work_dir: Path, *, name: str | None = None) -> RunLog:
    """Read one run.

    Args:
        work_dir: its folder.
        name: to show; the folder's by default.

    Returns:
        The run.

    Raises:
        RunError: the folder holds no log, or one that cannot be read.
    """
    log = find_log(work_dir)
    if log is None:
        raise RunError(
            'holds no metrics.jsonl, no */vis_data/*.json of mmengine and no '
            'history.json'
        )
    try:
        content = _read_log(work_dir, log)
    except (OSError, ValueError, OverflowError) as error:
        raise RunError(f'{log.name} cannot be read: {error}') from error
    curves = build_curves(content.records)
    if not curves:
        tested = ', only of a test' if content.test else ''
        raise RunError(f'{log.name} holds no line of a training yet{tested}')
    run = RunLog(
        name or work_dir.resolve().name,
        work_dir,
        log.name,
        curves,
        test=content.test,
        messages=content.messages,
    )
    _add_settings(run)
    _add_provenance(run)
    _add_not_finite(run)
    run.state = _state_of(run, time.time() - log.stat().st_mtime)
    return run


def _read_log(work_dir: Path, log: Path) -> LogContent:
    if log.name == 'metrics.jsonl':
        return read_metrics_jsonl(log)
    if log.name == 'history.json':
        return read_history_json(log)
    return read_mmengine_logs(find_mmengine_logs(work_dir))


def _add_settings(run: RunLog) -> None:
    config = find_config(run.path)
    if config is None:
        run.messages.append(
            'no config in the folder: not part of the config difference'
        )
        return
    try:
        run.settings = read_settings(config)
    except (OSError, ValueError) as error:
        run.messages.append(f'its config cannot be read: {error}')
    seed = run.settings.get('randomness.seed')
    run.seed = seed if isinstance(seed, int) else None


def _add_provenance(run: RunLog) -> None:
    path = run.path / 'provenance.json'
    if not path.exists():
        run.messages.append(
            'no provenance.json: whether data and code are the same is unknown'
        )
        return
    try:
        sessions = read_json(path)['sessions']
        run.facts = describe_session(sessions[-1])
        run.messages += find_changes(sessions)
        seed = sessions[-1].get('seed')
        run.seed = seed if isinstance(seed, int) else run.seed
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
    ) as error:
        run.messages.append(f'provenance.json cannot be read: {error!r}')


def _add_not_finite(run: RunLog) -> None:
    for name in ('train/loss', 'interval/loss', 'val/loss'):
        curve = run.curves.get(name)
        if curve is None or np.isfinite(curve.value_N).all():
            continue
        first = int(np.flatnonzero(np.isnan(curve.value_N))[0])
        epoch, step = curve.epoch_N[first], curve.step_N[first]
        where = f'epoch {epoch:.0f}' if np.isfinite(epoch) else f'step {step:.0f}'
        run.messages.append(f'{name} is not finite from {where} on, or at times since')
        return


def _state_of(run: RunLog, seconds_since: float) -> str:
    planned = run.settings.get('train_cfg.max_epochs')
    done = run.num_epochs
    if isinstance(planned, int) and np.isfinite(done):
        if done >= planned:
            return 'finished'
        of = f'{done:.0f} of {planned} epochs'
    else:
        of = f'{done:.0f} epochs' if np.isfinite(done) else 'epochs unknown'
        if run.source == 'history.json':
            return 'finished'
    if seconds_since < 60 * GOING_ON_MINUTES:
        return f'going on, {of}'
    return f'ended at {of}' if isinstance(planned, int) else of
