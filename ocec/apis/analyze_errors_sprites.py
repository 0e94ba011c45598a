"""Many small pictures on few large ones, which a page holds as text.

A browser decodes a sheet when the first of its pictures is shown. Sizes in pixels.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

MAX_SIDE = 128
PER_SHEET, COLUMNS = 200, 10
# JPEG codes blocks of 8x8: on this grid no picture colours its neighbour
GRID = 8
JPEG_OPTIONS = (
    cv2.IMWRITE_JPEG_QUALITY,
    92,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
)


@dataclass(frozen=True)
class Sprite:
    """Where a picture lies, and how large it was.

    Args:
        sheet: number of its sheet.
        x: of its left edge.
        y: of its top edge.
        width: on the sheet.
        height: on the sheet.
        native_width: of the picture that was given.
        native_height: of the picture that was given.
    """

    sheet: int
    x: int
    y: int
    width: int
    height: int
    native_width: int
    native_height: int


@dataclass(frozen=True)
class Sheet:
    """A picture of pictures.

    Args:
        source: data URI, a JPEG.
        width: in pixels.
        height: in pixels.
    """

    source: str
    width: int
    height: int


def pack_sprites(images: Sequence[np.ndarray]) -> tuple[list[Sheet], list[Sprite]]:
    """Lay pictures out on sheets.

    Args:
        images: K pictures, (h, w, 3) uint8 RGB of any size; longer sides than 128 are
            made smaller.

    Returns:
        The sheets of up to 200 pictures, and K places.
    """
    sheets, sprites = [], []
    for start in range(0, len(images), PER_SHEET):
        part = images[start : start + PER_SHEET]
        sheet, found = _draw_sheet(part, len(sheets))
        sheets.append(sheet)
        sprites += found
    return sheets, sprites


def _draw_sheet(images: Sequence[np.ndarray], number: int) -> tuple[Sheet, list]:
    fitted = [_fit(image) for image in images]
    cell_height = _on_grid(max(image.shape[0] for image in fitted))
    cell_width = _on_grid(max(image.shape[1] for image in fitted))
    rows = -(-len(fitted) // COLUMNS)
    columns = min(len(fitted), COLUMNS)
    sheet_HWC = np.zeros((rows * cell_height, columns * cell_width, 3), np.uint8)
    sprites = []
    for place, (image, native) in enumerate(zip(fitted, images, strict=True)):
        y, x = place // COLUMNS * cell_height, place % COLUMNS * cell_width
        height, width = image.shape[:2]
        # the edge goes on, so that the blocks of the edge code no step
        padding = ((0, cell_height - height), (0, cell_width - width), (0, 0))
        cell_HWC = np.pad(image, padding, mode='edge')
        sheet_HWC[y : y + cell_height, x : x + cell_width] = cell_HWC
        native_height, native_width = native.shape[:2]
        sprites.append(Sprite(number, x, y, width, height, native_width, native_height))
    return Sheet(_encode(sheet_HWC), *sheet_HWC.shape[1::-1]), sprites


def _fit(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    scale = MAX_SIDE / max(height, width)
    if scale >= 1:
        return image
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _on_grid(pixels: int) -> int:
    return -(-pixels // GRID) * GRID


def _encode(image_HWC: np.ndarray) -> str:
    _, encoded = cv2.imencode('.jpg', image_HWC[..., ::-1], JPEG_OPTIONS)
    return 'data:image/jpeg;base64,' + base64.b64encode(encoded.tobytes()).decode()
