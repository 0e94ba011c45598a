"""Groups for pictures of which nobody noted the subject: those that look alike.

Shapes: N pictures.
"""

from __future__ import annotations

import numpy as np

from ocec.functional.perceptual_hash import (
    NEAR_CORRELATION,
    NEAR_DISTANCE,
    correlate,
    dhash,
    iter_near_pairs,
)
from ocec.functional.split_clusters import connected_clusters

_PAIRS_AT_ONCE = 100_000


def group_look_alikes(
    thumbnail_NHW: np.ndarray,
    *,
    max_distance: int = NEAR_DISTANCE,
    min_correlation: float = NEAR_CORRELATION,
) -> np.ndarray:
    """Put pictures into one group that look alike, directly or through others.

    One that is like the mirror image of another counts as well: both eyes of a face.
    Neighbouring frames of a video form chains. It finds what is nearly one picture,
    not what is one person: fewer leaks, not none.

    Args:
        thumbnail_NHW: (N, H, W) uint8 grey thumbnails.
        max_distance: bits by which the hashes of a pair may differ, in [0, 63].
        min_correlation: of the thumbnails of a pair, in [-1, 1].

    Returns:
        (N,) names of groups, after the number of their first picture.

    Example:
        >>> ramp = np.arange(0, 240, 10, dtype=np.uint8)[None].repeat(12, axis=0)
        >>> roof = np.minimum(ramp, 130 - ramp // 2)
        >>> group_look_alikes(np.stack([ramp, roof, ramp[:, ::-1] // 2])).tolist()
        ['alike0000000', 'alike0000001', 'alike0000000']
    """
    num_rows = len(thumbnail_NHW)
    # rows N as they are, then their mirror images
    hash_X = np.concatenate([dhash(thumbnail_NHW), dhash(thumbnail_NHW[:, :, ::-1])])
    linked = []
    for pairs_P2 in iter_near_pairs(hash_X, max_distance):
        # the smaller number is first; of two mirrored ones the plain pair counts
        pairs_P2 = pairs_P2[pairs_P2[:, 0] < num_rows]
        for start in range(0, len(pairs_P2), _PAIRS_AT_ONCE):
            some_P2 = pairs_P2[start : start + _PAIRS_AT_ONCE]
            mirrored_P = some_P2[:, 1] >= num_rows
            some_P2 = some_P2 % num_rows
            left_PHW, right_PHW = (thumbnail_NHW[row_P] for row_P in some_P2.T)
            right_PHW[mirrored_P] = right_PHW[mirrored_P, :, ::-1]
            alike_P = correlate(left_PHW, right_PHW) >= min_correlation
            linked.append(some_P2[alike_P])
    pairs_P2 = np.concatenate([np.empty((0, 2), np.int64), *linked])
    first_N = connected_clusters(num_rows, pairs_P2)
    return np.array([f'alike{row:07d}' for row in first_N.tolist()])
