"""What the skeletons of one clip are like.

Shapes: P persons, F frames, K joints, C = 2 or 3 coordinates.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class SkeletonFacts:
    """What the skeletons of one clip are like.

    Args:
        num_persons: with a joint in any frame, 0 to P.
        num_frames: F.
        num_skeletons: of each person and frame, those with a joint.
        num_missing_K: (K,) int64, in how many of them each joint is missing.
        num_not_numbers: coordinates and scores that are NaN or infinite; such joints
            count as missing.
        score_range: lowest and highest score; None where there are none.
        dtype: of the coordinates.
        digest: equal of clips with equal coordinates.
    """

    num_persons: int
    num_frames: int
    num_skeletons: int
    num_missing_K: np.ndarray = field(repr=False)
    num_not_numbers: int
    score_range: tuple[float, float] | None
    dtype: str
    digest: str


def describe_skeletons(
    keypoint_PFKC: np.ndarray, score_PFK: np.ndarray | None
) -> SkeletonFacts:
    """Look at the skeletons of a clip.

    A joint is missing where all its coordinates are 0, or one is no number.

    Args:
        keypoint_PFKC: (P, F, K, C) in any unit.
        score_PFK: (P, F, K), or None.

    Returns:
        The facts.
    """
    finite_PFK = np.isfinite(keypoint_PFKC).all(-1)
    num_bad = int(np.count_nonzero(~np.isfinite(keypoint_PFKC)))
    score_range = None
    if score_PFK is not None:
        is_score = np.isfinite(score_PFK)
        finite_PFK = finite_PFK & is_score
        num_bad += int(np.count_nonzero(~is_score))
        if is_score.any():
            known = score_PFK[is_score]
            score_range = float(known.min()), float(known.max())
    found_PFK = (keypoint_PFKC != 0).any(-1) & finite_PFK
    there_PF = found_PFK.any(-1)
    content = np.ascontiguousarray(keypoint_PFKC)
    shape = repr(content.shape).encode()
    return SkeletonFacts(
        num_persons=int(there_PF.any(1).sum()),
        num_frames=keypoint_PFKC.shape[1],
        num_skeletons=int(there_PF.sum()),
        num_missing_K=np.count_nonzero(~found_PFK & there_PF[..., None], axis=(0, 1)),
        num_not_numbers=num_bad,
        score_range=score_range,
        dtype=str(keypoint_PFKC.dtype),
        digest=hashlib.sha256(shape + content.tobytes()).hexdigest(),
    )
