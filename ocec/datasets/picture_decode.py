"""Encoded pictures to pixels, and a plain word on those that are no eye crops."""

from __future__ import annotations

import struct

import cv2
import numpy as np

# 4096 x 4096: no eye crop comes near, and a damaged header or a hostile file must not
# fill the memory (20,000 x 20,000 pixels are 1.2 GB, in each decoding thread)
MAX_PIXELS = 2**24
# below this no lid can be told from an iris
MIN_SIDE = 4

_PNG = b'\x89PNG\r\n\x1a\n'
# JPEG segments that hold the size: start of frame, all kinds but DHT, JPG and DAC
_SIZE_MARKERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_FIRST_TWO = (0, 2)


class PictureError(ValueError):
    """A picture cannot be used; the message says why, in one line."""


def decode_picture(encoded: np.ndarray) -> np.ndarray:
    """Decode one still picture.

    Grey, palette, CMYK and 16-bit pictures become 8-bit colour (the high byte);
    transparency is dropped, so a transparent pixel has the colour it hides.

    Args:
        encoded: (n,) uint8, the bytes of a PNG, JPEG or other file OpenCV reads.

    Returns:
        (h, w, 3) uint8 BGR.

    Raises:
        PictureError: it is no picture, incomplete, animated, too large or too small.
    """
    head = encoded[:65536].tobytes()
    size = picture_size(head)
    if size is not None and size[0] * size[1] > MAX_PIXELS:
        raise PictureError(
            f'the picture has {size[1]}x{size[0]} pixels, more than {MAX_PIXELS:,}: '
            'this is no eye crop'
        )
    if _is_animated(head, encoded):
        raise PictureError('the picture is animated: only still pictures are read')
    try:
        image = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if encoded.size else None
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


def picture_size(head: bytes) -> tuple[int, int] | None:
    """Read the size from the header of a PNG, JPEG, GIF, BMP or WebP file.

    Args:
        head: its first bytes; 64 KiB hold the header of any picture without a huge
            preview in front.

    Returns:
        (height, width) in pixels; None for other formats and damaged headers.

    Source:
        PNG: ISO/IEC 15948, 11.2.2. JPEG: ITU-T T.81, B.2.2. WebP: RFC 9649.

    Example:
        >>> picture_size(b'GIF89a' + bytes([64, 0, 32, 0]))
        (32, 64)
    """
    readers = {
        _PNG: lambda: struct.unpack_from('>xxxxxxxxxxxxxxxxII', head)[::-1],
        b'\xff\xd8': lambda: _jpeg_size(head),
        b'GIF8': lambda: struct.unpack_from('<xxxxxxHH', head)[::-1],
        b'BM': lambda: tuple(map(abs, struct.unpack_from('<18xii', head)[::-1])),
        b'RIFF': lambda: _webp_size(head),
    }
    for signature, read in readers.items():
        if head.startswith(signature):
            try:
                return read()
            except (struct.error, IndexError):
                return None
    return None


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    at = 2
    while head[at] == 0xFF:
        marker = head[at + 1]
        if marker in _SIZE_MARKERS:
            return struct.unpack_from('>HH', head, at + 5)
        (length,) = struct.unpack_from('>H', head, at + 2)
        at += 2 + length
    return None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b'VP8X':  # 24 bits each, less one
        width, height = (int.from_bytes(head[at : at + 3], 'little') for at in (24, 27))
        return height + 1, width + 1
    if kind == b'VP8L':  # 14 bits each, less one, after a byte of signature
        bits = int.from_bytes(head[21:25], 'little')
        return (bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1
    if kind == b'VP8 ':
        width, height = struct.unpack_from('<HH', head, 26)
        return height & 0x3FFF, width & 0x3FFF
    return None


def _is_animated(head: bytes, encoded: np.ndarray) -> bool:
    if head.startswith(_PNG):  # the control chunk must come before the pixels
        return b'acTL' in head[: head.find(b'IDAT')]
    if head.startswith(b'RIFF'):
        return head[12:16] == b'VP8X' and bool(head[20:21]) and bool(head[20] & 2)
    if head.startswith((b'GIF8', b'II*\0', b'MM\0*')):
        try:
            _, images = cv2.imdecodemulti(encoded, cv2.IMREAD_COLOR, range=_FIRST_TWO)
        except cv2.error:
            return False
        return len(images) > 1
    return False
