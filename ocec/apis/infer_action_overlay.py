"""A video with skeletons, the likeliest actions and a time line.

Shapes: C classes, S pieces of the video, K joints, H x W pixels.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence

import cv2
import numpy as np

from ocec.apis.infer_action_poses import ActionPoses
from ocec.apis.infer_action_skeleton import draw_skeletons, fitting, write_text
from ocec.apis.infer_action_windows import NOBODY, join_pieces, top_classes
from ocec.functional.skeleton_layouts import SkeletonLayout

MIN_HEIGHT, MAX_HEIGHT = 360, 720
"""Of the picture in pixels: text beside a smaller one could not be read."""

PANEL, LINE = 260, 44
"""Width of the bars and height of the time line in pixels."""

GROUND, RAIL, INK, DIM = (24, 26, 30), (52, 55, 62), (235, 235, 235), (150, 150, 150)


class OverlayPainter:
    """Draws the frames of one video.

    Args:
        poses: the skeletons.
        layout: of the joints.
        edge_S1: (S + 1,) first frame of each piece, and the end.
        prob_SC: (S, C) probabilities of each piece; NaN where nobody is.
        classes: C names.
        duration_s: of the video in seconds.
        top: bars at most, >= 1.
    """

    def __init__(
        self,
        poses: ActionPoses,
        layout: SkeletonLayout,
        edge_S1: np.ndarray,
        prob_SC: np.ndarray,
        *,
        classes: Sequence[str],
        duration_s: float,
        top: int = 5,
    ) -> None:
        self._poses, self._layout = poses, layout
        self._edge_S1, self._prob_SC = edge_S1, prob_SC
        self._segments = join_pieces(edge_S1, prob_SC)
        self._classes, self._top, self._duration_s = classes, top, duration_s

    def blank(self) -> np.ndarray:
        """Return the black picture of skeletons without a video, (H, W, 3) uint8."""
        return np.zeros((*self._poses.frame_hw, 3), np.uint8)

    def draw(self, number: int, time_s: float, image_HWC: np.ndarray) -> np.ndarray:
        """Draw a frame.

        Args:
            number: of the frame.
            time_s: of the frame.
            image_HWC: (H, W, 3) uint8 RGB, left untouched.

        Returns:
            A larger picture, with the bars on the right and the time line below.
        """
        picture_HWC, scale = _enlarged(image_HWC, self._poses.frame_hw)
        persons, keypoint_PK2, score_PK = self._poses.frame(number)
        # as the middle of a pixel is enlarged: joints lie at whole numbers
        keypoint_PK2 = (keypoint_PK2 + 0.5) * scale - 0.5
        draw_skeletons(
            picture_HWC, keypoint_PK2, score_PK, self._layout, numbers=persons
        )
        height, width = picture_HWC.shape[:2]
        canvas_HWC = np.full((height + LINE, width + PANEL, 3), GROUND, np.uint8)
        canvas_HWC[:height, :width] = picture_HWC
        self._draw_bars(canvas_HWC[:height, width:], number)
        self._draw_line(canvas_HWC[height:], number, time_s)
        return canvas_HWC

    def _draw_bars(self, panel_hwC: np.ndarray, number: int) -> None:
        if number >= self._edge_S1[-1]:
            write_text(panel_hwC, 'no poses', (14, 30), colour=DIM, is_boxed=False)
            return
        piece = int(np.searchsorted(self._edge_S1, number, side='right')) - 1
        prob_C = self._prob_SC[piece]
        if np.isnan(prob_C).any():
            write_text(panel_hwC, 'nobody', (14, 30), colour=DIM, is_boxed=False)
            return
        # as many as the picture is high enough for
        room = max(1, (panel_hwC.shape[0] - 8) // 50)
        width = panel_hwC.shape[1] - 28
        for row, label in enumerate(top_classes(prob_C, min(self._top, room))):
            y, prob = 12 + 50 * row, float(prob_C[label])
            name = fitting(self._classes[label], width - 60, 11)
            ink = INK if row == 0 else DIM
            write_text(panel_hwC, name, (14, y + 14), colour=ink, is_boxed=False)
            at = (14 + width - 40, y + 14)
            write_text(panel_hwC, f'{prob:.2f}', at, colour=ink, is_boxed=False)
            cv2.rectangle(panel_hwC, (14, y + 22), (14 + width, y + 32), RAIL, -1)
            end = 14 + round(width * prob)
            cv2.rectangle(panel_hwC, (14, y + 22), (end, y + 32), colour_of(label), -1)

    def _draw_line(self, strip_hwC: np.ndarray, number: int, time_s: float) -> None:
        left, right = 10, strip_hwC.shape[1] - 120
        total = int(self._edge_S1[-1])
        cv2.rectangle(strip_hwC, (left, 12), (right, 32), RAIL, -1)
        for segment in self._segments:
            x1, x2 = (
                left + round((right - left) * frame / total)
                for frame in (segment.start, segment.stop)
            )
            if segment.label == NOBODY:
                continue
            cv2.rectangle(strip_hwC, (x1, 12), (x2, 32), colour_of(segment.label), -1)
            name = fitting(self._classes[segment.label], x2 - x1 - 8, 9)
            at = (x1 + 4, 27)
            write_text(
                strip_hwC, name, at, height_px=9, colour=(0, 0, 0), is_boxed=False
            )
        x = left + round((right - left) * min(number + 0.5, total) / total)
        cv2.rectangle(strip_hwC, (x - 1, 7), (x + 1, 37), (255, 255, 255), -1)
        clock = f'{time_s:.1f}/{self._duration_s:.1f} s'
        write_text(strip_hwC, clock, (right + 10, 27), height_px=10, is_boxed=False)


def colour_of(label: int) -> tuple[int, int, int]:
    """Return the colour of a class, the same in every video.

    Args:
        label: >= 0.

    Returns:
        RGB; neighbouring labels are far apart.
    """
    hue = label * 0.618034 % 1  # the golden ratio spreads any number of hues
    return tuple(round(255 * level) for level in colorsys.hsv_to_rgb(hue, 0.55, 0.95))


def _enlarged(
    image_HWC: np.ndarray, frame_hw: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """A copy of readable size, and pixels of it per pixel of the skeletons, (x, y)."""
    height, width = image_HWC.shape[:2]
    factor = 1.0
    if height < MIN_HEIGHT:
        factor = math.ceil(MIN_HEIGHT / height)
    elif height > MAX_HEIGHT:
        factor = MAX_HEIGHT / height
    size = (round(width * factor), round(height * factor))
    kind = cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA
    picture_HWC = cv2.resize(image_HWC, size, interpolation=kind)
    if picture_HWC is image_HWC:
        picture_HWC = image_HWC.copy()
    return picture_HWC, np.array([size[0] / frame_hw[1], size[1] / frame_hw[0]])
