"""Writing files so that a crash, a full disk or a power cut loses nothing written.

Everything that a run writes about itself, and the caches of decoded pictures, go
through ``write``, ``write_at``, ``sync`` and ``rename`` of this module; a test puts
failing ones in their place.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

#: what a disk says that has no room
DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

write = os.write
write_at = os.pwrite
sync = os.fsync
rename = os.replace


def replace_file(
    path: str | Path,
    content: bytes | memoryview,
    *,
    outdated: Sequence[Path] = (),
    sync_name: bool = True,
) -> None:
    """Write a file so that readers see the old one or the new one, also after a crash.

    A temporary file in the same folder is written, forced to disk and renamed.

    Args:
        path: where to.
        content: the whole content.
        outdated: files about the old content, removed just before the new one shows.
        sync_name: force the folder to disk too, which remembers the new name; else a
            power cut may bring the old file back.

    Raises:
        OSError: it cannot be written; the old file is as it was. Of a full disk the
            message says how much is needed and free.
    """
    path = Path(path)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        with open(temporary, 'wb', buffering=0) as stream:
            write_all(stream.fileno(), content)
            sync(stream.fileno())
        for file in outdated:
            file.unlink(missing_ok=True)
        rename(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OSError(error.errno, _reason(error, path, len(content))) from error
    finally:
        temporary.unlink(missing_ok=True)
    if sync_name:
        sync_folder(path.parent)


def append_to_file(path: str | Path, content: bytes, *, durably: bool = False) -> None:
    """Add to the end of a file: all of it or nothing.

    Args:
        path: of the file; made if there is none.
        content: what is added; a torn last line before it is ended first.
        durably: force it to disk.

    Raises:
        OSError: it cannot be written; the file is as it was.
    """
    with open(path, 'ab+', buffering=0) as stream:
        size = stream.seek(0, os.SEEK_END)
        if size and content and _byte_at(stream, size - 1) != b'\n':
            content = b'\n' + content
        try:
            write_all(stream.fileno(), content)
            if durably:
                sync(stream.fileno())
        except OSError:
            stream.truncate(size)
            raise


def remove_leftovers(folder: str | Path) -> None:
    """Remove the temporary files of a process that was killed while it wrote.

    Args:
        folder: that nobody writes to now.
    """
    for path in Path(folder).glob('.*.tmp'):
        if path.name.split('.')[-2].isdecimal():
            path.unlink()


def write_all(descriptor: int, content: bytes | memoryview) -> None:
    """Write all of it; the system may take a part at a time.

    Args:
        descriptor: of an open file.
        content: bytes.

    Raises:
        OSError: some of it cannot be written.
    """
    left = memoryview(content)
    while len(left):
        left = left[write(descriptor, left) :]


def sync_folder(folder: str | Path) -> None:
    """Force to disk which files are in a folder.

    Args:
        folder: the folder.

    Raises:
        OSError: the disk is broken; the message names the folder.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        sync(descriptor)
    except OSError as error:
        # some network file systems cannot, and keep the order by themselves
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            reason = f'{folder} cannot be written: {error.strerror or error}'
            raise OSError(error.errno, reason) from error
    finally:
        os.close(descriptor)


def _byte_at(stream, place: int) -> bytes:
    stream.seek(place)
    return stream.read(1)


def _reason(error: OSError, path: Path, needed: int) -> str:
    text = f'{path} cannot be written: {error.strerror or error}'
    if error.errno not in DISK_FULL:
        return text
    free = shutil.disk_usage(path.parent).free
    return (
        f'{text}. It needs {needed / 1e6:,.1f} MB, {free / 1e6:,.1f} MB are free there'
    )
