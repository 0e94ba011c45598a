"""A map over processes that ends when it is told to.

``concurrent.futures`` alone hangs on Ctrl-C, which reaches every process of a
terminal: a worker interrupted while it holds the queue's lock never gives it back.
Its workers also outlive a parent that is killed.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

import cv2


def map_in_processes(
    function: Callable, items: Sequence, *, jobs: int | None = None
) -> Iterator:
    """Apply a function to each item and give the results in the order of the items.

    One job runs in this process. More are spawned, so the calling script needs the
    usual ``if __name__ == '__main__'``.

    Args:
        function: can be pickled, as can the items and the results.
        items: what to apply it to.
        jobs: processes, >= 1; None takes all cores this process may use.

    Returns:
        Iterator over the results; closing it drops what has not begun.

    Raises:
        ValueError: jobs is below 1.
    """
    if jobs is not None and jobs < 1:
        raise ValueError(f'jobs must be >= 1, got {jobs}')
    jobs = min(jobs or _num_cores(), len(items))
    if jobs <= 1:
        return map(function, items)
    return _map_in_pool(function, items, jobs)


def _map_in_pool(function: Callable, items: Sequence, jobs: int) -> Iterator:
    # spawn: a fork would copy the locks that threads of torch or OpenCV hold
    context = multiprocessing.get_context('spawn')
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_start_worker)
    try:
        with _interrupts_held_back():
            results = pool.map(function, items)  # starts the workers
        yield from results
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Keep Ctrl-C from processes started meanwhile; this one gets it afterwards."""
    if not hasattr(signal, 'pthread_sigmask'):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, end with it, and keep to one core."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    multiprocessing.parent_process().join()
    os._exit(1)


def _num_cores() -> int:
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
