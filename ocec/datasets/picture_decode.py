"""Encoded pictures to pixels, and a plain word on those that are no eye crops."""

from __future__ import annotations

import cv2
import numpy as np

from ocec.functional.picture_header import read_picture_header
from ocec.functional.picture_limits import MAX_PIXELS, MIN_SIDE


class PictureError(ValueError):
    """A picture cannot be used; the message says why, in one line."""


def decode_picture(encoded: np.ndarray) -> np.ndarray:
    """Decode one still picture.

    Grey, palette, CMYK and 16-bit pictures become 8-bit colour (the high byte);
    transparency is dropped, so a transparent pixel has the colour it hides. What
    does not tell its size in its header is not decoded at all.

    Args:
        encoded: (n,) uint8, the bytes of a PNG, JPEG, WebP, BMP, GIF or TIFF file.

    Returns:
        (h, w, 3) uint8 BGR.

    Raises:
        PictureError: it is no picture of these kinds, incomplete, animated, too large
            or too small.
    """
    try:
        header = read_picture_header(encoded.tobytes())
    except ValueError as error:
        raise PictureError(f'the picture cannot be decoded: {error}') from error
    if header.height * header.width > MAX_PIXELS:
        raise PictureError(
            f'the picture has {header.width}x{header.height} pixels, more than '
            f'{MAX_PIXELS:,}: this is no eye crop'
        )
    if header.is_animated:
        raise PictureError('the picture is animated: only still pictures are read')
    try:
        image = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise PictureError('the picture cannot be decoded')
    height, width = image.shape[:2]
    if min(height, width) < MIN_SIDE:
        raise PictureError(
            f'the picture has {width}x{height} pixels, at least {MIN_SIDE}x{MIN_SIDE} '
            'are needed'
        )
    return image
