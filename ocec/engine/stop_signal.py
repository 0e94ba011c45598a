"""Signals that end a training in order: the first is a wish, the second an order."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
# a launcher passes on what the terminal has sent to every process already
PASSED_ON_WITHIN = 2.0
_ANSWER = 'the run saves and stops after this step; once more ends it at once'


class StopSignal:
    """Which signal has asked for the end, if any."""

    def __init__(self) -> None:
        #: whether a training runs that can save; before that the first signal ends all
        self.is_armed = False
        #: number of the signal
        self.asked: int | None = None
        self._since = 0.0

    @property
    def name(self) -> str:
        """Name of the signal, as SIGTERM; empty if there was none."""
        return signal.Signals(self.asked).name if self.asked else ''

    def receive(self, number: int, frame: object = None) -> None:
        """Take a signal; the second one ends the process at once.

        Args:
            number: of the signal.
            frame: not used.

        Raises:
            KeyboardInterrupt: there is nothing to save yet, and it was SIGINT.
            SystemExit: the same of another signal, with 128 + its number.
        """
        now = time.monotonic()
        if not self.is_armed:
            raise (
                KeyboardInterrupt
                if number == signal.SIGINT
                else SystemExit(128 + number)
            )
        if self.asked is None:
            self.asked, self._since = number, now
            # print may be in the middle of a line
            os.write(2, f'{self.name}: {_ANSWER}\n'.encode())
            return
        if 'TORCHELASTIC_RUN_ID' in os.environ and now - self._since < PASSED_ON_WITHIN:
            return
        # no clean-up: whoever asks twice does not want to wait for it
        os._exit(128 + number)


@contextlib.contextmanager
def stop_on_signals() -> Iterator[StopSignal]:
    """Turn SIGTERM, SIGINT and SIGUSR1 into a wish while this lasts.

    Outside the main thread nothing is changed.

    Yields:
        the wish.
    """
    stop = StopSignal()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.signal(number, stop.receive) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def begin_worker(begin: Callable[[int], None] | None, number: int) -> None:
    """Begin a data worker that is ended by its parent only.

    What ends a job often goes to all of its processes, and the parent still needs its
    batches for the step that it saves. A worker whose parent is gone ends by itself.

    Args:
        begin: called with the number of the worker; None for nothing.
        number: of the worker.
    """
    for ignored in (signal.SIGINT, signal.SIGUSR1):
        signal.signal(ignored, signal.SIG_IGN)
    if hasattr(signal, 'sigwaitinfo'):  # not on macOS
        # other threads take the mask over, so that only the one below gets it
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_for_parent, daemon=True).start()
    if begin is not None:
        begin(number)


def _end_for_parent() -> None:
    parent = multiprocessing.parent_process().pid
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)
