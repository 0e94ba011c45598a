"""Clips of videos put into one batch.

Shapes: N videos, M clips of each, P persons, T frames, K joints, h x w pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class ClipSample:
    """The clips of one video.

    Args:
        row: number of the video in its table.
        keypoint_MPTK2: (M, P, T_pose, K, 2) pixels of the annotation's frame.
        score_MPTK: (M, P, T_pose, K).
        box: (4,) x1, y1, x2, y2 in pixels of that frame.
        frame_hw: (2,) height and width of that frame.
        frames_MThwC: (M, T_rgb, h, w, 3) uint8 RGB; or None.
    """

    row: int
    keypoint_MPTK2: np.ndarray
    score_MPTK: np.ndarray
    box: np.ndarray
    frame_hw: np.ndarray
    frames_MThwC: np.ndarray | None = None


def stack_samples(samples: Sequence[ClipSample]) -> dict[str, Tensor]:
    """Stack videos; those with fewer persons are filled up with zeros.

    Args:
        samples: N >= 1 videos with as many clips and frames each, all or none with RGB.

    Returns:
        ``keypoint`` (N, M, P, T_pose, K, 2) and ``score`` (N, M, P, T_pose, K) float32,
        ``box`` (N, 4) float32, ``frame_hw`` (N, 2) int64, and ``frames``
        (N, M, T_rgb, h, w, 3) uint8 where there are some.
    """
    num_persons = max(sample.score_MPTK.shape[1] for sample in samples)
    clips, _, *frames_joints = samples[0].score_MPTK.shape
    shape = (len(samples), clips, num_persons, *frames_joints)
    keypoint, score = torch.zeros(*shape, 2), torch.zeros(shape)
    for number, sample in enumerate(samples):
        persons = sample.score_MPTK.shape[1]
        keypoint.numpy()[number, :, :persons] = sample.keypoint_MPTK2
        score.numpy()[number, :, :persons] = sample.score_MPTK
    inputs = {
        'keypoint': keypoint,
        'score': score,
        'box': _stacked([sample.box for sample in samples], np.float32),
        'frame_hw': _stacked([sample.frame_hw for sample in samples], np.int64),
    }
    if samples[0].frames_MThwC is not None:
        frames = [sample.frames_MThwC for sample in samples]
        inputs = {'frames': _stacked(frames, np.uint8), **inputs}
    return inputs


def take_persons(
    keypoint_PFK2: np.ndarray, score_PFK: np.ndarray, max_persons: int
) -> tuple[np.ndarray, np.ndarray]:
    """Keep the persons with the highest scores, in the order of the file.

    Args:
        keypoint_PFK2: (P, F, K, 2).
        score_PFK: (P, F, K).
        max_persons: >= 1.

    Returns:
        The same of min(P, max_persons) persons.
    """
    if len(score_PFK) <= max_persons:
        return keypoint_PFK2, score_PFK
    total_P = score_PFK.sum((1, 2), dtype=np.float64)
    kept = np.sort(np.argsort(-total_P, kind='stable')[:max_persons])
    return keypoint_PFK2[kept], score_PFK[kept]


def _stacked(arrays: Sequence[np.ndarray], dtype: type) -> Tensor:
    return torch.from_numpy(np.stack(arrays).astype(dtype, copy=False))
