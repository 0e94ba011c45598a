"""What a pose estimator makes of true joints: jitter, hidden, lost and swapped ones.

Legend: M persons, T frames, K joints of COCO.
"""

from __future__ import annotations

import numpy as np

from ocec.synthesis.action_figure import FACE

JITTER = 0.008  # standard deviation of a joint in plain view, in heights of its person
_EARS, _TRUNK = [3, 4], [5, 6, 11, 12]


def estimate_poses(
    rng: np.random.Generator, joints_MTK2: np.ndarray, hidden_MTK: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Spoil true joints as an estimator would.

    Hidden joints jitter three times as much and score low. For a while now and then a
    joint is lost (zeros, score 0) or seen in a wrong place with a low score; of two
    persons one can be missing for a while, and the two can change places.

    Args:
        rng: source of all randomness.
        joints_MTK2: (M, T, 17, 2) true places in pixels.
        hidden_MTK: (M, T, 17) bool.

    Returns:
        (M, T, 17, 2) float16 places in pixels; (M, T, 17) float16 scores in [0, 1].
    """
    num_persons, num_frames, num_joints = hidden_MTK.shape
    height = np.ptp(joints_MTK2[..., 1], axis=2).mean()
    spread_MTK = JITTER * height * np.where(hidden_MTK, 3.0, 1.0)
    keypoint_MTK2 = joints_MTK2 + spread_MTK[..., None] * _jitter(
        rng, joints_MTK2.shape
    )
    sure_MTK = rng.beta(14, 2, hidden_MTK.shape)
    unsure_MTK = rng.beta(4, 7, hidden_MTK.shape)
    score_MTK = np.where(hidden_MTK, unsure_MTK, sure_MTK)
    for person in range(num_persons):
        for joint in range(num_joints):
            if rng.random() < 0.12:
                where = person, _stretch(rng, num_frames, 0.25), joint
                _lose_joint(rng, keypoint_MTK2, score_MTK, where, height)
    if num_persons == 2:
        _confuse_persons(rng, keypoint_MTK2, score_MTK)
    return keypoint_MTK2.astype(np.float16), score_MTK.astype(np.float16)


def hidden_joints(
    points_MTK2: np.ndarray, depth_MTK: np.ndarray, head_radius_M: np.ndarray
) -> np.ndarray:
    """Find joints that a body hides from the camera.

    A joint of the face is hidden when the head has turned it away, any other when it
    lies behind a trunk, its own or that of the other person.

    Args:
        points_MTK2: (M, T, 17, 2) in pixels.
        depth_MTK: (M, T, 17) along the line of sight, in metres.
        head_radius_M: (M,) in metres.

    Returns:
        (M, T, 17) bool.
    """
    hidden_MTK = np.zeros(depth_MTK.shape, dtype=bool)
    head_MT1 = depth_MTK[:, :, _EARS].mean(2, keepdims=True)
    away_MTK = depth_MTK[:, :, FACE] - head_MT1
    hidden_MTK[:, :, FACE] = away_MTK > 0.3 * head_radius_M[:, None, None]
    for points_TK2, depth_TK in zip(points_MTK2, depth_MTK, strict=True):
        low_T12 = points_TK2[:, _TRUNK].min(1, keepdims=True)
        high_T12 = points_TK2[:, _TRUNK].max(1, keepdims=True)
        behind_T1 = depth_TK[:, _TRUNK].mean(1, keepdims=True) + 0.08
        inside_MTK = ((points_MTK2 > low_T12) & (points_MTK2 < high_T12)).all(-1)
        hidden_MTK |= inside_MTK & (depth_MTK > behind_T1)
    return hidden_MTK


def _jitter(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Noise of variance 1 that is half alike from frame to frame (axis 1)."""
    noise = rng.normal(size=shape)
    mixed = noise.copy()
    mixed[:, 1:] = (noise[:, 1:] + 0.6 * noise[:, :-1]) / np.sqrt(1 + 0.6**2)
    return mixed


def _stretch(rng: np.random.Generator, num_frames: int, longest: float) -> slice:
    length = max(1, int(rng.uniform(0.04, longest) * num_frames))
    start = int(rng.integers(0, num_frames - length + 1))
    return slice(start, start + length)


def _lose_joint(rng, keypoint_MTK2, score_MTK, where, height: float) -> None:
    if rng.random() < 0.5:
        keypoint_MTK2[where], score_MTK[where] = 0.0, 0.0
        return
    keypoint_MTK2[where] += rng.normal(0, 0.12 * height, 2)
    score_MTK[where] *= rng.uniform(0.1, 0.4)


def _confuse_persons(rng, keypoint_MTK2, score_MTK) -> None:
    num_frames = score_MTK.shape[1]
    if rng.random() < 0.3:
        gone = rng.integers(2), _stretch(rng, num_frames, 0.3)
        keypoint_MTK2[gone], score_MTK[gone] = 0.0, 0.0
    if rng.random() < 0.4:
        swapped = _stretch(rng, num_frames, 0.5)
        for values in (keypoint_MTK2, score_MTK):
            values[:, swapped] = values[::-1, swapped].copy()
