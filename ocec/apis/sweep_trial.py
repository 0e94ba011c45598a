"""The folder of a trial: what is to be trained, and what came of it."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from ocec.engine.checkpoint_io import write_text_atomically

TRIAL_FILE, RESULT_FILE, LOCK_FILE = 'trial.json', 'result.json', '.trial.lock'
CONSOLE_FILE = 'console.log'
MAX_ERROR_LINES = 40


@dataclass(frozen=True)
class TrialRun:
    """One training of a trial.

    Args:
        folder: its work_dir, within that of the trial; ``.`` for the only one.
        cfg_options: ``KEY=VALUE`` texts for the config.
        seed: of all random numbers; None keeps that of the config.
        fold: of the cross-validation; None for the split of the data.
    """

    folder: str
    cfg_options: tuple[str, ...]
    seed: int | None = None
    fold: int | None = None


@dataclass(frozen=True)
class TrialPlan:
    """What the process of a trial is told.

    Args:
        number: of the trial.
        study: name of the study.
        base: the config file.
        data: of every dataset; None keeps those of the config.
        runs: its trainings.
        objectives: metric and direction of each.
        epoch: whose metrics count, ``best`` or ``last``.
        pruner: settings of a pruner; None for none.
        data_check: look for leaks first, as the trainings' own option.
    """

    number: int
    study: str
    base: str
    data: str | None
    runs: tuple[TrialRun, ...]
    objectives: tuple[tuple[str, str], ...]
    epoch: str
    pruner: str | dict | None
    data_check: str


def write_plan(plan: TrialPlan, folder: Path) -> None:
    """Write what the process of a trial will read.

    Args:
        plan: of the trial.
        folder: its folder; made where there is none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(plan), indent=1) + '\n'
    write_text_atomically(text, folder / TRIAL_FILE)


def read_plan(folder: Path) -> TrialPlan:
    """Read what :func:`write_plan` wrote.

    Args:
        folder: of the trial.

    Returns:
        The plan.
    """
    content = json.loads((folder / TRIAL_FILE).read_text(encoding='utf-8'))
    runs = tuple(
        TrialRun(**{**run, 'cfg_options': tuple(run['cfg_options'])})
        for run in content.pop('runs')
    )
    objectives = tuple((metric, way) for metric, way in content.pop('objectives'))
    return TrialPlan(runs=runs, objectives=objectives, **content)


def write_result(folder: Path, result: dict) -> None:
    """Write what came of a trial; JSON can hold it."""
    write_text_atomically(json.dumps(result, indent=1) + '\n', folder / RESULT_FILE)


def read_result(folder: Path) -> dict | None:
    """Read what came of a trial.

    Args:
        folder: of the trial.

    Returns:
        ``state`` (``done`` or ``pruned``), ``values`` and ``runs``; None before.
    """
    file = folder / RESULT_FILE
    return json.loads(file.read_text(encoding='utf-8')) if file.exists() else None


def take_folder(folder: Path) -> int | None:
    """Take the folder of a trial, so that no second process trains in it.

    The lock belongs to every process that has the descriptor, and ends with them.

    Args:
        folder: of the trial; made where there is none.

    Returns:
        A file descriptor, to be passed on and closed; None where another process of
        this machine has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def read_error(folder: Path, since: int) -> str:
    """Return the end of what a failed training printed.

    Args:
        folder: of the trial.
        since: bytes of the console file before this training.

    Returns:
        From its last traceback on, at most 40 lines.
    """
    with open(folder / CONSOLE_FILE, 'rb') as stream:
        stream.seek(since)
        lines = stream.read().decode(errors='replace').splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith('Traceback')]
    lines = lines[starts[-1] :] if starts else lines
    return '\n'.join(lines[-MAX_ERROR_LINES:])
