"""Where the eyes of a frame are: what a detector gives, and boxes that are known.

No weights of a detector come with this package. Boxes are (x1, y1, x2, y2) in pixels,
x to the right, y down, with x2 and y2 outside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from ocec.functional.csv_rows import NamedRows

LEFT, RIGHT = 'left', 'right'
"""Side of the picture, not of the person: without a mirror the person's right eye is on
the left."""

EYES = (LEFT, RIGHT)
CSV_COLUMNS = ('frame', 'eye', 'x1', 'y1', 'x2', 'y2')


@dataclass(frozen=True)
class EyeBox:
    """One eye of one frame.

    Args:
        x1: left edge in pixels.
        y1: upper edge.
        x2: right edge.
        y2: lower edge.
        score: how sure the detector is, in [0, 1].
        eye: ``left`` or ``right`` side of the picture; None where the detector does not
            know.
    """

    x1: float
    y1: float
    x2: float
    y2: float
    score: float = 1.0
    eye: str | None = None

    @property
    def centre(self) -> tuple[float, float]:
        """Middle of the box."""
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x2 - self.x1


class EyeDetector(Protocol):
    """Finds the eyes of one person in a frame."""

    def detect(self, frame_HWC: np.ndarray, number: int) -> list[EyeBox]:
        """Find the eyes.

        Args:
            frame_HWC: (H, W, 3) uint8 RGB.
            number: of the frame, from 0.

        Returns:
            The boxes, at most one for each eye; they may leave the frame.
        """


def clip_box(box: EyeBox, width: int, height: int) -> EyeBox | None:
    """Cut a box to whole pixels of the frame, as the training crops were.

    Args:
        box: any box.
        width: of the frame in pixels.
        height: of the frame in pixels.

    Returns:
        The box with whole numbers, rounded down; None if nothing of it is inside.
    """
    edges = (box.x1, box.y1, box.x2, box.y2)
    if not all(math.isfinite(edge) for edge in edges):
        return None
    x1, x2 = (int(min(max(edge, 0), width)) for edge in (box.x1, box.x2))
    y1, y2 = (int(min(max(edge, 0), height)) for edge in (box.y1, box.y2))
    if x2 <= x1 or y2 <= y1:
        return None
    return replace(box, x1=x1, y1=y1, x2=x2, y2=y2)


def crop_eye(frame_HWC: np.ndarray, box: EyeBox) -> np.ndarray:
    """Cut the eye out, without margin.

    Args:
        frame_HWC: (H, W, 3) uint8.
        box: with whole numbers inside the frame, see :func:`clip_box`.

    Returns:
        (h, w, 3) uint8, a copy: the frame may be drawn on.
    """
    return frame_HWC[box.y1 : box.y2, box.x1 : box.x2].copy()


def best_pair(boxes: Sequence[EyeBox], *, max_iou: float = 0.5) -> list[EyeBox]:
    """Keep the two best-scoring boxes, as the training crops were chosen.

    Args:
        boxes: of any number of eyes.
        max_iou: a box that overlaps a better one by more is the same eye again.

    Returns:
        At most two boxes, the better one first.
    """
    kept: list[EyeBox] = []
    for box in sorted(boxes, key=lambda box: -box.score):
        if all(intersection_over_union(box, other) <= max_iou for other in kept):
            kept.append(box)
    return kept[:2]


def intersection_over_union(one: EyeBox, other: EyeBox) -> float:
    """Return the shared area of two boxes over their union.

    Args:
        one: a box.
        other: another.

    Returns:
        In [0, 1]; 0 for boxes without area.
    """
    across = min(one.x2, other.x2) - max(one.x1, other.x1)
    down = min(one.y2, other.y2) - max(one.y1, other.y1)
    shared = max(across, 0.0) * max(down, 0.0)
    areas = [(box.x2 - box.x1) * (box.y2 - box.y1) for box in (one, other)]
    return shared / (sum(areas) - shared) if shared > 0 else 0.0


class FixedBoxes:
    """The same boxes in every frame, for a head that is held still.

    Args:
        boxes: one or two (x1, y1, x2, y2) in pixels.

    Raises:
        ValueError: there are no boxes or more than two, or one is empty.
    """

    def __init__(self, boxes: Sequence[Sequence[float]]) -> None:
        if not 1 <= len(boxes) <= len(EYES):
            raise ValueError(f'one or two boxes are needed, got {len(boxes)}')
        for box in boxes:
            if len(box) != 4 or box[2] <= box[0] or box[3] <= box[1]:
                raise ValueError(
                    f'a box is x1,y1,x2,y2 with x1 < x2 and y1 < y2, got {tuple(box)}'
                )
        ordered = sorted(boxes, key=lambda box: box[0] + box[2])
        names = EYES if len(boxes) == len(EYES) else (None,)
        self._boxes = [
            EyeBox(*map(float, box), eye=eye)
            for box, eye in zip(ordered, names, strict=True)
        ]

    def detect(self, frame_HWC: np.ndarray, number: int) -> list[EyeBox]:
        """Return the boxes.

        Args:
            frame_HWC: not used.
            number: not used.

        Returns:
            The boxes, the left one first.
        """
        return list(self._boxes)


class CsvBoxes:
    """Boxes out of a CSV file with the columns ``frame,eye,x1,y1,x2,y2``.

    ``frame`` counts from 0; ``eye`` is ``left``, ``right`` or empty.

    Args:
        path: the file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a column is missing, or a row cannot be understood.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f'{path}: no such file of boxes')
        self._boxes: dict[int, list[EyeBox]] = {}
        with path.open(newline='', encoding='utf-8-sig') as file:
            reader = NamedRows(file, path)
            found = reader.columns
            missing = [name for name in CSV_COLUMNS if name not in found]
            if missing:
                raise ValueError(
                    f'{path}: columns {", ".join(missing)} are missing; found '
                    f'{", ".join(found) or "none"}'
                )
            for row in reader:
                self._add(row, f'{path}:{reader.line_num}')

    def _add(self, row: dict, place: str) -> None:
        try:
            number = int(row['frame'])
            edges = [float(row[name]) for name in CSV_COLUMNS[2:]]
        except (TypeError, ValueError) as error:
            raise ValueError(
                f'{place}: frame must be a whole number and x1,y1,x2,y2 numbers, got '
                f'{[row[name] for name in CSV_COLUMNS]}'
            ) from error
        eye = row['eye'] or None
        if eye not in (*EYES, None):
            raise ValueError(f'{place}: eye must be left, right or empty, got {eye!r}')
        boxes = self._boxes.setdefault(number, [])
        if eye is not None and any(box.eye == eye for box in boxes):
            raise ValueError(f'{place}: frame {number} has two boxes of the {eye} eye')
        boxes.append(EyeBox(*edges, eye=eye))

    def detect(self, frame_HWC: np.ndarray, number: int) -> list[EyeBox]:
        """Look the frame up.

        Args:
            frame_HWC: not used.
            number: of the frame, from 0.

        Returns:
            Its boxes; none for a frame that the file does not name.
        """
        return list(self._boxes.get(number, ()))
