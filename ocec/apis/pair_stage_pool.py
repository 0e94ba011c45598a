"""Several trainings at once, each a process of its own, with their progress."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from ocec.apis.pair_stage_run import CONSOLE_FILE, MemberRun

LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 15.0
TAIL_BYTES = 1 << 16
TAIL_LINES = 5


@dataclass
class _Training:
    run: MemberRun
    process: subprocess.Popen
    began: float


def train_runs(runs: Sequence[MemberRun], *, jobs: int, threads: int) -> dict[str, str]:
    """Train runs, as many at once as there are jobs; one that fails stops no other.

    Args:
        runs: prepared ones.
        jobs: processes at once, >= 1.
        threads: of each process.

    Returns:
        Name of each run that failed to what happened, in words.
    """
    waiting, going, failed = deque(runs), [], {}
    with _show_progress(runs) as view, _end_on_sigterm():
        try:
            while waiting or going:
                while waiting and len(going) < jobs:
                    run = waiting.popleft()
                    try:
                        going.append(_begin(run, threads))
                    except (OSError, ValueError) as error:
                        failed[run.name] = str(error)
                        view.failed(run, str(error))
                    else:
                        view.began(run)
                for training in [t for t in going if t.process.poll() is not None]:
                    going.remove(training)
                    problem = _problem_of(training)
                    if problem:
                        failed[training.run.name] = problem
                        view.failed(training.run, problem)
                    else:
                        view.ended(training.run, time.monotonic() - training.began)
                for training in going:
                    view.look(training.run)
                time.sleep(LOOK_SECONDS)
        finally:
            _end(going)
    return failed


def read_progress(folder: Path) -> tuple[int, float | None]:
    """Read from the end of a log how far a run is.

    Args:
        folder: its work_dir.

    Returns:
        Epochs that were validated, and the accuracy of the last one; 0 and None before.
    """
    log = folder / 'metrics.jsonl'
    if not log.exists():
        return 0, None
    with open(log, 'rb') as stream:
        stream.seek(max(0, log.stat().st_size - TAIL_BYTES))
        lines = stream.read().decode(errors='replace').splitlines()
    for line in reversed(lines):
        with contextlib.suppress(ValueError):  # half a line, at either end
            record = json.loads(line)
            if record.get('phase') == 'val':
                return record['epoch'], record.get('pair/accuracy')
    return 0, None


def _begin(run: MemberRun, threads: int) -> _Training:
    lock = run.lock()
    command = [sys.executable, '-m', 'ocec.apis.pair_stage_worker', str(run.folder)]
    try:
        with open(run.folder / CONSOLE_FILE, 'ab') as console:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                env={**os.environ, 'OMP_NUM_THREADS': str(threads)},
                pass_fds=(lock,),  # the folder stays taken as long as it lives
            )
    finally:
        os.close(lock)
    return _Training(run, process, time.monotonic())


def _problem_of(training: _Training) -> str | None:
    code = training.process.returncode
    if code == 0:
        return None
    how = f'exit code {code}' if code > 0 else f'killed by {signal.Signals(-code).name}'
    console = training.run.folder / CONSOLE_FILE
    lines = console.read_text(encoding='utf-8', errors='replace').splitlines()
    tail = '\n    '.join(lines[-TAIL_LINES:])
    return f'{how}, see {console}\n    {tail}'


def _end(going: Sequence[_Training]) -> None:
    """End what is still going on, as after Ctrl-C; it can be resumed."""
    for training in going:
        training.process.terminate()
    for training in going:
        try:
            training.process.wait(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            training.process.kill()
            training.process.wait()


@contextlib.contextmanager
def _end_on_sigterm() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C, so that no training is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _show_progress(runs: Sequence[MemberRun]) -> Iterator[_Lines | _Bars]:
    """Yield bars on a terminal, else what prints a line now and then."""
    console = Console()
    if not console.is_terminal:
        yield _Lines(len(runs))
        return
    columns = ('{task.description}', BarColumn(), MofNCompleteColumn())
    columns += ('{task.fields[told]}', TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        yield _Bars(progress, len(runs))


class _Lines:
    """Says when a run begins and ends."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0

    def began(self, run: MemberRun) -> None:
        epoch, _ = read_progress(run.folder)
        if epoch:
            self._say(f'goes on with {run.name}, which logged epoch {epoch}')
        else:
            self._say(f'begins {run.name}')

    def look(self, run: MemberRun) -> None:
        """Say nothing in between."""

    def ended(self, run: MemberRun, seconds: float) -> None:
        self._done += 1
        self._say(f'done   {run.name}: {_result(run)}, {seconds / 60:.1f} min')

    def failed(self, run: MemberRun, problem: str) -> None:
        self._done += 1
        self._say(f'FAILED {run.name}: {problem}')

    def _say(self, text: str) -> None:
        print(f'[{self._done}/{self._total}] {text}', flush=True)


class _Bars:
    """A bar of epochs for each run that goes on, and one for all."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._bars = progress, {}
        self._all = progress.add_task('all members', total=total, told='')

    def began(self, run: MemberRun) -> None:
        self._bars[run.name] = self._progress.add_task(
            run.name, total=run.max_epochs, told=''
        )
        self.look(run)

    def look(self, run: MemberRun) -> None:
        epoch, accuracy = read_progress(run.folder)
        told = '' if accuracy is None else f'val {100 * accuracy:.2f} %'
        self._progress.update(self._bars[run.name], completed=epoch, told=told)

    def ended(self, run: MemberRun, seconds: float) -> None:
        self._take_away(
            run, f'done   {run.name}: {_result(run)}, {seconds / 60:.1f} min'
        )

    def failed(self, run: MemberRun, problem: str) -> None:
        self._take_away(run, f'FAILED {run.name}: {problem}')

    def _take_away(self, run: MemberRun, text: str) -> None:
        if run.name in self._bars:
            self._progress.remove_task(self._bars.pop(run.name))
        self._progress.console.print(text, markup=False, highlight=False)
        self._progress.advance(self._all)


def _result(run: MemberRun) -> str:
    best = json.loads((run.folder / 'best.json').read_text(encoding='utf-8'))
    return f'{best["metric"]} {best["value"]:.4f} in epoch {best["epoch"]}'
