"""Does the trials of a sweep, each in a process of its own, several at once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from ocec.apis.sweep_trial import (
    CONSOLE_FILE,
    TrialPlan,
    read_error,
    read_result,
    take_folder,
    write_plan,
)
from ocec.apis.sweep_worker import STOPPED, STORAGE_VARIABLE
from ocec.search import Board, Ticket
from ocec.search.liveness import BEAT_SECONDS

LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 20.0


@dataclass
class _Work:
    ticket: Ticket
    folder: Path
    process: subprocess.Popen
    slot: int
    began: float
    since: int  # bytes of the console file before it


class TrialPool:
    """Processes that do the trials of a board.

    Args:
        board: deals out the trials.
        plan_of: makes the plan of a trial.
        root: folder of all trials.
        storage: journal file or URL, which the processes report to.
        workers: processes at once, >= 1.
        on_change: called after a trial has ended.
    """

    def __init__(
        self,
        board: Board,
        plan_of: Callable[[Ticket], TrialPlan],
        root: Path,
        *,
        storage: str,
        workers: int,
        on_change: Callable[[], None],
    ) -> None:
        self._board, self._plan_of, self._root = board, plan_of, root
        self._storage, self._workers = storage, workers
        self._on_change = on_change
        self._devices = visible_devices()
        self._going: list[_Work] = []
        self._beaten = time.monotonic()
        self._is_asked_to_end = threading.Event()

    def run(self, *, until: float | None = None) -> None:
        """Do trials until none is left.

        Args:
            until: ``time.monotonic()`` from which no trial begins any more; those that
                go on are finished.

        Raises:
            KeyboardInterrupt: of Ctrl-C or SIGTERM; the trials were given back.
        """
        with _note_signals(self._is_asked_to_end):
            try:
                while self._fill(until) or self._going:
                    if self._is_asked_to_end.is_set():
                        raise KeyboardInterrupt
                    time.sleep(LOOK_SECONDS)
                    self._look()
            except BaseException:
                self._give_back()
                raise

    def _fill(self, until: float | None) -> bool:
        """Begin trials where there is room; returns whether one began."""
        began = False
        while len(self._going) < self._workers:
            is_late = until is not None and time.monotonic() >= until
            if is_late or self._is_asked_to_end.is_set():
                return began
            ticket = self._board.next()
            if ticket is None:
                return began
            self._begin(ticket)
            began = True
        return began

    def _begin(self, ticket: Ticket) -> None:
        folder = self._root / ticket.folder
        lock = take_folder(folder)
        if lock is None:  # of a process whose parent was killed, until it notices
            self._board.interrupt(ticket, 'its folder was still taken')
            time.sleep(1)
            return
        try:
            write_plan(self._plan_of(ticket), folder)
            slots = {work.slot for work in self._going}
            slot = next(s for s in range(self._workers) if s not in slots)
            console = folder / CONSOLE_FILE
            since = console.stat().st_size if console.exists() else 0
            with open(console, 'ab') as stream:
                process = subprocess.Popen(
                    worker_command(folder),
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    env=self._environment(slot),
                    pass_fds=(lock,),
                )
        finally:
            os.close(lock)
        self._going.append(
            _Work(ticket, folder, process, slot, time.monotonic(), since)
        )
        self._say(ticket, _begin_words(ticket))

    def _environment(self, slot: int) -> dict[str, str]:
        threads = os.environ.get('OMP_NUM_THREADS')
        if threads is None:
            threads = str(max(1, len(os.sched_getaffinity(0)) // self._workers))
        environment = {
            **os.environ,
            'OMP_NUM_THREADS': threads,
            STORAGE_VARIABLE: self._storage,
        }
        if self._devices:
            device = self._devices[slot % len(self._devices)]
            environment['CUDA_VISIBLE_DEVICES'] = device
        return environment

    def _look(self) -> None:
        """Note what has ended, and say that the rest goes on."""
        for work in [w for w in self._going if w.process.poll() is not None]:
            self._going.remove(work)
            self._note_end(work)
            self._on_change()
        if time.monotonic() - self._beaten < BEAT_SECONDS:
            return
        self._beaten = time.monotonic()
        for ticket in self._board.beat([work.ticket for work in self._going]):
            work = next(w for w in self._going if w.ticket is ticket)
            self._say(ticket, 'was taken over by another machine: ended here')
            _end(work.process)
            self._going.remove(work)

    def _note_end(self, work: _Work) -> None:
        ticket, code = work.ticket, work.process.returncode
        minutes = (time.monotonic() - work.began) / 60
        if code == STOPPED:
            self._board.interrupt(ticket, 'its training was stopped by a signal')
            self._say(ticket, 'stopped by a signal, to be gone on with')
            return
        result = read_result(work.folder) if code == 0 else None
        if result is None:
            how = f'exit code {code}'
            if code < 0:
                how = f'killed by {signal.Signals(-code).name}'
            error = f'{how}\n{read_error(work.folder, work.since)}'
            self._board.fail(ticket, error.strip())
            last = error.strip().splitlines()[-1]
            self._say(ticket, f'FAILED: {last}, see {work.folder / CONSOLE_FILE}')
            return
        self._board.note(ticket, 'runs', result['runs'])
        if result['state'] == 'pruned':
            self._board.prune(ticket)
            self._say(ticket, f'given up, {minutes:.1f} min')
            return
        self._board.complete(ticket, result['values'])
        values = ', '.join(f'{value:.5g}' for value in result['values'])
        self._say(ticket, f'done: {values}, {minutes:.1f} min')

    def _give_back(self) -> None:
        """End what goes on; the next sweep goes on with it."""
        for work in self._going:
            work.process.terminate()
        for work in self._going:
            _end(work.process)
            self._board.interrupt(work.ticket, 'the sweep was ended')
        self._going.clear()

    def _say(self, ticket: Ticket, text: str) -> None:
        counts = self._board.count()
        done = counts['done'] + counts['pruned'] + counts['failed']
        print(f'[{done}/{counts["wanted"]}] trial {ticket.number} {text}', flush=True)


def worker_command(folder: Path) -> list[str]:
    """Return the command of the process of a trial."""
    module = 'ocec.apis.sweep_worker'
    return [sys.executable, '-m', module, str(folder), str(os.getpid())]


def visible_devices() -> list[str]:
    """Return the names of the GPUs that this process may use."""
    named = os.environ.get('CUDA_VISIBLE_DEVICES')
    if named is not None:
        return [name for name in named.split(',') if name not in ('', '-1')]
    return [str(index) for index in range(torch.cuda.device_count())]


def _begin_words(ticket: Ticket) -> str:
    facts = {**ticket.labels, **ticket.values}
    text = ', '.join(f'{key}={value!r}' for key, value in facts.items())
    if ticket.resumes is None:
        return f'begins: {text}'
    return f'goes on with trial {ticket.resumes}, in {ticket.folder}: {text}'


def _end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def _note_signals(event: threading.Event) -> Iterator[None]:
    """Set an event on Ctrl-C and SIGTERM.

    An exception could come between the begin of a process and the note of it, or while
    the lock of the journal is held.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {
        number: signal.signal(number, lambda *_: event.set()) for number in numbers
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
