"""A drawn face that moves and blinks at known times.

Legend: H, W the frame in pixels, C its 3 channels. Lengths named ``unit`` are in eye
units, see ``eye_subject``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ocec.synthesis.blink_plan import EYES, aperture_at, plan_closures
from ocec.synthesis.eye_camera import photograph
from ocec.synthesis.eye_geometry import blend, soft_step
from ocec.synthesis.eye_renderer import render_eye
from ocec.synthesis.eye_scene import EyeScene, draw_scene
from ocec.synthesis.eye_subject import LOOKS, EyeSubject, draw_subject

APART_UNITS = 4.2  # distance between the eyes: 63 mm of 15 mm each
PATCH_UNITS = (2.1, 1.9)  # half of what is drawn around an eye: both meet on the nose
BOX_UNITS = (1.3, 0.75)  # half of the box around an eye, as tight as the sample crops
FACE_UNITS = (5.2, 7.0)  # half axes of the face
APERTURE_STEPS = 50  # eyes are drawn once for each of these


@dataclass(frozen=True)
class ClipSettings:
    """What a clip shows.

    Args:
        duration_s: seconds, > 2.
        fps: frames per second, in [5, 240].
        width: of the frame in pixels, even, >= 160.
        height: of the frame in pixels, even, >= 120.
        look: ``visible`` or ``infrared``.
        dropped: share of frames left out at random, in [0, 0.5]: the frame rate then
            varies.
        seed: of all randomness, >= 0.

    Raises:
        ValueError: a setting is out of range.
    """

    duration_s: float = 20.0
    fps: float = 30.0
    width: int = 320
    height: int = 240
    look: str = 'visible'
    dropped: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the settings."""
        if not self.duration_s > 2:
            raise ValueError(f'duration_s must be > 2, got {self.duration_s}')
        if not 5 <= self.fps <= 240:
            raise ValueError(f'fps must be in [5, 240], got {self.fps}')
        for name, least in (('width', 160), ('height', 120)):
            side = getattr(self, name)
            if side < least or side % 2:
                raise ValueError(f'{name} must be even and >= {least}, got {side}')
        if self.look not in LOOKS:
            raise ValueError(f'look must be one of {LOOKS}, got {self.look!r}')
        if not 0 <= self.dropped <= 0.5:
            raise ValueError(f'dropped must be in [0, 0.5], got {self.dropped}')
        if self.seed < 0:
            raise ValueError(f'seed must be >= 0, got {self.seed}')


@dataclass(frozen=True)
class ClipFrame:
    """One frame and what is true in it.

    Args:
        time_s: of the frame.
        image_HWC: (H, W, 3) uint8 RGB.
        boxes: ``left`` and ``right`` side of the picture -> x1, y1, x2, y2 in pixels.
        apertures: the same eyes -> share of their full aperture, in [0, 1].
    """

    time_s: float
    image_HWC: np.ndarray
    boxes: dict[str, tuple[float, float, float, float]]
    apertures: dict[str, float]


class BlinkClip:
    """A clip and its truth.

    The same settings give the same frames.

    Args:
        settings: what it shows.
    """

    def __init__(self, settings: ClipSettings) -> None:
        self.settings = settings
        plan, pose, face, self._noise = (
            np.random.default_rng(seed)
            for seed in np.random.SeedSequence(settings.seed).spawn(4)
        )
        self.closures, self.squints = plan_closures(settings.duration_s, plan)
        count = round(settings.duration_s * settings.fps)
        kept_N = plan.random(count) >= settings.dropped
        kept_N[0] = True
        self.times_s = np.flatnonzero(kept_N) / settings.fps
        """(N,) of the frames."""
        self._face = _Face(settings, face)
        self._phase_4 = pose.uniform(0, 2 * np.pi, 4)

    def frames(self) -> Iterator[ClipFrame]:
        """Draw the frames; can be called once.

        Yields:
            The frames by time.
        """
        for time_s in map(float, self.times_s):
            apertures = {
                eye: aperture_at(time_s, eye, self.closures, self.squints)
                for eye in EYES
            }
            pose = self._pose(time_s)
            light_HWC = self._face.draw(apertures, pose)
            image_HWC = photograph(light_HWC, self._face.camera, self._noise)
            yield ClipFrame(time_s, image_HWC, self._face.boxes(pose), apertures)

    def _pose(self, time_s: float) -> np.ndarray:
        """(2, 3) from the face at rest to the frame: it sways, nods, rolls, nears."""
        swing_4 = np.sin(np.array([1.3, 1.7, 0.9, 0.5]) * time_s + self._phase_4)
        width, height = self.settings.width, self.settings.height
        middle = (width / 2, height / 2)
        pose = cv2.getRotationMatrix2D(middle, 4 * swing_4[2], 1 + 0.06 * swing_4[3])
        pose[:, 2] += swing_4[:2] * (0.05 * width, 0.04 * height)
        return pose


