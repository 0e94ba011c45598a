"""Arrays of an npz, whose sizes are compared with the file before they are read.

An npz is a zip archive: a few kilobytes may declare, and unpack to, any amount.
"""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

SMALL_BYTES, MAX_RATIO = 1 << 28, 100
"""What unpacks to more than 256 MiB must not be packed to less than a hundredth: black
pixels with a digit in them are packed to a tenth."""

ZIP_START = b'PK\x03\x04'
_STORED, _DEFLATED, _ENCRYPTED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, 1
_SUFFIX = '.npy'


def read_arrays(
    path: str | Path, choose: Callable[[Sequence[str]], Sequence[str]] | None = None
) -> dict[str, np.ndarray]:
    """Read arrays of numbers and text.

    Args:
        path: the npz, as ``numpy.savez`` or ``numpy.savez_compressed`` write it.
        choose: takes the names of all arrays and returns those that are read; None
            reads all.

    Returns:
        Name to array.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no npz, damaged or cut off, holds pickled objects, or
            declares far more than it can hold; the message names file and array.
    """
    path = Path(path)
    with open(path, 'rb') as stream:
        # numpy takes anything else for an npy or a pickle
        if stream.read(4) != ZIP_START:
            raise ValueError(f'{path}: not an npz')
        try:
            with zipfile.ZipFile(stream) as archive:
                members = _checked_members(archive, path.stat().st_size)
                wanted = list(members) if choose is None else choose(list(members))
                return {name: _read(archive, members[name]) for name in wanted}
        except _RefusedError as error:
            raise ValueError(f'{path}: {error}') from error
        except (
            *(OSError, EOFError, zipfile.BadZipFile, zlib.error),
            # a method or an encryption that the library does not know
            *(NotImplementedError, RuntimeError),
        ) as error:
            raise ValueError(
                f'{path}: not a readable npz, truncated perhaps: {error}'
            ) from error


class _RefusedError(ValueError):
    """The message is meant for the user."""


def _checked_members(
    archive: zipfile.ZipFile, present: int
) -> dict[str, zipfile.ZipInfo]:
    """Name to member, where all of them together have a plausible size."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = info.filename.removesuffix(_SUFFIX)
        if not info.filename.endswith(_SUFFIX):
            raise _RefusedError(f'holds {info.filename[:80]!r}, which is no array')
        if name in members:
            raise _RefusedError(f'holds the array {name[:80]} twice')
        if info.flag_bits & _ENCRYPTED or info.compress_type not in (
            _STORED,
            _DEFLATED,
        ):
            raise _RefusedError(
                f'the array {name[:80]} is packed in a way that is not read'
            )
        members[name] = info
    declared = sum(info.file_size for info in members.values())
    if declared > max(SMALL_BYTES, MAX_RATIO * present):
        raise _RefusedError(
            f'declares {declared:,} bytes of arrays in a file of {present:,} bytes, '
            'which is not unpacked'
        )
    return members


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    name = info.filename.removesuffix(_SUFFIX)[:80]
    with archive.open(info) as stream:
        shape, is_fortran, dtype = _header(stream, name)
        if dtype.hasobject:
            raise _RefusedError(
                f'the array {name} holds pickled objects, which could run code and '
                'are refused; save plain arrays'
            )
        declared = math.prod(shape) * dtype.itemsize
        present = info.file_size - stream.tell()
        if min(shape, default=0) < 0 or declared != present:
            raise _RefusedError(
                f'the array {name} of shape {_short(shape)} and {dtype.name} has '
                f'{present:,} bytes'
            )
        content = stream.read(declared)
        if len(content) != declared:
            raise _RefusedError(f'the array {name} is cut off')
    if declared == 0:
        return np.zeros(shape, dtype)
    # a copy of its own, as np.load gives: a view of bytes could not be written to
    flat = np.frombuffer(bytearray(content), dtype)
    return flat.reshape(shape, order='F' if is_fortran else 'C')


def _header(stream: BinaryIO, name: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            return np.lib.format.read_array_header_1_0(stream)
        return np.lib.format.read_array_header_2_0(stream)
    except (
        *(ValueError, TypeError, SyntaxError, tokenize.TokenError),
        *(RecursionError, MemoryError),
    ) as error:
        reason = str(error).split('\n')[0][:200]
        raise _RefusedError(
            f'the array {name} has no readable header: {reason}'
        ) from error


def _short(shape: tuple[int, ...]) -> str:
    return f'({", ".join(map(str, shape[:4]))}{", ..." if len(shape) > 4 else ""})'
