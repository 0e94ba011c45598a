"""Pictures as arrays: what is taken, and the way out for what is not.

Shapes: N pictures of h x w pixels.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

NUM_CHANNELS = 3
_ADVICE_OF_TYPE = {
    'f': 'values in [0, 1] become pixels by (255 * images).round().astype(numpy.uint8)',
    'u': 'of 16 bits take the high byte: (images >> 8).astype(numpy.uint8)',
    'i': 'if they lie in [0, 255], say so: images.astype(numpy.uint8)',
    'b': 'a mask is no picture',
}


def iterate_arrays(images: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the pictures of an array of one or of several.

    Args:
        images: uint8: (h, w, 3) or (h, w, 1), (h, w) grey, or (N, h, w, 3) or
            (N, h, w, 1).

    Yields:
        (h, w, 3) uint8 RGB, as :func:`check_picture` returns it.

    Raises:
        ValueError: another type or shape, or no picture at all.
    """
    if images.ndim != 4:
        yield check_picture(images)
        return
    if not len(images):
        raise ValueError(f'no pictures: the array has shape {images.shape}')
    for image in images:
        yield check_picture(image)


def check_picture(image: np.ndarray) -> np.ndarray:
    """Return one picture as RGB; a grey one gets three equal channels, as files do.

    Args:
        image: uint8: (h, w, 3) RGB, or (h, w, 1) or (h, w) grey; h, w >= 1.

    Returns:
        (h, w, 3) uint8, without a copy where it is one already.

    Raises:
        ValueError: another type or shape; the message says how to mend it.

    Example:
        >>> check_picture(np.zeros((24, 40), np.uint8)).shape
        (24, 40, 3)
    """
    if image.dtype != np.uint8:
        raise ValueError(_problem_of_type(image))
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or image.shape[2] not in (1, NUM_CHANNELS):
        raise ValueError(_problem_of_shape(image.shape))
    if not image.size:
        raise ValueError(f'a picture has no pixels: its shape is {image.shape}')
    if image.shape[2] == 1:
        return np.repeat(image, NUM_CHANNELS, axis=2)
    return image


def resize_picture(
    image: np.ndarray, image_size: tuple[int, int], interpolation: int
) -> np.ndarray:
    """Resize a picture as the data set of a training does.

    Args:
        image: (h, w, 3) uint8.
        image_size: (H, W) in pixels; the aspect ratio is not kept.
        interpolation: OpenCV's number.

    Returns:
        (H, W, 3) uint8, always in memory of its own.
    """
    height, width = image_size
    return cv2.resize(
        np.ascontiguousarray(image), (width, height), interpolation=interpolation
    )


def _problem_of_type(image: np.ndarray) -> str:
    text = f'pictures must be uint8 with pixels in [0, 255], got {image.dtype}'
    if image.dtype.kind == 'f' and np.isnan(image).any():
        return f'{text} with NaN in it: find out where that comes from first'
    advice = _ADVICE_OF_TYPE.get(image.dtype.kind)
    return text if advice is None else f'{text}; {advice}'


def _problem_of_shape(shape: tuple[int, ...]) -> str:
    text = f'a picture must be (h, w, 3) RGB or (h, w) grey, got shape {shape}'
    if len(shape) != 3:
        return text
    if shape[2] == 4:
        return f'{text}: drop alpha, as training does, by image[..., :3]'
    if shape[0] in (1, NUM_CHANNELS):
        return f'{text}: the channels come last, image.transpose(1, 2, 0)'
    return f'{text}: several grey pictures are images[..., None]'
