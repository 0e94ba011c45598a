"""Who works on a trial, and whether that process still lives."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

# a worker on another machine says this often that it lives, and is given up after
# that many seconds of silence; their clocks should agree to within a minute
BEAT_SECONDS, SILENCE_SECONDS = 30.0, 300.0


def describe_worker() -> dict:
    """Describe this process for other ones.

    Returns:
        ``host``, ``pid``, ``started`` (tells two processes of one pid apart) and
        ``seen`` (seconds since 1970).
    """
    pid = os.getpid()
    return {
        'host': host_name(),
        'pid': pid,
        'started': start_time(pid),
        'seen': time.time(),
    }


def is_alive(worker: Mapping, *, now: float | None = None) -> bool:
    """Say whether the process of a worker lives.

    Args:
        worker: of :func:`describe_worker`, with the newest ``seen``.
        now: seconds since 1970; None for the clock.

    Returns:
        For a process of this machine the truth; for one elsewhere whether it has been
        seen within ``SILENCE_SECONDS``.
    """
    if worker.get('host') == host_name():
        started = start_time(worker['pid'])
        return started is not None and started == worker.get('started')
    now = time.time() if now is None else now
    return now - worker.get('seen', 0) < SILENCE_SECONDS


def host_name() -> str:
    """Return a name of this machine that changes when it is started anew."""
    boot = Path('/proc/sys/kernel/random/boot_id')
    suffix = f' {boot.read_text().strip()[:8]}' if boot.exists() else ''
    return socket.gethostname() + suffix


def start_time(pid: int) -> str | None:
    """Return when a process began, in a unit of the system.

    Args:
        pid: of the process.

    Returns:
        Some text; None if there is no such process, or it only waits to be reaped.
    """
    stat = Path(f'/proc/{pid}/stat')
    if stat.parent.parent.joinpath('self').exists():
        try:
            fields = stat.read_text().rpartition(')')[2].split()
        except OSError:
            return None
        return None if fields[0] == 'Z' else fields[19]
    try:  # no /proc: a reused pid is not noticed
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return 'unknown'
    return 'unknown'
