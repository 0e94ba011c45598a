"""Thin curves of an eye crop: lashes, wrinkles and strands of hair.

Each is drawn as one batch of anti-aliased lines. Legend: H, W the canvas in pixels,
C channels, N curves, K points of a curve.
"""

import cv2
import numpy as np

from ocec.synthesis.eye_geometry import blend, lid_lines
from ocec.synthesis.eye_scene import EyeScene
from ocec.synthesis.eye_subject import EyeSubject

_SHIFT = 4  # cv2 takes integers: 1/16 of a pixel
_STEPS_K = np.linspace(0.0, 1.0, 6)


def stroke_mask(
    curves_NK2: np.ndarray,
    to_px: np.ndarray,
    *,
    shape: tuple[int, int],
) -> np.ndarray:
    """Coverage of a batch of curves.

    Args:
        curves_NK2: (N, K, 2) points as x, y in eye units.
        to_px: (2, 3) affine matrix from eye units to pixels.
        shape: (H, W) of the canvas in pixels.

    Returns:
        (H, W) float32 coverage in [0, 1]; lines are about 1.4 px wide.
    """
    mask_HW = np.zeros(shape, dtype=np.uint8)
    points = curves_NK2 @ to_px[:, :2].T + to_px[:, 2] - 0.5
    points = np.round(points * 2**_SHIFT).astype(np.int32)
    cv2.polylines(mask_HW, list(points), False, 255, 1, cv2.LINE_AA, shift=_SHIFT)
    return mask_HW.astype(np.float32) / 255


def paint_lashes(
    picture_HWC: np.ndarray,
    subject: EyeSubject,
    scene: EyeScene,
    to_px: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Draw the lashes of both lids, in place.

    Upper lashes point up when the eye is open and hang down when it is shut.

    Args:
        picture_HWC: (H, W, C) the picture.
        subject: lids, lashes and their colour.
        scene: aperture, bow and squint.
        to_px: (2, 3) affine matrix from eye units to pixels.
        rng: source of the single lashes.
    """
    lashes = subject.lashes
    root_N = np.sort(rng.uniform(-0.98, 0.85, lashes.count))
    lines = lid_lines(subject.lids, scene, root_N)
    # from hanging (shut) through level (half open) to raised
    lift = np.clip(1.8 * scene.aperture - 0.75, -0.75, 0.7)
    length_N = lashes.length * rng.uniform(0.6, 1.1, lashes.count)
    length_N *= 0.65 - 0.35 * root_N
    curves_NK2 = _hairs(root_N, lines.upper, length_N, lift=lift, curl=lashes.curl)
    mask_HW = stroke_mask(curves_NK2, to_px, shape=picture_HWC.shape[:2])
    thin_N = slice(None, None, 2)
    down_NK2 = _hairs(
        root_N[thin_N],
        lines.lower[thin_N] + 0.03,
        0.45 * length_N[thin_N],
        lift=-0.8,
        curl=0.2,
    )
    low_HW = stroke_mask(down_NK2, to_px, shape=picture_HWC.shape[:2])
    alpha_HW = lashes.darkness * np.maximum(0.75 * mask_HW, 0.3 * low_HW)
    blend(picture_HWC, alpha_HW, subject.palette.lash)


def paint_wrinkles(
    picture_HWC: np.ndarray,
    subject: EyeSubject,
    to_px: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Darken fine lines under the eye and beside its outer corner, in place.

    Args:
        picture_HWC: (H, W, C) the picture.
        subject: gives the strength; 0 draws nothing.
        to_px: (2, 3) affine matrix from eye units to pixels.
        rng: source of their places.
    """
    if not subject.wrinkles:
        return
    start_N = np.array([[-1.1, 0.0], [-1.12, 0.12], [-0.95, 0.42], [-0.8, 0.6]])
    end_N = np.array([[-1.6, -0.15], [-1.6, 0.25], [0.3, 0.62], [0.5, 0.85]])
    jitter = rng.normal(0.0, 0.05, (2, 4, 2))
    start_N, end_N = start_N + jitter[0], end_N + jitter[1]
    t_K1 = _STEPS_K[:, None]
    curves_NK2 = start_N[:, None] * (1 - t_K1) + end_N[:, None] * t_K1
    curves_NK2[..., 1] += np.array([0, 0, 0.1, 0.1])[:, None] * np.sin(np.pi * _STEPS_K)
    mask_HW = stroke_mask(curves_NK2, to_px, shape=picture_HWC.shape[:2])
    mask_HW = cv2.GaussianBlur(mask_HW, (0, 0), 1.0)
    picture_HWC *= 1 - 0.45 * subject.wrinkles * mask_HW[..., None]


def paint_fringe(
    picture_HWC: np.ndarray,
    subject: EyeSubject,
    to_px: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Draw strands of hair that fall across the eye, in place.

    Args:
        picture_HWC: (H, W, C) the picture.
        subject: gives the colour of the hair.
        to_px: (2, 3) affine matrix from eye units to pixels.
        rng: source of the strands.
    """
    count = int(rng.integers(4, 22))
    middle, lean = rng.uniform(-1.6, 1.2), rng.uniform(-0.9, 0.9)
    top_N = middle + rng.normal(0.0, 0.35, count)
    fall_N = rng.uniform(1.2, 3.2, count)
    sway_N = lean + rng.normal(0.0, 0.12, count)
    curves_NK2 = np.empty((count, len(_STEPS_K), 2))
    curves_NK2[..., 0] = top_N[:, None] + sway_N[:, None] * _STEPS_K**2
    curves_NK2[..., 1] = -1.9 + fall_N[:, None] * _STEPS_K
    mask_HW = stroke_mask(curves_NK2, to_px, shape=picture_HWC.shape[:2])
    blend(picture_HWC, 0.75 * mask_HW, subject.palette.hair)


def _hairs(root_N, base_N, length_N, *, lift: float, curl: float) -> np.ndarray:
    """(N, K, 2) hairs fanning outwards; ``lift`` > 0 turns them up."""
    t_K = _STEPS_K
    fan_N = root_N - 0.35
    curves_NK2 = np.empty((len(root_N), len(t_K), 2))
    curves_NK2[..., 0] = root_N[:, None] + 0.9 * (fan_N * length_N)[:, None] * t_K
    rise_K = lift * t_K + curl * lift * 0.5 * t_K**2
    droop_K = 0.12 * t_K * (1 - t_K)
    drop_NK = length_N[:, None] * (rise_K - droop_K)
    curves_NK2[..., 1] = base_N[:, None] - drop_NK
    return curves_NK2
