"""A hash of the pixels of each cached picture, kept beside the cache.

Equal pixels after decoding and resizing mean one picture, whatever its file looks like.
Shapes: N rows.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ocec.datasets.image_file import ImageFile, write_npy_header
from ocec.functional import file_ops

FILE_NAME = 'pixel_digests.npy'
_CHUNK = 4096


def pixel_digests(images_NHWC: np.ndarray | ImageFile, folder: Path) -> np.ndarray:
    """Hash each picture, or open the hashes of the last time.

    Args:
        images_NHWC: (N, H, W, 3) uint8, the pixels of a decoded cache.
        folder: of that cache; if it cannot be written, nothing is kept.

    Returns:
        (N, 2) uint64: BLAKE2b of 128 bits; 0 where all pixels of a picture are equal,
        as in rows that could not be read: black is no picture. Memory-mapped, unless
        the folder cannot be written.
    """
    path = folder / FILE_NAME
    # a file that was cut or has other rows is written anew
    with contextlib.suppress(OSError, ValueError, EOFError):
        digest_N2 = np.load(path, mmap_mode='r')
        if digest_N2.shape == (len(images_NHWC), 2) and digest_N2.dtype == np.uint64:
            return digest_N2
    temporary = path.with_name(f'.{FILE_NAME}.{os.getpid()}.tmp.npy')
    try:
        with open(temporary, 'wb') as stream:
            shape_N2 = (len(images_NHWC), 2)
            write_npy_header(stream, np.dtype(np.uint64), shape_N2)
            for digest_R2 in _stream_digests(images_NHWC):
                stream.write(digest_R2)
            stream.flush()
            file_ops.sync(stream.fileno())
        file_ops.rename(temporary, path)
        return np.load(path, mmap_mode='r')
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        no_digests = np.zeros((0, 2), np.uint64)
        return np.concatenate([no_digests, *_stream_digests(images_NHWC)])


def _stream_digests(images_NHWC: np.ndarray | ImageFile) -> Iterator[np.ndarray]:
    """Hash chunk by chunk on all cores; a thread reads a chunk when its turn comes."""

    def digests_from(start: int) -> np.ndarray:
        return digest_images(images_NHWC[start : start + _CHUNK])

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        yield from pool.map(digests_from, range(0, len(images_NHWC), _CHUNK))


def digest_images(images_NHWC: np.ndarray) -> np.ndarray:
    """Hash each picture of an array, on this core.

    Args:
        images_NHWC: (N, H, W, C) uint8, contiguous.

    Returns:
        (N, 2) uint64, as :func:`pixel_digests` returns.
    """
    digest_N2 = np.zeros((len(images_NHWC), 2), np.uint64)
    shows_N = (images_NHWC != images_NHWC[:, :1, :1]).any(axis=(1, 2, 3))
    # hashlib lets other threads run meanwhile
    for row in np.flatnonzero(shows_N).tolist():
        digest = hashlib.blake2b(images_NHWC[row], digest_size=16).digest()
        digest_N2[row] = np.frombuffer(digest, np.uint64)
    return digest_N2
