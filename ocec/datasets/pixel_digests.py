"""A hash of the pixels of each cached picture, kept beside the cache.

Equal pixels after decoding and resizing mean one picture, whatever its file looks like.
Shapes: N rows.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

FILE_NAME = 'pixel_digests.npy'
_CHUNK = 4096


def pixel_digests(images_NHWC: np.ndarray, folder: Path) -> np.ndarray:
    """Hash each picture, or read the hashes of the last time.

    Args:
        images_NHWC: (N, H, W, 3) uint8, the pixels of a decoded cache.
        folder: of that cache; if it cannot be written, nothing is kept.

    Returns:
        (N, 2) uint64: BLAKE2b of 128 bits; 0 where all pixels of a picture are equal,
        as in rows that could not be read: black is no picture.
    """
    path = folder / FILE_NAME
    # a file that was cut or has other rows is written anew
    with contextlib.suppress(OSError, ValueError, EOFError):
        digest_N2 = np.load(path)
        if digest_N2.shape == (len(images_NHWC), 2) and digest_N2.dtype == np.uint64:
            return digest_N2
    digest_N2 = np.zeros((len(images_NHWC), 2), np.uint64)
    starts = range(0, len(images_NHWC), _CHUNK)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        chunks = (images_NHWC[start : start + _CHUNK] for start in starts)
        for start, found in zip(starts, pool.map(_digests, chunks), strict=True):
            digest_N2[start : start + _CHUNK] = found
    temporary = path.with_name(f'.{FILE_NAME}.{os.getpid()}.tmp.npy')
    with contextlib.suppress(OSError):
        np.save(temporary, digest_N2)
        os.replace(temporary, path)
    return digest_N2


def _digests(images_NHWC: np.ndarray) -> np.ndarray:
    digest_N2 = np.zeros((len(images_NHWC), 2), np.uint64)
    shows_N = (images_NHWC != images_NHWC[:, :1, :1]).any(axis=(1, 2, 3))
    # hashlib lets other threads run meanwhile
    for row in np.flatnonzero(shows_N).tolist():
        digest = hashlib.blake2b(images_NHWC[row], digest_size=16).digest()
        digest_N2[row] = np.frombuffer(digest, np.uint64)
    return digest_N2