class _Face:
    """A face at rest, whose eyes are drawn into it for each frame."""

    def __init__(self, settings: ClipSettings, rng: np.random.Generator) -> None:
        self._size = (settings.width, settings.height)
        # the face fills five sixths of the height
        self._unit = settings.height / (2.4 * FACE_UNITS[1])
        subject = replace(draw_subject(rng, settings.look), glasses=None, makeup=0.0)
        scene = draw_scene(rng, subject, aperture=1.0)
        self._scene = _still(scene, self._unit)
        self._subjects = {
            eye: replace(subject, side=side)
            for eye, side in zip(EYES, (1, -1), strict=True)
        }
        self.camera = replace(
            self._scene.camera,
            width_px=settings.width,
            height_px=settings.height,
            tint=self._scene.camera.tint,
        )
        self._texture_seed = int(rng.integers(2**31))
        self._backdrop_HWC = _draw_backdrop(self._size, subject, rng)
        self._rest_HWC, self._mask_HW = _draw_face(self._size, self._unit, subject)
        middle = np.array(self._size) / 2
        away = np.array([APART_UNITS / 2 * self._unit, 0.0])
        up = np.array([0.0, 0.8 * self._unit])
        self._centres = {'left': middle - away - up, 'right': middle + away - up}
        self._patches: dict[tuple[str, int], np.ndarray] = {}

    def boxes(self, pose: np.ndarray) -> dict[str, tuple[float, float, float, float]]:
        scale = float(np.hypot(pose[0, 0], pose[0, 1]))
        half_x, half_y = (scale * self._unit * half for half in BOX_UNITS)
        found = {}
        for eye, centre in self._centres.items():
            x, y = (pose @ (*centre, 1.0)).tolist()
            found[eye] = (x - half_x, y - half_y, x + half_x, y + half_y)
        return found

    def draw(self, apertures: dict[str, float], pose: np.ndarray) -> np.ndarray:
        face_HWC = self._rest_HWC.copy()
        for eye, aperture in apertures.items():
            patch_hwC = self._patch(eye, aperture)
            height, width = patch_hwC.shape[:2]
            x, y = np.round(self._centres[eye] - (width / 2, height / 2)).astype(int)
            part_hwC = face_HWC[y : y + height, x : x + width]
            blend(part_hwC, _feather(height, width), patch_hwC)
        layers = np.dstack([face_HWC, self._mask_HW])
        layers = cv2.warpAffine(layers, pose, self._size, flags=cv2.INTER_LINEAR)
        light_HWC = self._backdrop_HWC.copy()
        blend(light_HWC, layers[..., -1], layers[..., :-1])
        return light_HWC

    def _patch(self, eye: str, aperture: float) -> np.ndarray:
        # rounded down: what is closed stays closed, what is open stays open
        step = int(aperture * APERTURE_STEPS + 1e-9)
        if (eye, step) not in self._patches:
            scene = replace(self._scene, aperture=step / APERTURE_STEPS)
            # the same skin and lashes at every aperture
            rng = np.random.default_rng(self._texture_seed + EYES.index(eye))
            picture = render_eye(self._subjects[eye], scene, rng)
            size = (scene.camera.width_px, scene.camera.height_px)
            patch = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            self._patches[eye, step] = patch.reshape(*size[::-1], picture.shape[2])
        return self._patches[eye, step]


def _still(scene: EyeScene, unit: float) -> EyeScene:
    """Return a scene of a patch in which nothing but the lids will move."""
    half_x, half_y = (round(unit * half) for half in PATCH_UNITS)
    camera = replace(
        scene.camera,
        width_px=2 * half_x,
        height_px=2 * half_y,
        sensor_scale=1.0,
        blur_px=0.5,
        motion_px=0.0,
        exposure=1.0,
        gamma=1.0,
        vignette=0.0,
        jpeg_quality=None,
    )
    return replace(
        scene,
        gaze=(0.0, 0.0),
        view=PATCH_UNITS[0],
        offset=(0.0, 0.0),
        roll_deg=0.0,
        yaw_squeeze=1.0,
        lens_reflection=0.0,
        fringe=False,
        camera=camera,
    )


def _draw_backdrop(
    size: tuple[int, int], subject: EyeSubject, rng: np.random.Generator
) -> np.ndarray:
    width, height = size
    channels = len(subject.palette.skin)
    corners = rng.uniform(0.15, 0.75, (2, 2, channels)).astype(np.float32)
    backdrop = cv2.resize(corners, size, interpolation=cv2.INTER_LINEAR)
    return backdrop.reshape(height, width, channels)


def _draw_face(
    size: tuple[int, int], unit: float, subject: EyeSubject
) -> tuple[np.ndarray, np.ndarray]:
    """Return skin with nose, mouth and hair, and the (H, W) outline of the head."""
    width, height = size
    x_W = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / unit
    y_H1 = ((np.arange(height, dtype=np.float32) + 0.5 - height / 2) / unit)[:, None]
    reach_HW = np.hypot(x_W / FACE_UNITS[0], y_H1 / FACE_UNITS[1])
    palette = subject.palette
    face_HWC = np.empty((height, width, len(palette.skin)), np.float32)
    face_HWC[:] = 0.97 * np.asarray(palette.skin, np.float32)
    face_HWC *= (1 - 0.25 * reach_HW**4)[..., None]
    nose_HW = np.exp(-((x_W / 0.75) ** 2) - ((y_H1 - 1.9) / 0.35) ** 2)
    face_HWC *= (1 - 0.25 * nose_HW)[..., None]
    lips_HW = soft_step(1 - np.hypot(x_W / 1.7, (y_H1 - 3.9) / 0.45), 0.15)
    blend(face_HWC, 0.8 * lips_HW, palette.blush)
    blend(face_HWC, soft_step(-4.6 - y_H1 + 0.05 * x_W**2, 0.2), palette.hair)
    return face_HWC, soft_step(1 - reach_HW, 0.02).astype(np.float32)


def _feather(height: int, width: int) -> np.ndarray:
    """(h, w) weight of a patch: 1 inside, falling to 0 at its edges."""
    x_w = 1 - np.abs(np.linspace(-1, 1, width, dtype=np.float32))
    y_h1 = 1 - np.abs(np.linspace(-1, 1, height, dtype=np.float32))[:, None]
    return soft_step(x_w - 0.1, 0.1) * soft_step(y_h1 - 0.1, 0.1)
