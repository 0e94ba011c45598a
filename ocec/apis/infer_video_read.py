"""Frames with their true times out of a file, a stream or a camera."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from ocec.datasets.video_reader import AV_OPTIONS
from ocec.functional.picture_limits import MAX_FRAME_PIXELS
from ocec.functional.video_header import HEAD_BYTES, is_video_head

MIN_STEP_S = 1e-3
"""Put between two frames whose file gives no times that go forward."""

MISSING_SHARE, MISSING_S = 0.05, 0.5
"""A file that ends earlier than declared, by more than the larger one, is cut off."""


class VideoError(ValueError):
    """The video cannot be opened, holds no frame, or is cut off."""


@dataclass(frozen=True)
class Frame:
    """One frame.

    Args:
        number: from 0.
        time_s: seconds since the first frame.
        image_HWC: (H, W, 3) uint8 RGB, upright.
    """

    number: int
    time_s: float
    image_HWC: np.ndarray


class VideoReader(Protocol):
    """An open video or camera.

    Attributes:
        fps: nominal frame rate; 0 if unknown.
        duration_s: declared duration; None if unknown.
        damage: what went wrong so far, one line each.
        is_live: a camera, which ends when the user says so.
    """

    fps: float
    duration_s: float | None
    damage: list[str]
    is_live: bool

    def frames(self) -> Iterator[Frame]:
        """Read the frames in turn; closes the source at the end."""


def open_video(source: str) -> VideoReader:
    """Open a video.

    Args:
        source: file, address of a stream (``rtsp://...``), or number of a camera.

    Returns:
        The reader. Files are read by PyAV, or by OpenCV where PyAV is not installed.

    Raises:
        FileNotFoundError: there is no such file.
        VideoError: it cannot be opened as a video.
    """
    if source.isdecimal():
        return OpenCvReader(int(source))
    if '://' not in source and not Path(source).exists():
        raise FileNotFoundError(f'{source}: no such video; a camera is a number, as 0')
    if Path(source).is_dir():
        raise VideoError(f'{source}: a folder, not a video')
    if Path(source).is_file():
        _check_head(source)
    try:
        import av  # noqa: F401  # only whether it is there
    except ImportError:
        return OpenCvReader(source)
    return AvReader(source)


def _check_head(source: str) -> None:
    """Refuse a list of other files and addresses, which FFmpeg would open."""
    with open(source, 'rb') as stream:
        if not is_video_head(stream.read(HEAD_BYTES)):
            raise VideoError(
                f'{source}: cannot be opened as a video, damaged or of another format'
            )


def _check_size(source: str | int, width: float, height: float) -> None:
    if width * height > MAX_FRAME_PIXELS:
        raise VideoError(
            f'{source}: frames of {width:.0f}x{height:.0f} pixels, more than '
            f'{MAX_FRAME_PIXELS:,} are not decoded'
        )


class AvReader:
    """Reads a file or a stream by PyAV.

    Args:
        source: file or address.

    Raises:
        VideoError: it cannot be opened, or has no video.
    """

    is_live = False

    def __init__(self, source: str) -> None:
        import av

        self.source, self.damage = source, []
        options = AV_OPTIONS if Path(source).is_file() else {}
        try:
            self._container = av.open(source, container_options=options)
        except av.error.FFmpegError as error:
            raise VideoError(
                f'{source}: cannot be opened as a video, damaged or of another format: '
                f'{error.strerror}'
            ) from error
        if not self._container.streams.video:
            self._container.close()
            raise VideoError(f'{source}: holds no video, only other streams')
        self._stream = stream = self._container.streams.video[0]
        _check_size(source, stream.width or 0, stream.height or 0)
        stream.thread_type = 'AUTO'
        # the header of a frame may claim another size than that of the file
        stream.codec_context.options = {'max_pixels': str(MAX_FRAME_PIXELS)}
        self.fps = float(stream.average_rate or 0)
        self.duration_s = None
        if stream.duration and stream.time_base:
            self.duration_s = float(stream.duration * stream.time_base)
        elif self._container.duration:
            self.duration_s = self._container.duration / av.time_base

    def frames(self) -> Iterator[Frame]:
        """Read the frames in turn.

        Yields:
            The frames; parts that cannot be decoded are noted in ``damage``.
        """
        first_s, last_s, number = None, -MIN_STEP_S, 0
        try:
            for picture in self._pictures():
                time_s = picture.time
                if time_s is not None:
                    first_s = time_s if first_s is None else first_s
                    time_s -= first_s
                time_s = _forward(time_s, last_s, self.fps)
                yield Frame(number, time_s, _upright(picture))
                last_s, number = time_s, number + 1
        finally:
            self._container.close()
        self._check_end(last_s)

    def _pictures(self) -> Iterator:
        import av

        undecoded = 0
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:
                self.damage.append(f'reading stopped: {error.strerror}')
                break
            if packet is None:
                break
            try:
                yield from packet.decode()
            except av.error.FFmpegError:
                undecoded += 1
        if undecoded:
            self.damage.append(f'{undecoded} packets could not be decoded')

    def _check_end(self, last_s: float) -> None:
        if not self.duration_s:
            return
        step_s = 1 / self.fps if self.fps else 0.0
        missing_s = self.duration_s - (last_s + step_s)
        if missing_s > max(MISSING_S, MISSING_SHARE * self.duration_s):
            self.damage.append(
                f'cut off: {last_s + step_s:.2f} s of {self.duration_s:.2f} s'
            )


class OpenCvReader:
    """Reads a camera, or a file where PyAV is not installed, by OpenCV.

    Args:
        source: number of a camera, file or address.

    Raises:
        VideoError: it cannot be opened.
    """

    def __init__(self, source: str | int) -> None:
        self.source, self.damage = source, []
        self.is_live = isinstance(source, int)
        self._capture = cv2.VideoCapture(source)
        if not self._capture.isOpened():
            self._capture.release()
            if self.is_live:
                raise VideoError(
                    f'camera {source} cannot be opened: not connected, in use by '
                    'another program, or not allowed'
                )
            raise VideoError(
                f'{source}: OpenCV cannot open it as a video, damaged or of another '
                'format'
            )
        sides = cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT
        _check_size(source, *map(self._capture.get, sides))
        self.fps = max(float(self._capture.get(cv2.CAP_PROP_FPS)), 0.0)
        self._num_declared = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.duration_s = None
        if not self.is_live and self.fps and self._num_declared > 0:
            self.duration_s = self._num_declared / self.fps

    def frames(self) -> Iterator[Frame]:
        """Read the frames in turn.

        Yields:
            The frames; a file that ends early is noted in ``damage``.
        """
        first_s, last_s, number = None, -MIN_STEP_S, 0
        try:
            while True:
                there, bgr_HWC = self._capture.read()
                if not there:
                    break
                time_s = self._clock_s()
                first_s = time_s if first_s is None else first_s
                time_s = _forward(time_s - first_s, last_s, self.fps)
                yield Frame(number, time_s, np.ascontiguousarray(bgr_HWC[..., ::-1]))
                last_s, number = time_s, number + 1
        finally:
            self._capture.release()
        if self.is_live:
            self.damage.append('the camera gave no more frames')
        missing = self._num_declared - number
        if self.duration_s and missing > max(
            MISSING_S * self.fps, MISSING_SHARE * self._num_declared
        ):
            self.damage.append(f'cut off: {number} of {self._num_declared:.0f} frames')

    def _clock_s(self) -> float:
        if self.is_live:
            return time.monotonic()
        return self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000


def _upright(picture) -> np.ndarray:
    image_HWC = picture.to_ndarray(format='rgb24')
    # degrees counterclockwise that the file asks for
    turns = round(picture.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image_HWC, turns)) if turns else image_HWC


def _forward(time_s: float | None, last_s: float, fps: float) -> float:
    """Return a time after the last one, from the frame rate where the file has none."""
    if time_s is not None and time_s > last_s:
        return time_s
    return last_s + (1 / fps if fps > 0 else MIN_STEP_S)
