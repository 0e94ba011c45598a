"""A thread that ends a process which makes no step any more, and says where."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ocec.engine.rank_failure import report_failure
from ocec.engine.rank_pulse import PATIENCE, RankPulse

# its descriptor
STDERR = 2
# seconds between two looks
TICK = 1.0
# for the other ranks to write down where they are
SECONDS_FOR_OTHERS = 6.0


class RankHangError(RuntimeError):
    """A rank makes no step any more."""


class HangWatch:
    """Ends the process when no step has finished for a while.

    All stacks go to ``hang_rankN.txt`` and to stderr, those of other ranks too. A
    process that was itself paused begins to count anew.

    Args:
        folder: for the stacks.
        rank: of this process.
        timeout: seconds without a step, > 0.
        silence: seconds without a sign of life of another rank, > 0.
        pulse: the signs of life; None in a run of one process.
        is_running: whether the run still goes on; it may have ended by an exception.
        end: ends the process, given the exit code.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        folder: Path,
        rank: int,
        *,
        timeout: float,
        silence: float,
        pulse: RankPulse | None,
        is_running: Callable[[], bool],
        end: Callable[[int], None] = os._exit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = Path(folder) / f'hang_rank{rank}.txt'
        self._rank = rank
        self._timeout = timeout
        self._silence = silence
        self._pulse = pulse
        self._is_running = is_running
        self._end = end
        self._clock = clock
        self._stopped = threading.Event()
        self._beat_at: float | None = None
        self._place = 'the start'
        self._is_ending = False
        self._looked_at = clock()

    def start(self) -> None:
        """Begin to watch."""
        threading.Thread(target=self._run, name='hang watch', daemon=True).start()

    def stop(self) -> None:
        """Watch no more."""
        self._hold()
        self._stopped.set()
        if self._pulse is not None:
            self._pulse.end()

    def beat(self, place: str, *, arm: bool = False) -> None:
        """Note that the run goes on.

        Args:
            place: where it is, for the message.
            arm: count from now on; the time before the first step is not counted, as
                it may compile.
        """
        self._hold()
        self._place = place
        if arm or self._beat_at is not None:
            self._beat_at = self._clock()

    def look(self) -> str | None:
        """Return what is wrong, if anything."""
        now = self._clock()
        if now - self._looked_at > PATIENCE and self._beat_at is not None:
            self._beat_at = now  # this process was paused
        self._looked_at = now
        if self._pulse is not None:
            if self._pulse.alarm is not None:
                return self._pulse.alarm
            if silent := self._pulse.silent(self._silence):
                listed = ', '.join(f'{r} (process {p} on {h})' for r, h, p in silent)
                return f'no sign of life for {self._silence:g} s of rank {listed}'
        if self._beat_at is None or now - self._beat_at <= self._timeout:
            return None
        return (
            f'rank {self._rank} has made no step for {self._timeout:g} s, the last '
            f'sign was {self._place}'
        )

    def _hold(self) -> None:
        """Do not let a run go on that is being ended, though others woke up again."""
        if self._is_ending:
            threading.Event().wait()

    def _run(self) -> None:
        while not self._stopped.wait(TICK):
            problem = self.look()
            if problem is None:
                continue
            if self._stopped.is_set() or not self._is_running():
                return
            self._give_up(problem)
            return

    def _give_up(self, problem: str) -> None:
        self._is_ending = True
        print(f'watchdog of rank {self._rank}: {problem}', file=sys.stderr, flush=True)
        self._dump(problem)
        if self._pulse is not None and self._pulse.alarm is None:
            # first the alarm: whoever is woken sees it. In a thread: where the network
            # is cut it waits for ever
            alarm = threading.Thread(
                target=self._pulse.raise_alarm, args=(problem,), daemon=True
            )
            alarm.start()
            alarm.join(SECONDS_FOR_OTHERS)
            self._wake()
            time.sleep(SECONDS_FOR_OTHERS)
        text = f'{problem}. The stacks of all threads are in {self._path}'
        try:
            raise RankHangError(text)
        except RankHangError as error:
            report_failure(error)
        print(f'error: {text}', file=sys.stderr, flush=True)
        self._end(1)

    def _dump(self, problem: str) -> None:
        try:
            with open(self._path, 'w', encoding='utf-8') as stream:
                stream.write(f'{time.strftime("%Y-%m-%d %H:%M:%S")} {problem}\n')
                stream.flush()
                faulthandler.dump_traceback(stream)
            sys.stderr.write(self._path.read_text(encoding='utf-8'))
            sys.stderr.flush()
        except OSError as error:  # a full disk must not keep the process from ending
            print(f'{self._path}: {error}', file=sys.stderr, flush=True)
            faulthandler.dump_traceback(STDERR)

    def _wake(self) -> None:
        """Continue stopped ranks of this machine, or no signal could end them."""
        for _, host, process in self._pulse.silent(self._silence):
            if host == socket.gethostname():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGCONT)
