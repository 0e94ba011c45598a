"""Turns a drawn eye into a crop: optics, sensor, tone curve, file format.

Legend: H, W the canvas; h, w the sensor or the crop in pixels; C channels.
"""

import cv2
import numpy as np

from ocec.synthesis.eye_scene import Camera


def photograph(
    picture_HWC: np.ndarray, camera: Camera, rng: np.random.Generator
) -> np.ndarray:
    """Record a picture.

    Args:
        picture_HWC: (H, W, C) float32 reflected light, 1 is white; C is 3 or 1.
        camera: size of the crop and everything that degrades it.
        rng: source of the noise and of the centre of the vignette.

    Returns:
        (h, w, 3) uint8 RGB; the three are equal if the picture has one channel.
    """
    channels = picture_HWC.shape[2]
    size = (camera.width_px, camera.height_px)
    sensor = tuple(max(8, round(side * camera.sensor_scale)) for side in size)
    light_hwC = cv2.resize(picture_HWC, sensor, interpolation=cv2.INTER_AREA)
    light_hwC = _blur(light_hwC, camera)
    light_hwC = light_hwC.reshape(sensor[1], sensor[0], channels)
    light_hwC *= camera.exposure * np.asarray(camera.tint, dtype=np.float32)
    light_hwC *= _vignette(sensor, camera.vignette, rng)
    light_hwC = _develop(_add_noise(light_hwC, camera, rng), camera)
    crop_hwC = np.round(light_hwC * 255).astype(np.uint8)
    if sensor != size:
        crop_hwC = cv2.resize(crop_hwC, size, interpolation=cv2.INTER_LINEAR)
    return _compress(crop_hwC.reshape(size[1], size[0], channels), camera.jpeg_quality)


def _blur(light_hwC: np.ndarray, camera: Camera) -> np.ndarray:
    light_hwC = cv2.GaussianBlur(light_hwC, (0, 0), camera.blur_px)
    if camera.motion_px < 1.5:
        return light_hwC
    radius = int(np.ceil(camera.motion_px / 2))
    angle = np.deg2rad(camera.motion_deg)
    reach = 16 * camera.motion_px / 2 * np.array([np.cos(angle), np.sin(angle)])
    middle = 16.0 * radius
    start, end = np.round([middle - reach, middle + reach]).astype(int).tolist()
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1), dtype=np.uint8)
    cv2.line(kernel, start, end, 255, 1, cv2.LINE_AA, shift=4)
    return cv2.filter2D(light_hwC, -1, kernel / np.float32(kernel.sum()))


def _vignette(sensor: tuple[int, int], strength: float, rng) -> np.ndarray:
    """(h, w, 1) share of the light that arrives, falling away from a random spot."""
    centre_x, centre_y = rng.uniform(-0.6, 0.6, 2)
    x_w = np.linspace(-1, 1, sensor[0], dtype=np.float32) - np.float32(centre_x)
    y_h1 = np.linspace(-1, 1, sensor[1], dtype=np.float32)[:, None]
    away_hw = (x_w**2 + (y_h1 - np.float32(centre_y)) ** 2) / 2
    return (1 / (1 + strength * away_hw))[..., None]


def _add_noise(light_hwC: np.ndarray, camera: Camera, rng) -> np.ndarray:
    # Shot noise grows with the root of the light; underexposed pictures show more
    # of both once they are lifted.
    sigma_hwC = np.sqrt(
        camera.read_noise**2 + camera.shot_noise**2 * np.maximum(light_hwC, 0.0)
    )
    noise_hwC = rng.standard_normal(light_hwC.shape, dtype=np.float32)
    return light_hwC + sigma_hwC * noise_hwC


def _develop(light_hwC: np.ndarray, camera: Camera) -> np.ndarray:
    """Lift an underexposed picture by the camera's gain, then bend the tones."""
    lift = camera.exposure**-camera.gain if camera.exposure < 1 else 1.0
    return np.clip(light_hwC * lift, 0.0, 1.0) ** camera.gamma


def _compress(crop_hwC: np.ndarray, quality: int | None) -> np.ndarray:
    if quality is not None:
        flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
        data = cv2.imencode('.jpg', crop_hwC[..., ::-1], flags)[1]
        grey = crop_hwC.shape[2] == 1
        decoded = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR)
        crop_hwC = decoded.reshape(crop_hwC.shape)[..., ::-1]
    if crop_hwC.shape[2] == 1:
        return np.repeat(crop_hwC, 3, axis=2)
    return np.ascontiguousarray(crop_hwC)
