"""Pictures of one size in a ``.npy`` file, written and read piece by piece.

Pages of a memory-mapped file count as memory of the process once they were touched, so
a large file is not mapped. Shapes: N pictures of H x W pixels, B of them at once.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ocec.functional import file_ops

# a mapped file is read two to three times as fast, but all of it counts as memory, and
# once for each split that is open
MAX_MAPPED_BYTES = 1 << 29


class ImageFile:
    """Reads pictures of a file by number.

    Processes that were forked or started anew may read one file at once.

    Args:
        path: ``.npy`` file, (N, H, W, 3) uint8. One above ``MAX_MAPPED_BYTES`` is
            read by a system call per picture, which keeps memory small.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path).resolve()
        mapped_NHWC = np.load(self.path, mmap_mode='r')
        self.shape, self._offset = mapped_NHWC.shape, mapped_NHWC.offset
        self._picture_bytes = math.prod(self.shape[1:])
        is_small = mapped_NHWC.nbytes <= MAX_MAPPED_BYTES
        self._mapped_NHWC = np.asarray(mapped_NHWC) if is_small else None
        # stays open: the file can be read even when its folder has been removed
        self._descriptor = os.open(self.path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._descriptor)

    def __reduce__(self) -> tuple:
        """Open the file again in another process."""
        return type(self), (self.path,)

    def __len__(self) -> int:
        """Return the number of pictures N."""
        return self.shape[0]

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """Read some pictures.

        Args:
            rows: a slice of step 1, or (B,) numbers in [0, N).

        Returns:
            (B, H, W, 3) uint8; read-only for a slice.

        Raises:
            OSError: the file is shorter than it was.
        """
        if self._mapped_NHWC is not None:
            return self._mapped_NHWC[rows]
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(len(self))
            images_BHWC = self._empty(max(stop - start, 0))
            self._read(images_BHWC, start)
            return images_BHWC
        images_BHWC = self._empty(len(rows))
        for image_HWC, row in zip(images_BHWC, rows.tolist(), strict=True):
            self._read(image_HWC, row)
        return images_BHWC

    def _empty(self, num: int) -> np.ndarray:
        return np.empty((num, *self.shape[1:]), np.uint8)

    def _read(self, pixels: np.ndarray, row: int) -> None:
        start = self._offset + row * self._picture_bytes
        if os.preadv(self._descriptor, [pixels], start) != pixels.nbytes:
            raise OSError(f'{self.path}: cut off before the end of picture {row:,}')


@contextlib.contextmanager
def image_writer(
    path: Path, shape_NHWC: tuple[int, ...]
) -> Iterator[Callable[[int, np.ndarray], None]]:
    """Create a file with all its blocks on the disk, black, and fill it.

    Args:
        path: ``.npy`` file to create.
        shape_NHWC: (N, H, W, 3).

    Yields:
        a function of the number of a picture and (B, H, W, 3) uint8, which writes
        those from there on; threads may call it at once.

    Raises:
        OSError: the disk is full or broken.
    """
    with open(path, 'wb', buffering=0) as stream:
        write_npy_header(stream, np.dtype(np.uint8), shape_NHWC)
        offset, picture_bytes = stream.tell(), math.prod(shape_NHWC[1:])
        _reserve(stream.fileno(), offset + shape_NHWC[0] * picture_bytes)

        def write(first_row: int, images_BHWC: np.ndarray) -> None:
            place = offset + first_row * picture_bytes
            rest = memoryview(images_BHWC.reshape(-1))
            with _naming(path):
                while rest:
                    written = file_ops.write_at(stream.fileno(), rest, place)
                    place, rest = place + written, rest[written:]

        yield write
        with _naming(path):
            file_ops.sync(stream.fileno())


def write_npy_header(stream: BinaryIO, dtype: np.dtype, shape: tuple[int, ...]) -> None:
    """Write what precedes the numbers in a ``.npy`` file.

    Args:
        stream: at the start of the file.
        dtype: of the numbers.
        shape: of the array, whose last axis varies fastest.
    """
    header = {
        'descr': np.lib.format.dtype_to_descr(dtype),
        'fortran_order': False,
        'shape': shape,
    }
    np.lib.format.write_array_header_1_0(stream, header)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file in the errors of its descriptor; of a full disk others say more."""
    try:
        yield
    except OSError as error:
        if error.errno in file_ops.DISK_FULL:
            raise
        reason = f'{path} cannot be written: {error.strerror or error}'
        raise OSError(error.errno, reason) from error


def _reserve(descriptor: int, size: int) -> None:
    """Take the space now, so that a full disk is told before an hour of decoding."""
    os.ftruncate(descriptor, size)
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        # this kind of disk cannot reserve blocks
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
            raise
