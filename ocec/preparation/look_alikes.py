"""Groups for pictures of which nobody noted the subject: those that look alike.

Shapes: N pictures.
"""

from __future__ import annotations

import numpy as np

from ocec.functional.perceptual_hash import (
    NEAR_CORRELATION,
    NEAR_DISTANCE,
    correlate_pairs,
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
        >>> group_look_alikes(np.stack([ramp, ramp[:, ::-1], ramp // 2])).tolist()
        ['alike0000000', 'alike0000001', 'alike0000000']
    """
    linked = []
    for pairs_P2 in iter_near_pairs(dhash(thumbnail_NHW), max_distance):
        for start in range(0, len(pairs_P2), _PAIRS_AT_ONCE):
            some_P2 = pairs_P2[start : start + _PAIRS_AT_ONCE]
            alike_P = correlate_pairs(thumbnail_NHW, some_P2) >= min_correlation
            linked.append(some_P2[alike_P])
    pairs_P2 = np.concatenate([np.empty((0, 2), np.int64), *linked])
    first_N = connected_clusters(len(thumbnail_NHW), pairs_P2)
    return np.array([f'alike{row:07d}' for row in first_N.tolist()])
