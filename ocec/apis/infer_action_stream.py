"""From the frames of a video, as they come, to the clips of its windows.

Which frames a window needs and how they are cropped is known from its skeletons before
any of them is there: each is cut out and made small as it passes by. Memory does not
grow with the size of frames or the length of a video.

Shapes: R skeletons, K joints, T frames, H x W pixels of a video, h x w of a network.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from ocec.apis.infer_action_poses import ActionPoses, is_anybody
from ocec.apis.infer_action_windows import Window
from ocec.apis.infer_video_read import Frame, VideoError, VideoReader
from ocec.datasets.action_table import NO_GROUP, ActionTable
from ocec.datasets.clip_batch import ClipSample
from ocec.datasets.clip_reader import ClipReader
from ocec.datasets.rgb_source import crop, resize

SHAPE_TOLERANCE = 0.03
"""Frames that were resized to whole, even numbers are not exactly of the same shape."""


class WindowFrames:
    """The frames of one window in the place of a source of videos.

    The first time it is read it only remembers what is wanted. ``add`` takes that out
    of the frames that pass by; the second time it is there.
    """

    #: as of a source of whole frames
    box_N4 = None

    def __init__(self) -> None:
        self._place_of: dict[int, int] | None = None

    def read(
        self,
        row: int,
        wanted: Sequence[int],
        *,
        box: Sequence[float],
        frame_hw: Sequence[int],
        size: tuple[int, int],
    ) -> np.ndarray:
        """Return frames of the window, cropped and resized.

        Args:
            row: not used.
            wanted: T numbers of frames of the window from 0, rising, each once.
            box: x1, y1, x2, y2 in pixels of the skeletons' frame.
            frame_hw: height and width of that frame in pixels.
            size: (h, w) in pixels.

        Returns:
            (T, h, w, 3) uint8 RGB; black as long as they have not passed by.
        """
        if self._place_of is None:
            self._place_of = {int(number): i for i, number in enumerate(wanted)}
            self._box, self._frame_hw, self._size = box, frame_hw, size
            self._frames_ThwC = np.zeros((len(wanted), *size, 3), np.uint8)
        return self._frames_ThwC

    def add(self, number: int, image_HWC: np.ndarray) -> None:
        """Take what is wanted of a frame.

        Args:
            number: of the frame in the window.
            image_HWC: (H, W, 3) uint8 RGB.
        """
        place = self._place_of.get(number)
        if place is not None:
            part_HWC = crop(image_HWC, self._box, self._frame_hw)
            self._frames_ThwC[place] = resize(part_HWC, self._size)


class _OpenWindow:
    """A window whose frames are passing by."""

    def __init__(self, window: Window, poses: ActionPoses, reader: ClipReader) -> None:
        self.window, self._reader = window, reader
        self._table = window_table(poses, window)
        self.frames = WindowFrames()
        self.is_empty = not is_anybody(*self._table.skeletons(0))
        self.sample(self.frames)  # to learn what it needs

    def add(self, frame: Frame) -> None:
        self.frames.add(frame.number - self.window.start, frame.image_HWC)

    def sample(self, frames: WindowFrames | None) -> ClipSample:
        return self._reader.read(self._table, 0, frames, np.random.RandomState(0))


def read_windows(
    windows: Iterable[Window],
    poses: ActionPoses,
    reader: ClipReader,
    frames: Iterator[Frame] | None = None,
) -> Iterator[tuple[Window, ClipSample | None]]:
    """Read the clips of windows as the dataset reads those of a test.

    Args:
        windows: by their start.
        poses: the skeletons.
        reader: with ``test_mode``.
        frames: of the video, from the first on; None for a model without RGB.

    Yields:
        each window and its clips; None in their place where nobody is.

    Raises:
        VideoError: the video ends before the skeletons do.
    """
    if frames is None:
        for window in windows:
            table = window_table(poses, window)
            is_empty = not is_anybody(*table.skeletons(0))
            random = np.random.RandomState(0)
            yield window, None if is_empty else reader.read(table, 0, None, random)
        return
    waiting, opened = deque(windows), deque()
    for frame in frames:
        while waiting and waiting[0].start <= frame.number:
            opened.append(_OpenWindow(waiting.popleft(), poses, reader))
        for one in opened:
            one.add(frame)
        while opened and opened[0].window.stop <= frame.number + 1:
            one = opened.popleft()
            yield one.window, None if one.is_empty else one.sample(one.frames)


def window_table(poses: ActionPoses, window: Window) -> ActionTable:
    """Make a table of one clip out of a window, which the dataset's reader reads.

    Args:
        poses: the skeletons.
        window: some of their frames.

    Returns:
        The table; its clip has the label 0.
    """
    keypoint_PFK2, score_PFK = poses.window(window.start, window.stop)
    num_persons, num_frames, num_joints = score_PFK.shape
    zero = np.zeros(1, np.int64)
    return ActionTable(
        file=Path(poses.name),
        name_N=np.array([poses.name]),
        filename_N=np.array(['']),
        label_N=zero,
        frame_hw_N2=np.array([poses.frame_hw], np.int64),
        num_persons_N=zero + num_persons,
        num_frames_N=zero + num_frames,
        start_N=zero,
        keypoint_RK2=torch.from_numpy(keypoint_PFK2.reshape(-1, num_joints, 2)),
        score_RK=torch.from_numpy(score_PFK.reshape(-1, num_joints)),
        group_N=zero + NO_GROUP,
        group_names=(),
    )


class VideoPass:
    """The frames of a video, checked against its skeletons, and their times.

    Args:
        reader: the open video.
        poses: its skeletons; None where there are none yet.
    """

    def __init__(self, reader: VideoReader, poses: ActionPoses | None) -> None:
        self._reader, self._poses = reader, poses
        self._times_s = array('d')

    def frames(self) -> Iterator[Frame]:
        """Read the frames in turn.

        Yields:
            the frames.

        Raises:
            VideoError: there is none, there are fewer than skeletons, or they have
                another shape.
        """
        for frame in self._reader.frames():
            if not self._times_s and self._poses is not None:
                _check_shape(frame.image_HWC.shape[:2], self._poses)
            self._times_s.append(frame.time_s)
            yield frame
        if not self._times_s:
            raise VideoError('; '.join(['no frame could be read', *self.damage]))
        if self._poses is not None and len(self._times_s) < self._poses.num_frames:
            told = '; '.join(['', *self.damage])
            raise VideoError(
                f'it has {len(self._times_s):,} frames, the poses of '
                f'"{self._poses.name}" have {self._poses.num_frames:,}: they are of '
                f'another video, or it is cut off{told}'
            )

    @property
    def times_s(self) -> array:
        """Seconds of each frame read so far."""
        return self._times_s

    @property
    def damage(self) -> list[str]:
        """What went wrong so far, one line each."""
        return self._reader.damage


def _check_shape(image_hw: Sequence[int], poses: ActionPoses) -> None:
    height, width = poses.frame_hw
    if abs(image_hw[0] * width / (image_hw[1] * height) - 1) > SHAPE_TOLERANCE:
        raise VideoError(
            f'its frames are {image_hw[0]} x {image_hw[1]} pixels, the poses of '
            f'"{poses.name}" are of {height} x {width}, which is another shape: they '
            'are of another video, or of one that was not cropped'
        )
