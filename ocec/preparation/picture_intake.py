"""Takes pictures in: refuses what no model should see, makes the rest RGB of 8 bits.

Shapes: H x W pixels; THUMBNAIL pixels are those of the near-duplicate search.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ocec.functional.perceptual_hash import THUMBNAIL_HW
from ocec.functional.picture_header import PictureHeader, read_picture_header
from ocec.functional.picture_limits import MAX_PIXELS, MIN_SIDE


@dataclass(frozen=True)
class PictureFacts:
    """What was found out about one picture.

    Args:
        problem: why it cannot be used; ``''`` if it can.
        conversion: what makes it RGB of 8 bits; ``''`` if it is grey or RGB already.
        height: in pixels, as decoded; 0 if it cannot be used.
        width: in pixels.
        thumbnail_HW: grey uint8 of ``THUMBNAIL_HW``, if asked for.
    """

    problem: str = ''
    conversion: str = ''
    height: int = 0
    width: int = 0
    thumbnail_HW: np.ndarray | None = None


def examine_picture(data: bytes | str, *, with_thumbnail: bool = False) -> PictureFacts:
    """Find out whether a picture can be used, and how.

    Args:
        data: the bytes of a file, or a text: why there are none.
        with_thumbnail: make the thumbnail for the near-duplicate search.

    Returns:
        The facts; this function does not raise.
    """
    if isinstance(data, str):
        return PictureFacts(problem=data)
    try:
        header = read_picture_header(data)
    except ValueError as error:
        return PictureFacts(problem=str(error))
    if problem := _problem_of_header(header):
        return PictureFacts(problem=problem)
    image_HWC = _decode(data)
    if image_HWC is None:
        return PictureFacts(problem=f'a {header.kind} file that cannot be decoded')
    thumbnail_HW = None
    if with_thumbnail:
        grey_HW = cv2.cvtColor(image_HWC, cv2.COLOR_BGR2GRAY)
        size = THUMBNAIL_HW[::-1]
        thumbnail_HW = cv2.resize(grey_HW, size, interpolation=cv2.INTER_AREA)
    height, width = image_HWC.shape[:2]  # turned as EXIF says
    conversion = _conversion(header)
    return PictureFacts('', conversion, height, width, thumbnail_HW)


def convert_picture(data: bytes) -> bytes:
    """Make an 8-bit RGB PNG of a picture that can be used but is something else.

    Args:
        data: the bytes of a file that ``examine_picture`` has no problem with.

    Returns:
        The bytes of the PNG.

    Raises:
        ValueError: it cannot be decoded after all.
    """
    image_HWC = _decode(data)
    if image_HWC is None:
        raise ValueError('the picture has changed: it cannot be decoded any more')
    return cv2.imencode('.png', image_HWC)[1].tobytes()


def _problem_of_header(header: PictureHeader) -> str:
    size = f'{header.height:,} x {header.width:,} pixels'
    if header.height * header.width > MAX_PIXELS:
        return f'{size}: more than {MAX_PIXELS:,} are not decoded'
    if min(header.height, header.width) < MIN_SIDE:
        return f'{size}: at least {MIN_SIDE} x {MIN_SIDE} are needed'
    if header.is_animated:
        return f'an animated {header.kind}: several pictures in one file'
    return ''


def _conversion(header: PictureHeader) -> str:
    """How OpenCV reads it; ``''`` if the file can be stored as it is."""
    changes = []
    if header.bits != 8:
        how = 'high byte kept' if header.bits > 8 else 'spread over 0 to 255'
        changes.append(f'{header.bits} bits: {how}')
    if header.colour not in ('grey', 'RGB'):
        how = 'looked up' if header.colour == 'palette' else 'to RGB'
        changes.append(f'{header.colour} {how}')
    if header.has_alpha:
        changes.append('alpha dropped')
    if header.kind not in ('PNG', 'JPEG'):
        changes.append(f'{header.kind} to PNG')
    return ', '.join(changes)


def _decode(data: bytes) -> np.ndarray | None:
    """(H, W, 3) uint8 BGR, or None."""
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
