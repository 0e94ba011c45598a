"""Glasses in front of an eye: rim, tinted lens and what mirrors in it."""

import cv2
import numpy as np

from ocec.synthesis.eye_geometry import EyeGrid, blend, soft_step
from ocec.synthesis.eye_scene import EyeScene
from ocec.synthesis.eye_subject import EyeSubject


def paint_glasses(
    picture_HWC: np.ndarray,
    subject: EyeSubject,
    scene: EyeScene,
    grid: EyeGrid,
    rng: np.random.Generator,
) -> None:
    """Put the subject's glasses over the picture, in place.

    Args:
        picture_HWC: (H, W, C) the picture.
        subject: wears glasses and gives the colour of the rim.
        scene: strength of the reflection on the lens.
        grid: coordinates of the canvas, see ``eye_geometry``.
        rng: source of slips of the glasses and of the reflections.

    Raises:
        ValueError: the subject wears no glasses.
    """
    glasses = subject.glasses
    if glasses is None:
        raise ValueError('subject must wear glasses, got glasses=None')
    x_HW = grid.x_HW - 0.25 + rng.normal(0.0, 0.08)
    y_HW = grid.y_HW - glasses.centre_y - rng.normal(0.0, 0.1)
    power = glasses.squareness
    reach_HW = np.abs(x_HW / glasses.half_width) ** power
    reach_HW += np.abs(y_HW / glasses.half_height) ** power
    # distance to the rim in eye units, exact on the axes
    edge_HW = (reach_HW ** (1 / power) - 1) * glasses.half_height
    lens_HW = soft_step(-edge_HW, grid.pixel)
    picture_HWC *= 1 - (glasses.tint * lens_HW)[..., None]
    if scene.lens_reflection:
        glare_HW = lens_HW * _mirror(subject, scene, grid, rng)
        glare_HWC = glare_HW[..., None] * np.asarray(glasses.coating, dtype=np.float32)
        picture_HWC += glare_HWC * (1.1 - 0.5 * picture_HWC)
    shadow_HW = np.exp(-(((edge_HW - 0.1) / 0.12) ** 2))
    picture_HWC *= 1 - 0.18 * shadow_HW[..., None]
    band_HW = 0.5 * glasses.rim_width - np.abs(edge_HW)
    rim_HW = soft_step(band_HW, 0.7 * grid.pixel)
    # light from above runs along the middle of the upper rim
    gloss_HW = 0.16 * np.exp(-((edge_HW / (0.3 * glasses.rim_width)) ** 2))
    gloss_HW *= soft_step(-y_HW, 0.4)
    rim_HWC = np.asarray(subject.palette.rim, dtype=np.float32) + gloss_HW[..., None]
    blend(picture_HWC, rim_HW, rim_HWC)


def _mirror(subject, scene, grid, rng) -> np.ndarray:
    """(H, W) light mirrored by the lens: lamps in infrared, windows otherwise."""
    shape = grid.x_HW.shape
    unit = 1 / grid.pixel
    middle = grid.to_px[:, 2] + unit * rng.normal(0.0, (0.6, 0.35))
    if subject.look == 'infrared':
        size = unit * rng.uniform(0.05, 0.17)
        mask_HW = np.zeros(shape, dtype=np.float32)
        for shift in (-1.2, 1.2):
            centre = np.round(middle + (shift * size, 0.0)).astype(int)
            cv2.circle(mask_HW, centre.tolist(), max(1, round(size)), 1.0, -1)
        mask_HW *= 0.7 + scene.lens_reflection
        return cv2.GaussianBlur(mask_HW, (0, 0), 0.3 * size + 0.5)
    half = unit * rng.uniform((0.15, 0.12), (1.0, 0.5))
    lean = unit * rng.uniform(-0.3, 0.3)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    corners[:2, 0] += lean
    mask_HW = np.zeros(shape, dtype=np.float32)
    points = np.round(corners + middle).astype(np.int32)
    cv2.fillPoly(mask_HW, [points], scene.lens_reflection)
    return cv2.GaussianBlur(mask_HW, (0, 0), unit * rng.uniform(0.02, 0.15) + 0.5)
