"""One run at a time in a work_dir."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

NAME = '.lock'
# what file systems say that know no locks
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS)


class WorkDirInUseError(Exception):
    """Another run writes into the work_dir."""


@contextlib.contextmanager
def lock_work_dir(folder: str | Path) -> Iterator[None]:
    """Keep other runs out of a work_dir; one process of a job does so for all.

    The system frees the lock when its holder dies, however that happens.

    Args:
        folder: the work_dir; made if there is none.

    Yields:
        nothing.

    Raises:
        WorkDirInUseError: another run holds it; the message says which.
    """
    path = Path(folder) / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    stream = _lock(path)

    def close_in_child() -> None:
        # a data worker that outlives its parent must not hold the lock
        if not stream.closed:
            stream.close()

    os.register_at_fork(after_in_child=close_in_child)
    try:
        yield
    finally:
        # still locked, so that nobody's newer file can be the one that goes
        path.unlink(missing_ok=True)
        stream.close()


def _lock(path: Path) -> TextIO:
    """Open the file, lock it, and write who we are."""
    while True:
        stream = open(path, 'a+', encoding='utf-8')  # noqa: SIM115  held by the caller
        try:
            is_locked = _is_locked_now(stream)
            if is_locked and not _is_same_file(stream, path):
                stream.close()  # its holder has just gone
                continue
            holder = _read(stream)
            if not is_locked or _may_be_alive(holder):
                raise WorkDirInUseError(_in_use(path, holder))
            if holder:
                print(
                    f'{path.parent}: the run of process {holder.get("pid")} that began '
                    f'{holder.get("started")} has ended without notice; its lock is '
                    'taken over'
                )
            own = {
                'pid': os.getpid(),
                'host': socket.gethostname(),
                'started': time.strftime('%Y-%m-%d %H:%M:%S'),
            }
            stream.truncate(0)
            stream.write(json.dumps(own) + '\n')
            stream.flush()
        except BaseException:
            stream.close()
            raise
        return stream


def _is_locked_now(stream: TextIO) -> bool:
    """Lock a file; False if another process has. Without locks its content decides."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        if error.errno not in _NO_LOCKS:
            raise
        return not _is_running_here(_read(stream))
    return True


def _is_same_file(stream: TextIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _read(stream: TextIO) -> dict:
    """Return who wrote the file; of a torn or empty one nothing."""
    stream.seek(0)
    try:
        holder = json.loads(stream.read() or '{}')
    except ValueError:
        return {}
    return holder if isinstance(holder, dict) else {}


def _may_be_alive(holder: dict) -> bool:
    """Whether a holder whose lock is free may run all the same: on another host.

    There the file system may not tell us of its lock.
    """
    return bool(holder) and holder.get('host') != socket.gethostname()


def _is_running_here(holder: dict) -> bool:
    if holder.get('host') != socket.gethostname():
        return False
    if holder.get('pid') == os.getpid():
        return False  # a container gives the same number to every first process
    try:
        os.kill(int(holder.get('pid', 0)), 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        return True
    return True


def _in_use(path: Path, holder: dict) -> str:
    text = (
        f'{path.parent} is in use by process {holder.get("pid", "?")} on '
        f'{holder.get("host", "?")} since {holder.get("started", "?")}: wait for it, '
        'or choose another --work-dir'
    )
    if _may_be_alive(holder):
        text += f'. If that process is no more, remove {path}'
    return text
