"""The video with boxes, P(open) and blinks drawn into it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO

import cv2
import numpy as np

from ocec.apis.eye_boxes import EyeBox
from ocec.functional.blink import CLOSED, OPEN, UNKNOWN

COLOURS = {OPEN: (40, 200, 80), CLOSED: (235, 60, 50), UNKNOWN: (150, 150, 150)}
"""Of the states, RGB."""

FRAGMENTS = 'frag_keyframe+empty_moov+default_base_moof'
TIME_BASE = Fraction(1, 90_000)
MAX_RATE = 120  # frames per second that the file declares at most; times are their own
CRF = 23  # quality of H.264, 0 best, 51 worst


@dataclass(frozen=True)
class Drawn:
    """What is drawn for one eye.

    Args:
        box: with whole numbers inside the frame.
        prob: P(open), smoothed.
        state: ``OPEN``, ``CLOSED`` or ``UNKNOWN``.
    """

    box: EyeBox
    prob: float
    state: int


def draw_overlay(
    image_HWC: np.ndarray, eyes: Mapping[str, Drawn], lines: list[str]
) -> None:
    """Draw boxes and text, in place.

    Args:
        image_HWC: (H, W, 3) uint8 RGB.
        eyes: name -> what to draw.
        lines: text for the upper left corner.
    """
    scale = max(image_HWC.shape[0] / 720, 0.5)
    thickness = max(1, round(2 * scale))
    for eye, drawn in eyes.items():
        box, colour = drawn.box, COLOURS[drawn.state]
        corners = (box.x1, box.y1), (box.x2 - 1, box.y2 - 1)
        cv2.rectangle(image_HWC, *corners, colour, thickness)
        text = f'{eye[0].upper()} {drawn.prob:.2f}'
        if not math.isnan(drawn.prob):
            _write(image_HWC, text, (box.x1, box.y1 - 4), 0.7 * scale, colour)
    for row, line in enumerate(lines, start=1):
        place = (round(8 * scale), round(28 * scale * row))
        _write(image_HWC, line, place, 0.8 * scale, (255, 255, 255))


def _write(image_HWC, text: str, place, scale: float, colour) -> None:
    font, line, thickness = cv2.FONT_HERSHEY_SIMPLEX, cv2.LINE_AA, max(1, round(scale))
    (width, height), below = cv2.getTextSize(text, font, scale, thickness)
    left, bottom = max(0, int(place[0])), max(height + 1, int(place[1]))
    # dark behind it: the picture may have the colour of the text
    back_hwC = image_HWC[bottom - height - 1 : bottom + below, left : left + width]
    back_hwC[:] = back_hwC // 4
    cv2.putText(image_HWC, text, (left, bottom), font, scale, colour, thickness, line)


class Mp4Writer:
    """Writes frames with their own times as H.264 in an mp4 file.

    A side of odd length loses its last row or column, which the format cannot hold.

    Args:
        file: open for writing, able to seek.
        fps: nominal frame rate; 25 is declared if it is 0.
        movflags: of the format. By default it is written in fragments: memory does not
            grow with the length. Empty, it gets one index at its end.

    Raises:
        ImportError: PyAV is not installed.
    """

    def __init__(
        self, file: BinaryIO, *, fps: float = 0.0, movflags: str = FRAGMENTS
    ) -> None:
        try:
            import av
        except ImportError as error:
            raise ImportError(
                'writing a video needs PyAV: pip install "ocec[video]"'
            ) from error
        self._av, self._stream = av, None
        self._rate = Fraction(min(fps or 25, MAX_RATE)).limit_denominator(1001)
        options = {'movflags': movflags} if movflags else {}
        self._container = av.open(file, 'w', format='mp4', options=options)

    def write(self, image_HWC: np.ndarray, time_s: float) -> None:
        """Add a frame.

        Args:
            image_HWC: (H, W, 3) uint8 RGB; stretched to the size of the first one.
            time_s: its time, later than that of the last.
        """
        height, width = (side - side % 2 for side in image_HWC.shape[:2])
        if self._stream is None:
            self._stream = self._add_stream(width, height)
        stream = self._stream
        pixels = np.ascontiguousarray(image_HWC[:height, :width])
        size = (stream.width, stream.height)
        if size != (width, height):  # some streams change it on the way
            pixels = cv2.resize(pixels, size)
        picture = self._av.VideoFrame.from_ndarray(pixels, format='rgb24')
        picture.pts, picture.time_base = round(time_s / TIME_BASE), TIME_BASE
        self._container.mux(stream.encode(picture))

    def _add_stream(self, width: int, height: int):
        names = self._av.codecs_available
        codec = 'libx264' if 'libx264' in names else 'mpeg4'
        stream = self._container.add_stream(codec, rate=self._rate)
        stream.width, stream.height, stream.pix_fmt = width, height, 'yuv420p'
        stream.time_base = stream.codec_context.time_base = TIME_BASE
        if codec == 'libx264':
            # bf: frames that wait for later ones would shift all times in fragments
            stream.options = {'crf': str(CRF), 'preset': 'veryfast', 'bf': '0'}
        stream.codec_context.thread_count = 1
        return stream

    def close(self) -> None:
        """Write what is left; the file itself stays open."""
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))
        self._container.close()
