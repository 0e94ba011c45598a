"""The moment of one crop: where the eye looks, how it is framed, lit and recorded."""

from dataclasses import dataclass

import numpy as np

from ocec.synthesis.eye_subject import EyeSubject

MIN_WIDTH_PX = 15
MAX_WIDTH_PX = 90


@dataclass(frozen=True)
class Camera:
    """What the camera and the file format do to the picture.

    Pixels are those of the sensor, which is the size of the crop unless
    ``sensor_scale`` is below 1: then the crop was enlarged afterwards.
    """

    width_px: int
    height_px: int
    sensor_scale: float
    blur_px: float  # standard deviation of the defocus
    motion_px: float
    motion_deg: float
    exposure: float  # 1: as bright as meant
    gamma: float
    gain: float  # share of the lost exposure that the camera lifts again
    read_noise: float  # standard deviation at black, of a white of 1
    shot_noise: float  # standard deviation at white
    vignette: float
    tint: tuple[float, ...]
    jpeg_quality: int | None  # None: never compressed


@dataclass(frozen=True)
class EyeScene:
    """One moment of one subject; lengths in eye units, see ``eye_subject``."""

    aperture: float  # 0: shut; 1: the subject's own full aperture
    gaze: tuple[float, float]
    view: float
    offset: tuple[float, float]
    roll_deg: float
    yaw_squeeze: float  # cosine of the head's yaw: width of the eye on the picture
    bow: float  # how far the middle of both lids hangs below the corners
    lower_raise: float  # share of the lower lid's height lost to a squint
    light: tuple[float, float]
    ambient: float
    glint: float
    lens_reflection: float
    fringe: bool
    camera: Camera


def draw_scene(
    rng: np.random.Generator, subject: EyeSubject, *, aperture: float
) -> EyeScene:
    """Draw the circumstances of one crop.

    Size, framing, light and camera do not depend on the aperture, so that they
    cannot give the label away.

    Args:
        rng: source of all randomness.
        subject: whose eye it is.
        aperture: opening of the lids as a share of the subject's own full
            aperture, >= 0.

    Returns:
        The scene.

    Raises:
        ValueError: the aperture is negative.
    """
    if aperture < 0:
        raise ValueError(f'aperture must be >= 0, got {aperture}')
    view = subject.view * rng.uniform(0.9, 1.12)
    down = max(0.0, rng.normal(0.0, 0.1)) if rng.random() < 0.4 else 0.0
    return EyeScene(
        aperture=aperture,
        gaze=(rng.normal(0.0, 0.17), rng.normal(0.0, 0.05) + down),
        view=view,
        offset=(rng.normal(0.0, 0.1) * view, rng.normal(0.05, 0.09) * view),
        roll_deg=rng.normal(0.0, 6.0),
        yaw_squeeze=float(np.cos(rng.normal(0.0, 0.35))),
        bow=subject.camera_pitch + rng.normal(0.0, 0.05),
        lower_raise=rng.uniform(0.0, 0.35),
        light=(rng.normal(0.0, 0.6), rng.normal(-0.4, 0.4)),
        ambient=rng.uniform(0.0, 0.06),
        glint=rng.uniform(0.3, 1.2) if rng.random() < 0.8 else 0.0,
        lens_reflection=rng.uniform(0.1, 0.7) if rng.random() < 0.4 else 0.0,
        fringe=bool(rng.random() < subject.fringe),
        camera=_draw_camera(rng, infrared=subject.look == 'infrared'),
    )


def _draw_camera(rng: np.random.Generator, *, infrared: bool) -> Camera:
    # small crops are more common than large ones, both ends are reached
    span = MAX_WIDTH_PX + 1 - MIN_WIDTH_PX
    width_px = MIN_WIDTH_PX + int(span * rng.random() ** 1.3)
    height_px = max(10, round(width_px * rng.uniform(0.5, 0.85)))
    dark = rng.random() < 0.1
    soft = rng.random() < 0.16
    moving = rng.random() < 0.1
    # blur and streaks grow with the crop: the same face nearer to the camera
    size = width_px / 40
    return Camera(
        width_px=width_px,
        height_px=height_px,
        sensor_scale=rng.uniform(0.5, 0.9) if rng.random() < 0.2 else 1.0,
        blur_px=size * rng.uniform(0.6, 1.4) if soft else rng.uniform(0.2, 0.6),
        motion_px=size * rng.uniform(1.5, 5.0) if moving else 0.0,
        motion_deg=rng.uniform(0.0, 180.0),
        exposure=rng.uniform(0.2, 0.5) if dark else rng.uniform(0.75, 1.35),
        gamma=rng.uniform(0.8, 1.25),
        gain=rng.uniform(0.35, 0.9),
        read_noise=rng.uniform(0.004, 0.016) if infrared else rng.uniform(0.002, 0.01),
        shot_noise=rng.uniform(0.015, 0.04) if infrared else rng.uniform(0.01, 0.03),
        vignette=rng.uniform(0.15, 0.7) if infrared else rng.uniform(0.0, 0.2),
        tint=(1.0,) if infrared else _draw_tint(rng),
        jpeg_quality=int(rng.integers(35, 96)) if rng.random() < 0.7 else None,
    )


def _draw_tint(rng: np.random.Generator) -> tuple[float, ...]:
    warmth = rng.normal(0.0, 0.08)
    green = rng.normal(0.0, 0.02)
    return (1 + warmth, 1 + green, 1 - warmth)
