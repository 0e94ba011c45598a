"""The part of a frame that holds all persons of a video.

Shapes: ... any persons and frames, K joints.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def person_box(
    keypoint_xK2: np.ndarray,
    frame_hw: Sequence[int],
    *,
    padding: float = 0.25,
    ratio: float | None = 1.0,
    min_size_px: float = 10.0,
    beyond_frame: bool = False,
) -> np.ndarray:
    """Find one box around all joints, with some room.

    A coordinate of exactly 0 is missing. Heatmaps and RGB frames that are cropped to
    one box show the same.

    Args:
        keypoint_xK2: (..., K, 2) x and y in pixels, finite.
        frame_hw: height and width of the frame in pixels.
        padding: >= 0, how much wider and higher than the joints, as a share.
        ratio: height over width that the box grows to; None leaves it.
        min_size_px: joints that span less, in x or in y, give the whole frame.
        beyond_frame: let the box end outside the frame; else it is cut there, and may
            be of another ratio.

    Returns:
        (4,) float32: x1, y1, x2, y2 in whole pixels.

    Raises:
        ValueError: the padding or the ratio is out of range.

    Source:
        Duan et al., Revisiting Skeleton-based Action Recognition, CVPR 2022,
        arXiv:2104.13586, section 3.2, subjects-centred cropping.

    Example:
        >>> person_box(np.array([[40.0, 30.0], [60.0, 50.0]]), (100, 100)).tolist()
        [37.0, 27.0, 62.0, 52.0]
    """
    if padding < 0 or (ratio is not None and ratio <= 0):
        raise ValueError(f'padding must be >= 0 and ratio > 0, got {padding}, {ratio}')
    height, width = frame_hw
    whole = np.array([0, 0, width, height], np.float32)
    x_A = keypoint_xK2[..., 0].astype(np.float64)
    y_A = keypoint_xK2[..., 1].astype(np.float64)
    x_A, y_A = x_A[x_A != 0], y_A[y_A != 0]
    if not x_A.size or not y_A.size:
        return whole
    low = np.array([x_A.min(), y_A.min()])
    high = np.array([x_A.max(), y_A.max()])
    if (high - low < min_size_px).any():
        return whole
    half_x, half_y = (high - low) / 2 * (1 + padding)
    if ratio is not None:
        half_y = max(ratio * half_x, half_y)
        half_x = max(half_y / ratio, half_x)
    half = np.array([half_x, half_y])
    low, high = (low + high) / 2 - half, (low + high) / 2 + half
    if not beyond_frame:
        low, high = np.maximum(low, 0), np.minimum(high, (width, height))
    box = np.trunc([*low, *high]).astype(np.float32)
    # joints outside the frame leave nothing of the box within it
    is_empty = box[2] - box[0] < 1 or box[3] - box[1] < 1
    return whole if is_empty else box
