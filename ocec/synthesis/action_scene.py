"""Where figures act: rooms, three cameras, light, and what lands on the picture.

Space is in metres with ``y`` up and the stage at the origin; pixel centres have whole
numbers. Camera 1 stands before the stage, 2 and 3 to its sides, as in NTU RGB+D.

Legend: H, W rows and columns, C = 3 channels, T frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

CAMERAS = (1, 2, 3)
_AZIMUTH_DEG = {1: 0.0, 2: -45.0, 3: 45.0}
_SEEN_HEIGHT = 2.55  # metres of the stage that fill the height of a picture


@dataclass(frozen=True)
class Camera:
    """A pinhole.

    Args:
        eye: (3,) where it stands.
        axes_33: rows to the right, down and away from the camera, in space.
        focal_px: its focal length.
        size: W, H in pixels.
    """

    eye: np.ndarray
    axes_33: np.ndarray
    focal_px: float
    size: tuple[int, int]

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See points.

        Args:
            points: (..., 3) in front of the camera.

        Returns:
            (..., 2) x, y in pixels; (...) distance along the line of sight in metres.
        """
        seen = (points - self.eye) @ self.axes_33.T
        depth = seen[..., 2]
        middle = (np.array(self.size) - 1) / 2
        return middle + self.focal_px * seen[..., :2] / depth[..., None], depth

    @property
    def horizon_px(self) -> float:
        """Row where floor and wall would meet far away."""
        level = self.axes_33 @ [self.axes_33[2, 0], 0.0, self.axes_33[2, 2]]
        return (self.size[1] - 1) / 2 + self.focal_px * level[1] / level[2]


@dataclass(frozen=True)
class Light:
    """What light and sensor do to a clip.

    Args:
        exposure: 1: as bright as painted.
        tint: factor of each channel.
        slope: gain of brightness from the middle of the picture to its right edge.
        noise: standard deviation, of a white of 1.
        ghost: share of the previous frame that is left in a frame.
        dark: whether the lamps are off.
    """

    exposure: float
    tint: tuple[float, float, float]
    slope: float
    noise: float
    ghost: float
    dark: bool


