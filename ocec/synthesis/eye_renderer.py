"""Draws the eye of a subject at one moment, before the camera touches it.

Every layer is a soft mask computed per pixel from the eye's own coordinates, so
that edges are smooth without drawing at several times the size. Legend: H, W the
canvas in pixels, C the channels of the palette (3 or 1).
"""

import cv2
import numpy as np

from ocec.synthesis.eye_geometry import blend, eye_grid, lid_lines, soft_step
from ocec.synthesis.eye_glasses import paint_glasses
from ocec.synthesis.eye_scene import EyeScene
from ocec.synthesis.eye_strokes import paint_fringe, paint_lashes, paint_wrinkles
from ocec.synthesis.eye_subject import EyeSubject


def render_eye(
    subject: EyeSubject, scene: EyeScene, rng: np.random.Generator
) -> np.ndarray:
    """Draw one eye.

    Args:
        subject: whose eye it is.
        scene: aperture, gaze, framing and light.
        rng: source of skin texture, single lashes, strands and reflections.

    Returns:
        (H, W, C) float32 reflected light, >= 0; 1 is white, highlights exceed it.
    """
    grid = eye_grid(subject, scene)
    lines = lid_lines(subject.lids, scene, grid.x_HW)
    picture_HWC = _paint_skin(subject, scene, grid, lines, rng)
    _paint_brow(picture_HWC, subject, grid, rng)
    paint_wrinkles(picture_HWC, subject, grid.to_px, rng)
    if scene.aperture > 0:
        _paint_eyeball(picture_HWC, subject, scene, grid, lines)
    _paint_margins(picture_HWC, subject, scene, grid, lines)
    paint_lashes(picture_HWC, subject, scene, grid.to_px, rng)
    if scene.fringe:
        paint_fringe(picture_HWC, subject, grid.to_px, rng)
    if subject.glasses is not None:
        paint_glasses(picture_HWC, subject, scene, grid, rng)
    return np.maximum(picture_HWC, 0.0)


def _bump(distance_HW: np.ndarray, width: float) -> np.ndarray:
    scaled_HW = distance_HW / width
    return np.exp(-scaled_HW * scaled_HW)


def _mottle(
    rng: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int]
) -> np.ndarray:
    """Smooth noise of unit variance per cell, ``cells`` (rows, columns) of it."""
    coarse = rng.standard_normal(cells, dtype=np.float32)
    return cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_LINEAR)


def _paint_skin(subject, scene, grid, lines, rng) -> np.ndarray:
    x_HW, y_HW = grid.x_HW, grid.y_HW
    palette = subject.palette
    shade_HW = _relief(subject, scene, x_HW, y_HW)
    shade_HW += subject.texture * _mottle(rng, x_HW.shape, (18, 26))
    shade_HW += 1.5 * subject.texture * _mottle(rng, x_HW.shape, (4, 6))
    lid_HW = soft_step(y_HW - lines.crease, 0.05) * (y_HW < lines.lower)
    lid_HW *= soft_step(1.15 - np.abs(x_HW), 0.2)
    opened = min(scene.aperture, 1.0)
    fold = subject.lids.crease_strength * (0.3 + 0.7 * opened)
    fade_HW = soft_step(1.05 - np.abs(x_HW + 0.08), 0.3)
    shade_HW -= fold * fade_HW * _bump(y_HW - lines.crease, 0.08 - 0.04 * opened)
    # below the fold the lid lies in its shade, towards the margin it bulges out
    above_HW = np.maximum(y_HW - lines.crease, 0.0)
    shade_HW -= 0.35 * fold * lid_HW * np.exp(-above_HW / 0.09)
    picture_HWC = shade_HW[..., None] * np.asarray(palette.skin, dtype=np.float32)
    if subject.makeup:
        blend(picture_HWC, subject.makeup * lid_HW, palette.shadow)
    # thin skin around the opening is redder
    near_HW = _bump(y_HW - lines.lower, 0.22) * soft_step(1.3 - np.abs(x_HW), 0.3)
    blush_HWC = shade_HW[..., None] * np.asarray(palette.blush, dtype=np.float32)
    blend(picture_HWC, 0.3 * near_HW, blush_HWC)
    return picture_HWC


def _relief(subject, scene, x_HW, y_HW) -> np.ndarray:
    """Light on the skin around the eye, about 1."""
    light_x, light_y = scene.light
    light_x *= subject.side
    ball_HW = np.exp(-((x_HW / 1.05) ** 2) - ((y_HW + 0.05) / 0.7) ** 2)
    slope_HW = light_x * x_HW + light_y * y_HW
    shade_HW = 0.95 + 0.07 * slope_HW + ball_HW * (0.05 + 0.2 * slope_HW)
    inner_HW = np.exp(-(((x_HW - 1.05) / 0.45) ** 2) - ((y_HW + 0.35) / 0.42) ** 2)
    shade_HW -= (0.16 + 0.1 * light_x) * inner_HW
    shade_HW += 0.08 * soft_step(x_HW - 1.5, 0.25)
    brow = subject.brow
    shade_HW -= brow.shadow * _bump(y_HW - brow.y - brow.thickness - 0.16, 0.24)
    shade_HW -= subject.bag * _bump(y_HW - 0.62 + 0.22 * x_HW * x_HW, 0.13)
    return shade_HW


