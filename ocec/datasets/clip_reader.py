"""Reads the clips of one video: which frames, which box, and the frames themselves.

Shapes: M clips of a video, P persons, F frames of the video, T frames of a clip, K
joints, h x w pixels.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from mmengine.logging import print_log

from ocec.datasets.action_selection import BAD_CLIP_POLICIES, check_choice
from ocec.datasets.action_table import ActionTable
from ocec.datasets.clip_batch import ClipSample, take_persons
from ocec.datasets.rgb_source import RgbSource
from ocec.functional.clip_sampling import fixed_clips, sample_clip
from ocec.functional.person_box import person_box


class ClipReader:
    """Reads videos of a table one by one.

    Args:
        num_pose_frames: T_pose, a multiple of T_rgb.
        num_rgb_frames: T_rgb >= 1; every T_pose / T_rgb-th of the pose frames.
        frame_size: (h, w) of the RGB frames in pixels.
        test_mode: the clips are always the same.
        num_clips: M >= 1; 1 in training.
        max_persons: P at most; those with the highest scores stay.
        box: arguments of :func:`ocec.functional.person_box.person_box`.
        bad_clips: what to do with videos that cannot be read: ``error`` or ``skip``.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        *,
        num_pose_frames: int = 48,
        num_rgb_frames: int = 16,
        frame_size: Sequence[int] = (224, 224),
        test_mode: bool = False,
        num_clips: int = 1,
        max_persons: int = 2,
        box: Mapping | None = None,
        bad_clips: str = 'error',
    ) -> None:
        check_choice('bad_clips', bad_clips, BAD_CLIP_POLICIES)
        if min(num_pose_frames, num_rgb_frames) < 1 or num_pose_frames % num_rgb_frames:
            raise ValueError(
                'num_pose_frames must be a multiple of num_rgb_frames, both >= 1, got '
                f'{num_pose_frames} and {num_rgb_frames}'
            )
        if num_clips < 1 or (num_clips > 1 and not test_mode):
            raise ValueError(
                f'num_clips must be 1 in training and >= 1 in tests, got {num_clips}'
            )
        if max_persons < 1:
            raise ValueError(f'max_persons must be >= 1, got {max_persons}')
        if len(frame_size) != 2 or min(frame_size) < 1:
            raise ValueError(f'frame_size must be (h, w), got {tuple(frame_size)}')
        self.num_pose_frames, self.num_rgb_frames = num_pose_frames, num_rgb_frames
        self.frame_size = tuple(frame_size)
        self.test_mode, self.num_clips = test_mode, num_clips
        self.max_persons = max_persons
        self.box = dict(box or {})
        person_box(np.zeros((1, 2)), (1, 1), **self.box)  # a wrong name shows now
        self.bad_clips = bad_clips
        #: numbers of the videos that could not be read so far, in this process
        self.skipped: set[int] = set()

    def read(
        self,
        table: ActionTable,
        row: int,
        rgb: RgbSource | None,
        random: np.random.RandomState,
    ) -> ClipSample | None:
        """Read the clips of a video.

        Args:
            table: the clips of a file.
            row: number of the video in the table.
            rgb: where its frames are; None leaves them out.
            random: generator of training clips.

        Returns:
            The clips; None where the video cannot be read and such are skipped.

        Raises:
            ValueError: the video cannot be read, is too short or has frames of another
                shape; the message names the clip.
        """
        keypoint_PFK2, score_PFK = table.skeletons(row)
        clip_MT = self._clips(keypoint_PFK2.shape[1], random)
        frame_hw = table.frame_hw_N2[row]
        box = self._box(row, keypoint_PFK2, frame_hw, rgb)
        frames = None
        if rgb is not None:
            try:
                frames = self._frames(rgb, row, clip_MT, box, frame_hw)
            except ValueError as error:  # VideoError, or frames of another shape
                self._handle(str(table.name_N[row]), row, error)
                return None
        keypoint, score = take_persons(keypoint_PFK2, score_PFK, self.max_persons)
        return ClipSample(
            row=row,
            keypoint_MPTK2=keypoint[:, clip_MT].swapaxes(0, 1),
            score_MPTK=score[:, clip_MT].swapaxes(0, 1),
            box=box,
            frame_hw=frame_hw,
            frames_MThwC=frames,
        )

    def _clips(self, num_frames: int, random: np.random.RandomState) -> np.ndarray:
        if self.test_mode:
            return fixed_clips(num_frames, self.num_pose_frames, self.num_clips)
        return sample_clip(num_frames, self.num_pose_frames, random)[None]

    def _box(
        self,
        row: int,
        keypoint_PFK2: np.ndarray,
        frame_hw: np.ndarray,
        rgb: RgbSource | None,
    ) -> np.ndarray:
        if rgb is not None and rgb.box_N4 is not None:
            return rgb.box_N4[row]
        return person_box(keypoint_PFK2, frame_hw.tolist(), **self.box)

    def _frames(
        self,
        rgb: RgbSource,
        row: int,
        clip_MT: np.ndarray,
        box: np.ndarray,
        frame_hw: np.ndarray,
    ) -> np.ndarray:
        stride = self.num_pose_frames // self.num_rgb_frames
        # clips share frames, and a short video repeats them: each is decoded once
        wanted, place = np.unique(clip_MT[:, ::stride], return_inverse=True)
        frames_ThwC = rgb.read(
            row,
            wanted,
            box=box.tolist(),
            frame_hw=frame_hw.tolist(),
            size=self.frame_size,
        )
        if len(wanted) == place.size and (np.diff(place.ravel()) > 0).all():
            return frames_ThwC[None]  # in order already: no copy of 2 MB
        return frames_ThwC[place.reshape(len(clip_MT), -1)]

    def _handle(self, name: str, row: int, error: ValueError) -> None:
        if self.bad_clips == 'error':
            raise ValueError(
                f'clip "{name}": {error}. Leave such clips out with '
                "bad_clips='skip', or name them in left_out"
            ) from error
        if row not in self.skipped:  # once, not in every epoch
            self.skipped.add(row)
            print_log(
                f'clip "{name}" is left out, number {len(self.skipped):,} of this '
                f'process: {error}',
                logger='current',
                level=logging.WARNING,
            )
