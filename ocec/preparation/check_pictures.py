"""The few numbers of each picture that the check of a data set needs.

A row costs 40 bytes and a thumbnail of 288, whatever the size of the picture. Shapes:
N pictures, h x w their own size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import cv2
import numpy as np

from ocec.functional.perceptual_hash import THUMBNAIL_HW, dhash

PICTURE_DTYPE = np.dtype(
    [
        ('height', np.uint32),  # pixels; 0: the row could not be read
        ('width', np.uint32),
        ('mean', np.float32),  # of the grey levels, in [0, 255]
        ('contrast', np.float32),  # their standard deviation
        ('digest', np.uint64, 2),  # equal where size and all pixels are
        ('hash', np.uint64),  # near where the pictures look alike
    ]
)
# a picture with less contrast shows nothing: grey levels of one value and its noise
CONSTANT_BELOW = 1.0


def describe_pictures(
    images: Sequence[np.ndarray | None],
) -> tuple[np.ndarray, np.ndarray]:
    """Measure pictures.

    Args:
        images: N pictures (h, w, 3) uint8 BGR; None where there is none.

    Returns:
        (N,) of ``PICTURE_DTYPE``, zeros where there is no picture; and (N, 12, 24)
        uint8 grey thumbnails, black there.
    """
    facts_N = np.zeros(len(images), PICTURE_DTYPE)
    thumb_NHW = np.zeros((len(images), *THUMBNAIL_HW), np.uint8)
    for row, image in enumerate(images):
        if image is None:
            continue
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        mean, contrast = cv2.meanStdDev(gray)
        facts = facts_N[row]
        facts['height'], facts['width'] = gray.shape
        facts['mean'], facts['contrast'] = mean.item(), contrast.item()
        facts['digest'] = digest_of(image)
        thumb_NHW[row] = cv2.resize(
            gray, THUMBNAIL_HW[::-1], interpolation=cv2.INTER_AREA
        )
    facts_N['hash'] = dhash(thumb_NHW)
    return facts_N, thumb_NHW


def digest_of(image: np.ndarray) -> np.ndarray:
    """Hash size and pixels of a picture.

    Args:
        image: (h, w, C) uint8.

    Returns:
        (2,) uint64: BLAKE2b of 128 bits. The chance that any two of 10 million
        different pictures agree is below 1e-24.

    Example:
        >>> plain = np.zeros((2, 3, 1), np.uint8)
        >>> bool((digest_of(plain) == digest_of(plain.reshape(3, 2, 1))).all())
        False
    """
    digest = hashlib.blake2b(repr(image.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(image))
    return np.frombuffer(digest.digest(), np.uint64)
