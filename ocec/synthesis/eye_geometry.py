"""Where the parts of an eye lie on the canvas, and how edges become soft.

Lengths are in eye units, see ``eye_subject``. Legend: H, W the canvas in pixels,
C the channels of the palette (3 or 1).
"""

from dataclasses import dataclass

import numpy as np

from ocec.synthesis.eye_scene import EyeScene
from ocec.synthesis.eye_subject import EyeSubject, LidShape

# Canvas width in pixels: twice the crop within these bounds. Below 96 px lashes
# break up; 168 px is the largest at which a crop takes about 3 ms.
_MIN_CANVAS, _MAX_CANVAS = 96, 168


@dataclass(frozen=True)
class EyeGrid:
    """Coordinates of the canvas in eye units, and the way back to pixels."""

    x_HW: np.ndarray
    y_HW: np.ndarray
    to_px: np.ndarray  # (2, 3) affine matrix, eye units -> pixels
    pixel: float  # size of one pixel in eye units


@dataclass(frozen=True)
class LidLines:
    """Heights ``y`` of both lid margins and the fold, in eye units.

    Shapes are those of the ``x`` they were asked for.
    """

    upper: np.ndarray
    lower: np.ndarray
    crease: np.ndarray


def eye_grid(subject: EyeSubject, scene: EyeScene) -> EyeGrid:
    """Lay the coordinates of the eye over the canvas.

    Args:
        subject: gives the side of the nose and the tilt of the eye.
        scene: gives framing, roll and yaw.

    Returns:
        The grid; its canvas has the proportions of the crop.
    """
    camera = scene.camera
    width = int(np.clip(2 * camera.width_px, _MIN_CANVAS, _MAX_CANVAS))
    height = round(width * camera.height_px / camera.width_px)
    unit = width / (2 * scene.view)
    angle = np.deg2rad(scene.roll_deg + subject.side * subject.lids.tilt_deg)
    cos, sin = np.cos(angle), np.sin(angle)
    stretch = np.diag([subject.side * scene.yaw_squeeze, 1.0])
    linear = unit * np.array([[cos, -sin], [sin, cos]]) @ stretch
    centre = np.array([width / 2, height / 2]) + unit * np.array(scene.offset)
    to_px = np.column_stack([linear, centre]).astype(np.float32)
    back = np.linalg.inv(linear).astype(np.float32)
    column_W = np.arange(width, dtype=np.float32) + 0.5 - to_px[0, 2]
    row_H1 = (np.arange(height, dtype=np.float32) + 0.5 - to_px[1, 2])[:, None]
    return EyeGrid(
        x_HW=back[0, 0] * column_W + back[0, 1] * row_H1,
        y_HW=back[1, 0] * column_W + back[1, 1] * row_H1,
        to_px=to_px,
        pixel=1 / unit,
    )


def lid_lines(lids: LidShape, scene: EyeScene, x: np.ndarray) -> LidLines:
    """Place both lid margins and the fold.

    The upper lid does the closing: at every ``x`` the gap between the margins is
    the aperture times the gap of the fully open eye.

    Args:
        lids: outline of the fully open eye.
        scene: aperture, bow and squint.
        x: any shape, where the lines are wanted, in eye units.

    Returns:
        Margins and fold; the margins meet at aperture 0 and outside the corners.
    """
    x = np.clip(x, -1.15, 1.15)
    inside = np.clip(1 - x * x, 0.0, 1.0)
    high = lids.upper_height * _arch(x, lids.upper_skew, lids.fullness)
    low = lids.lower_height * _arch(x, lids.lower_skew, 0.0)
    lower = low * (1 - scene.lower_raise) + scene.bow * inside
    wide_open = lower - high - low
    upper = lower - scene.aperture * (high + low)
    crease = wide_open - lids.crease_height * (0.35 + 0.65 * inside)
    # the fold sinks by a third of the way that the margin travels
    crease += 0.33 * np.maximum(upper - wide_open, 0.0)
    return LidLines(upper=upper, lower=lower, crease=crease)


def soft_step(distance_HW: np.ndarray, softness: float) -> np.ndarray:
    """Coverage of a region from the signed distance to its edge.

    Args:
        distance_HW: (H, W) distance, positive inside.
        softness: half the width of the transition, > 0, in the same unit.

    Returns:
        (H, W) coverage in [0, 1]; 0.5 on the edge.

    Example:
        >>> soft_step(np.array([-1.0, 0.0, 0.1]), 0.2).tolist()
        [0.0, 0.5, 0.75]
    """
    return np.clip(distance_HW / (2 * softness) + 0.5, 0.0, 1.0)


def blend(
    picture_HWC: np.ndarray, mask_HW: np.ndarray, colour: np.ndarray | tuple[float, ...]
) -> None:
    """Lay a colour over the picture, in place.

    Args:
        picture_HWC: (H, W, C) the picture.
        mask_HW: (H, W) how much of the colour covers, in [0, 1].
        colour: (C,) one colour, or (H, W, C) another picture.
    """
    colour = np.asarray(colour, dtype=np.float32)
    picture_HWC += mask_HW[..., None] * (colour - picture_HWC)


def _arch(x: np.ndarray, skew: float, fullness: float) -> np.ndarray:
    """Height of a lid: 0 at the corners, about 1 in the middle."""
    skewed = x + skew * (1 - x * x)
    square = np.minimum(skewed * skewed, 1.0)
    return (1 - square) * (1 + fullness * square)
