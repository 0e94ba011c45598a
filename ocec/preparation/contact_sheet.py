"""Contact sheets: small pictures with captions, side by side, on one picture.

Coordinates in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

PICTURE_HW = (84, 168)
LINE_HEIGHT = 15
GAP = 6
FONT, FONT_SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.38
BACKGROUND, FRAME, INK = (250, 250, 250), (190, 190, 190), (30, 30, 30)
# enlarged pixels stay visible as such beyond this
MAX_ENLARGEMENT = 4


@dataclass(frozen=True)
class Tile:
    """One picture of a sheet.

    Args:
        image: (h, w, 3) uint8 RGB of any size; None leaves the place empty.
        lines: captions below it; what is too long is cut.
    """

    image: np.ndarray | None
    lines: tuple[str, ...] = ()


def draw_contact_sheet(
    sets: Sequence[Sequence[Tile]], *, columns: int = 6
) -> np.ndarray:
    """Draw sets of pictures; each set has a frame of its own.

    Args:
        sets: tiles that belong together, at least one in all; a set that is longer
            than a line goes on in the next.
        columns: tiles in a line, >= 1.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ValueError: there is no tile, or columns is below 1.
    """
    if columns < 1:
        raise ValueError(f'columns must be >= 1, got {columns}')
    lines = _arrange(sets, columns)
    if not lines:
        raise ValueError('a contact sheet needs a tile, got none')
    captions = max(len(tile.lines) for tiles in sets for tile in tiles)
    height = PICTURE_HW[0] + captions * LINE_HEIGHT + 2 * GAP
    width = PICTURE_HW[1] + 2 * GAP
    used = max(sum(map(len, line)) for line in lines)
    sheet = np.full((len(lines) * height, used * width, 3), BACKGROUND, np.uint8)
    for row, line in enumerate(lines):
        column = 0
        for tiles in line:
            left, top = column * width, row * height
            right, bottom = left + len(tiles) * width, top + height
            cv2.rectangle(sheet, (left + 1, top + 1), (right - 2, bottom - 2), FRAME, 1)
            for tile in tiles:
                _draw_tile(sheet[top:bottom, column * width :][:, :width], tile)
                column += 1
    return sheet


def encode_png(image: np.ndarray) -> bytes:
    """Encode a picture.

    Args:
        image: (H, W, 3) uint8 RGB.

    Returns:
        The bytes of a PNG file.
    """
    return cv2.imencode('.png', image[..., ::-1])[1].tobytes()


def _arrange(sets, columns: int) -> list[list[Sequence[Tile]]]:
    """Fill lines with whole sets; cut those that are longer than a line."""
    lines, room = [], 0
    for tiles in sets:
        for start in range(0, len(tiles), columns):
            part = tiles[start : start + columns]
            if len(part) > room:
                lines.append([])
                room = columns
            lines[-1].append(part)
            room -= len(part)
    return lines


def _draw_tile(place: np.ndarray, tile: Tile) -> None:
    area_height, area_width = PICTURE_HW
    if tile.image is not None:
        height, width = tile.image.shape[:2]
        scale = min(area_height / height, area_width / width, MAX_ENLARGEMENT)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        kind = cv2.INTER_NEAREST if scale > 1 else cv2.INTER_AREA
        top = GAP + (area_height - size[1]) // 2
        left = GAP + (area_width - size[0]) // 2
        place[top : top + size[1], left : left + size[0]] = cv2.resize(
            tile.image, size, interpolation=kind
        )
    for number, line in enumerate(tile.lines, start=1):
        at = (GAP, GAP + area_height + number * LINE_HEIGHT - 4)
        cv2.putText(place, _fitting(line), at, FONT, FONT_SCALE, INK, 1, cv2.LINE_AA)


def _fitting(text: str) -> str:
    """Cut a text to the width of a tile; the font has ASCII only."""
    text = text.encode('ascii', 'replace').decode()
    while cv2.getTextSize(text, FONT, FONT_SCALE, 1)[0][0] > PICTURE_HW[1]:
        text = text[: -3 if text.endswith('..') else -1].rstrip('.') + '..'
    return text