def place_camera(
    rng: np.random.Generator, camera: int, size: tuple[int, int]
) -> Camera:
    """Set up one of the three cameras.

    Args:
        rng: source of its height, distance and aim.
        camera: 1, 2 or 3.
        size: W, H in pixels.

    Returns:
        The camera; a person of 1.7 m is about two thirds of a picture high.

    Raises:
        ValueError: there is no such camera.
    """
    if camera not in CAMERAS:
        raise ValueError(f'camera must be one of {CAMERAS}, got {camera}')
    azimuth = np.deg2rad(_AZIMUTH_DEG[camera] + rng.normal(0, 4))
    distance, height = rng.uniform(3.4, 4.6), rng.uniform(1.1, 1.9)
    eye = np.array([distance * np.sin(azimuth), height, distance * np.cos(azimuth)])
    away = np.array([0.0, 0.98, 0.0]) + rng.normal(0, 0.04, 3) - eye
    away /= np.linalg.norm(away)
    right = np.cross(away, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    return Camera(
        eye=eye,
        axes_33=np.stack([right, np.cross(away, right), away]),
        focal_px=size[1] * distance / _SEEN_HEIGHT,
        size=size,
    )


def draw_light(rng: np.random.Generator, *, dark: bool) -> Light:
    """Draw light and sensor of one clip.

    Args:
        rng: source of randomness.
        dark: the lamps are off: little is left but noise and lag.

    Returns:
        The light.
    """
    warmth = rng.normal(0, 0.07)
    return Light(
        exposure=rng.uniform(0.025, 0.06) if dark else rng.uniform(0.6, 1.25),
        tint=(1 + warmth, 1 + rng.normal(0, 0.02), 1 - warmth),
        slope=rng.uniform(-0.25, 0.25),
        noise=rng.uniform(0.03, 0.05) if dark else rng.uniform(0.006, 0.025),
        ghost=rng.uniform(0.4, 0.6) if dark else rng.uniform(0.0, 0.3),
        dark=dark,
    )


def paint_room(rng: np.random.Generator, camera: Camera, scale: int) -> np.ndarray:
    """Paint wall, floor and what stands around.

    Args:
        rng: source of the room.
        camera: gives horizon and size.
        scale: pixels of the painting for one of the picture, >= 1.

    Returns:
        (scale * H, scale * W, 3) uint8 RGB.
    """
    width, height = (scale * side for side in camera.size)
    wall, floor = _dull(rng, 0.35, 0.9), _dull(rng, 0.2, 0.65)
    room_HWC = np.empty((height, width, 3), np.float32)
    shade_H = np.linspace(1.05, 0.9, height)[:, None, None]
    room_HWC[:] = 255 * shade_H * wall
    # the wall is not endlessly far away, so the floor ends below the horizon
    edge = int(scale * (camera.horizon_px + camera.size[1] * rng.uniform(0.13, 0.24)))
    edge = int(np.clip(edge, 0.45 * height, 0.8 * height))
    room_HWC[edge:] = 255 * floor * np.linspace(0.8, 1.1, height - edge)[:, None, None]
    for _ in range(rng.integers(5, 12)):
        _paint_thing(rng, room_HWC, edge)
    grain_hwC = rng.normal(0, 5, (height // 4, width // 4, 3)).astype(np.float32)
    room_HWC += cv2.resize(grain_hwC, (width, height))
    return np.clip(cv2.GaussianBlur(room_HWC, (0, 0), 1.2), 0, 255).astype(np.uint8)


def expose(
    rng: np.random.Generator, painted_THWC: np.ndarray, light: Light
) -> np.ndarray:
    """Photograph a painted clip.

    Args:
        rng: source of the noise.
        painted_THWC: (T, H, W, 3) uint8 RGB.
        light: light and sensor.

    Returns:
        (T, H, W, 3) uint8 RGB.
    """
    num_frames, height, width, _ = painted_THWC.shape
    slope_W = 1 + light.slope * np.linspace(-1, 1, width, dtype=np.float32)
    gain_WC = light.exposure * slope_W[:, None] * np.float32(light.tint)
    # one field of noise, shifted from frame to frame, looks as fresh as new ones
    noise_HWC = 255 * light.noise * rng.standard_normal((height, width, 3), np.float32)
    shift_T2 = rng.integers(0, (height, width), (num_frames, 2))
    frames_THWC = np.empty_like(painted_THWC)
    before_HWC = painted_THWC[0]
    for frame_HWC, painted_HWC, shift in zip(
        frames_THWC, painted_THWC, shift_T2, strict=True
    ):
        seen_HWC = cv2.addWeighted(
            painted_HWC, 1 - light.ghost, before_HWC, light.ghost, 0, dtype=cv2.CV_32F
        )
        seen_HWC = gain_WC * seen_HWC + np.roll(noise_HWC, shift, axis=(0, 1))
        np.clip(seen_HWC, 0, 255, out=seen_HWC)
        frame_HWC[:] = seen_HWC
        before_HWC = painted_HWC
    return frames_THWC


def _dull(rng: np.random.Generator, darkest: float, brightest: float) -> np.ndarray:
    colour = rng.uniform(darkest, brightest) * (1 + rng.uniform(-0.15, 0.15, 3))
    return np.clip(colour, 0, 1).astype(np.float32)


def _paint_thing(rng: np.random.Generator, room_HWC: np.ndarray, edge: int) -> None:
    """A poster, a cupboard or a thing on the floor, of any colour."""
    height, width = room_HWC.shape[:2]
    wide, tall = rng.uniform(0.03, 0.2) * width, rng.uniform(0.04, 0.35) * height
    left = rng.uniform(-0.05, 0.95) * width
    if rng.random() < 0.5:
        bottom = rng.uniform(0.2, 0.9) * edge
    else:
        bottom = edge + rng.uniform(0.0, 0.12) * height
    colour = rng.uniform(20, 240, 3)
    corners = (int(left), int(bottom - tall)), (int(left + wide), int(bottom))
    cv2.rectangle(room_HWC, *corners, colour.tolist(), -1)
    cv2.rectangle(room_HWC, *corners, (0.6 * colour).tolist(), 2)