def _paint_brow(picture_HWC, subject, grid, rng) -> None:
    brow = subject.brow
    x_HW, y_HW = grid.x_HW, grid.y_HW
    arch_HW = brow.y + 0.16 * (x_HW + 0.15) ** 2 + brow.slope * x_HW
    width_HW = brow.thickness * (0.75 + 0.25 * np.clip(x_HW, -1.5, 1.0))
    hairs_HW = 0.75 + 0.25 * _mottle(rng, x_HW.shape, (20, 60))
    # single hairs leave the band by different lengths
    width_HW += 0.06 * (hairs_HW - 0.75)
    mask_HW = soft_step(width_HW - np.abs(y_HW - arch_HW), 0.08)
    mask_HW *= soft_step(1.35 - np.abs(x_HW - 0.05), 0.2)
    mask_HW *= np.clip(brow.density * hairs_HW, 0.0, 1.0)
    blend(picture_HWC, mask_HW, subject.palette.hair)


def _paint_eyeball(picture_HWC, subject, scene, grid, lines) -> None:
    palette, x_HW, y_HW = subject.palette, grid.x_HW, grid.y_HW
    soft = 0.7 * grid.pixel
    corner_HW = np.clip(np.abs(x_HW), 0.0, 1.0) ** 4
    ball_HWC = np.empty_like(picture_HWC)
    ball_HWC[:] = np.asarray(palette.sclera, dtype=np.float32)
    blend(ball_HWC, 0.45 * corner_HW, palette.blush)
    blend(ball_HWC, 0.8 * soft_step(x_HW - 0.88, 0.05), palette.blush)
    _paint_iris(ball_HWC, subject, scene, grid)
    # the lid and its lashes shade the ball below the upper margin
    depth_HW = np.maximum(y_HW - lines.upper, 0.0)
    shade_HW = 1 - 0.45 * np.exp(-depth_HW / 0.12) - 0.22 * corner_HW
    ball_HWC *= (shade_HW + scene.ambient)[..., None]
    _paint_glints(ball_HWC, subject, scene, grid)
    mask_HW = soft_step(y_HW - lines.upper, soft)
    mask_HW *= soft_step(lines.lower - y_HW, soft) * (np.abs(x_HW) < 1)
    # a slit thinner than a pixel covers only its share of it
    gap_HW = lines.lower - lines.upper
    mask_HW = np.minimum(mask_HW, np.clip(gap_HW / grid.pixel, 0.0, 1.0))
    blend(picture_HWC, mask_HW, ball_HWC)


def _iris_centre(subject: EyeSubject, scene: EyeScene) -> tuple[float, float]:
    lids = subject.lids
    middle = 0.5 * (lids.lower_height - lids.upper_height) + 0.04
    return scene.gaze[0], middle + scene.bow + scene.gaze[1]


def _paint_iris(ball_HWC, subject, scene, grid) -> None:
    centre_x, centre_y = _iris_centre(subject, scene)
    radius = subject.iris_radius
    # eyes stay on the camera while the head turns: round on the picture
    across_HW = (grid.x_HW - centre_x) * scene.yaw_squeeze
    reach_HW = np.hypot(across_HW, grid.y_HW - centre_y) / radius
    soft = 0.7 * grid.pixel / radius + 0.03
    # darker at the rim, lighter collar around the pupil
    tone_HW = 1.25 - 0.45 * np.clip(reach_HW, 0, 1) ** 2
    tone_HW -= 0.35 * _bump(reach_HW - 1.0, 0.14)
    iris_HWC = tone_HW[..., None] * np.asarray(subject.palette.iris, dtype=np.float32)
    blend(ball_HWC, soft_step(1 - reach_HW, soft), iris_HWC)
    pupil_HW = soft_step(subject.pupil_share - reach_HW, soft)
    blend(ball_HWC, pupil_HW, subject.palette.pupil)


def _paint_glints(ball_HWC, subject, scene, grid) -> None:
    if not scene.glint:
        return
    centre_x, centre_y = _iris_centre(subject, scene)
    infrared = subject.look == 'infrared'
    spread = 0.05 if infrared else 0.07
    spots = [(0.3 * scene.light[0] * subject.side, 0.25 * scene.light[1])]
    if infrared:  # a pair of lamps beside the lens
        spots = [(-0.09, 0.02), (0.09, 0.02)]
    for shift_x, shift_y in spots:
        across_HW = grid.x_HW - centre_x - shift_x * subject.iris_radius / 0.4
        down_HW = grid.y_HW - centre_y - shift_y * subject.iris_radius / 0.4
        spot_HW = np.exp(-(across_HW**2 + down_HW**2) / spread**2)
        ball_HWC += (scene.glint * spot_HW)[..., None]


def _paint_margins(picture_HWC, subject, scene, grid, lines) -> None:
    lashes, palette = subject.lashes, subject.palette
    y_HW = grid.y_HW
    soft = 0.7 * grid.pixel
    between_HW = soft_step(1.04 - np.abs(grid.x_HW), 0.05)
    opened = min(scene.aperture / 0.3, 1.0)
    rim_HW = soft_step(0.03 - np.abs(y_HW - lines.lower - 0.01), soft)
    blend(picture_HWC, 0.5 * opened * rim_HW * between_HW, palette.blush)
    # the lash line; shut lids press the lower lashes against it
    width = lashes.line_width * (1.15 - 0.15 * opened)
    taper_HW = between_HW * (0.55 - 0.45 * np.clip(grid.x_HW, -1, 1))
    line_HW = soft_step(width - np.abs(y_HW - lines.upper + 0.01), soft + 0.012)
    share = min(1.0, 2 * width / grid.pixel)
    darkness_HW = lashes.darkness * np.clip(taper_HW + 0.35, 0, 1) * share
    blend(picture_HWC, darkness_HW * line_HW * between_HW, palette.lash)
    low_HW = _bump(y_HW - lines.lower - 0.035, 0.03) * between_HW
    blend(picture_HWC, 0.3 * opened * lashes.darkness * low_HW, palette.lash)
