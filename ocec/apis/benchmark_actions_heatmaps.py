"""Heatmaps drawn joint by joint in loops of numpy: what ours are timed against.

Shapes: N clips, P persons, T frames, K joints, H x W pixels, axis 2 = (x, y).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ocec.functional.heatmap import MIN_SCORE
from ocec.functional.heatmap_windows import MIN_LIMB_LENGTH, REACH_SIGMAS


def heatmaps_by_loop(
    keypoint_NPTK2: np.ndarray,
    score_NPTK: np.ndarray,
    size: tuple[int, int],
    *,
    sigma: float,
    with_kp: bool = True,
    limbs: Sequence[tuple[int, int]] = (),
) -> np.ndarray:
    """Draw joints and limbs one by one, with numpy on the pixels of each.

    Args:
        keypoint_NPTK2: (N, P, T, K, 2) float32 x and y in pixels of the map, finite.
        score_NPTK: (N, P, T, K) float32; joints below 1e-4 are not drawn.
        size: (H, W) of the map.
        sigma: width of the Gaussian in pixels, > 0.
        with_kp: draw the joints, as the first channels.
        limbs: the two joints of each limb, drawn as the last channels.

    Returns:
        (N, C, T, H, W) float32, of several persons the larger value.

    Source:
        The steps of ``GeneratePoseTarget`` in mmaction2 1.2, sample by sample.
    """
    N, P, T, K = score_NPTK.shape
    num_joints = K if with_kp else 0
    shape = (N, num_joints + len(limbs), T, *size)
    map_NCTHW = np.zeros(shape, np.float32)
    for n, t in np.ndindex(N, T):
        point_PK2, score_PK = keypoint_NPTK2[n, :, t], score_NPTK[n, :, t]
        for joint in range(num_joints):
            level_HW = map_NCTHW[n, joint, t]
            for p in range(P):
                draw_joint(level_HW, point_PK2[p, joint], score_PK[p, joint], sigma)
        for number, (a, b) in enumerate(limbs):
            level_HW = map_NCTHW[n, num_joints + number, t]
            for p in range(P):
                ends, scores = point_PK2[p, [a, b]], score_PK[p, [a, b]]
                draw_limb(level_HW, ends, scores, sigma)
    return map_NCTHW


def draw_joint(
    level_HW: np.ndarray, point: np.ndarray, score: float, sigma: float
) -> None:
    """Draw the blob of a joint.

    Args:
        level_HW: (H, W) float32, changed in place.
        point: (2,) x and y in pixels.
        score: its height.
        sigma: width of the Gaussian in pixels.
    """
    if score < MIN_SCORE:
        return
    xs, ys, window = _window(level_HW, point, point, sigma)
    if window.size == 0:
        return
    squared_HW = (xs - point[0]) ** 2 + (ys[:, None] - point[1]) ** 2
    value_HW = np.exp(-squared_HW / 2 / sigma**2) * score
    np.maximum(window, value_HW, out=window)


def draw_limb(
    level_HW: np.ndarray, ends: np.ndarray, scores: np.ndarray, sigma: float
) -> None:
    """Draw the ridge of a limb: three distances, of which each pixel takes one.

    Args:
        level_HW: (H, W) float32, changed in place.
        ends: (2, 2) x and y of both ends in pixels.
        scores: (2,) of the ends; the lower is the height.
        sigma: width of the Gaussian in pixels.
    """
    score, (start, end) = scores.min(), ends
    if score < MIN_SCORE:
        return
    along = end - start
    length_2 = (along**2).sum()
    if length_2 < MIN_LIMB_LENGTH**2:
        draw_joint(level_HW, start, scores[0], sigma)
        return
    xs, ys, window = _window(level_HW, ends.min(0), ends.max(0), sigma)
    if window.size == 0:
        return
    from_start_HW = (xs - start[0]) ** 2 + (ys[:, None] - start[1]) ** 2
    from_end_HW = (xs - end[0]) ** 2 + (ys[:, None] - end[1]) ** 2
    share_HW = (from_start_HW - from_end_HW + length_2) / 2 / length_2
    pixel_HW2 = np.stack(np.meshgrid(xs, ys), axis=-1)
    foot_HW2 = start + share_HW[..., None] * along
    from_line_HW = ((pixel_HW2 - foot_HW2) ** 2).sum(-1)
    squared_HW = np.where(share_HW >= 1, from_end_HW, from_line_HW)
    squared_HW = np.where(share_HW <= 0, from_start_HW, squared_HW)
    value_HW = np.exp(-squared_HW / 2 / sigma**2) * score
    np.maximum(window, value_HW, out=window)


def _window(
    level_HW: np.ndarray, low: np.ndarray, high: np.ndarray, sigma: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns, rows and the part of the map within reach."""
    height, width = level_HW.shape
    reach = np.float32(REACH_SIGMAS * sigma)
    left, top = (max(int(edge), 0) for edge in low - reach)
    right, bottom = (int(edge) + 1 for edge in high + reach)
    right, bottom = min(max(right, left), width), min(max(bottom, top), height)
    xs = np.arange(left, right, dtype=np.float32)
    ys = np.arange(top, bottom, dtype=np.float32)
    return xs, ys, level_HW[top:bottom, left:right]
