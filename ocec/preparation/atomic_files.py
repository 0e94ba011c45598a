"""New files that appear under their names only when all of them are complete."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def new_file(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Open a file that replaces the one under its name when the block ends well.

    Args:
        path: file to write; its folder is made if missing.

    Yields:
        the file, binary; written to the disk before it gets its name.
    """
    with new_files([path]) as files:
        yield next(files)


@contextlib.contextmanager
def new_files(
    paths: Sequence[str | os.PathLike],
) -> Iterator[Generator[BinaryIO, None, None]]:
    """Open files that replace those under their names when the block ends well.

    One file is open at a time, so that their number has no limit. If the block does
    not end well, or the program is killed within it, the old files are untouched.
    The names are given one after the other at the end, which takes no time to speak
    of but is not one step.

    Args:
        paths: files to write; their folders are made if missing.

    Yields:
        the files one by one, binary; each is written to the disk and closed when the
        next one is asked for. Those that nobody asks for are empty.
    """
    paths = [Path(path) for path in paths]
    partials: list[Path] = []
    files = _open_each(paths, partials)
    try:
        yield files
        for _ in files:
            pass
        for partial, path in zip(partials, paths, strict=True):
            # mkstemp makes private files; follow the user's umask as open() does
            partial.chmod(0o666 & ~_umask())
            os.replace(partial, path)
        for folder in {path.parent for path in paths}:
            _sync_folder(folder)
    finally:
        files.close()
        for partial in partials:
            partial.unlink(missing_ok=True)


def _open_each(
    paths: Sequence[Path], partials: list[Path]
) -> Generator[BinaryIO, None, None]:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f'.{path.name}.', suffix='.tmp'
        )
        partials.append(Path(name))
        with os.fdopen(handle, 'wb') as file:
            yield file
            file.flush()
            os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Put the new names on the disk, too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    # the only portable way to read it is to set it
    mask = os.umask(0)
    os.umask(mask)
    return mask
