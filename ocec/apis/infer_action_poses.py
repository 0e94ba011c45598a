"""Skeletons of a video, by frame, wherever they come from.

Shapes: R skeletons (of a person in a frame), P persons, F frames, K joints.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ocec.apis.errors import ConfigError
from ocec.datasets.action_split import shown_names
from ocec.datasets.action_table import ActionTable, read_action_table

RGB_SUFFIX = '_rgb'


@dataclass(frozen=True, eq=False)
class ActionPoses:
    """The skeletons of one video; a person that is not in a frame takes no room.

    Args:
        name: of the clip or the file, for messages.
        num_frames: F >= 1.
        frame_hw: height and width of the frames that coordinates count in, pixels.
        frame_R: (R,) int64 in [0, F), rising.
        person_R: (R,) int64 >= 0, rising within a frame.
        keypoint_RK2: (R, K, 2) float32 x and y; both 0 where a joint is missing.
        score_RK: (R, K) float32; 0 where a joint is missing.
        notes: what the user should know about them, one line each.
    """

    name: str
    num_frames: int
    frame_hw: tuple[int, int]
    frame_R: np.ndarray
    person_R: np.ndarray
    keypoint_RK2: np.ndarray
    score_RK: np.ndarray
    notes: tuple[str, ...] = ()

    def window(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the skeletons of some frames.

        Args:
            start: first frame.
            stop: frame after the last.

        Returns:
            (P, stop - start, K, 2) and (P, stop - start, K): those persons that are in
            these frames, by number; one of zeros if there is nobody.
        """
        rows = slice(*np.searchsorted(self.frame_R, (start, stop)))
        numbers, person_R = np.unique(self.person_R[rows], return_inverse=True)
        num_joints = self.score_RK.shape[1]
        shape = (max(1, len(numbers)), stop - start, num_joints)
        keypoint_PFK2 = np.zeros((*shape, 2), np.float32)
        score_PFK = np.zeros(shape, np.float32)
        place = (person_R, self.frame_R[rows] - start)
        keypoint_PFK2[place] = self.keypoint_RK2[rows]
        score_PFK[place] = self.score_RK[rows]
        return keypoint_PFK2, score_PFK

    def frame(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the skeletons of a frame.

        Args:
            number: of the frame.

        Returns:
            (P,) numbers of the persons, (P, K, 2) and (P, K).
        """
        rows = slice(*np.searchsorted(self.frame_R, (number, number + 1)))
        return self.person_R[rows], self.keypoint_RK2[rows], self.score_RK[rows]


def is_anybody(keypoint_PFK2: np.ndarray, score_PFK: np.ndarray) -> bool:
    """Tell whether any joint was found.

    Args:
        keypoint_PFK2: (P, F, K, 2); both 0 where a joint is missing.
        score_PFK: (P, F, K); 0 where a joint is missing.

    Returns:
        False where all are missing.
    """
    return bool((keypoint_PFK2.any(axis=-1) & (score_PFK > 0)).any())


def poses_of_persons(
    name: str,
    keypoint_PFK2: np.ndarray,
    score_PFK: np.ndarray,
    frame_hw: tuple[int, int],
    *,
    notes: tuple[str, ...] = (),
) -> ActionPoses:
    """Make skeletons by frame of those by person.

    Args:
        name: for messages.
        keypoint_PFK2: (P, F, K, 2).
        score_PFK: (P, F, K).
        frame_hw: height and width of the frames in pixels.
        notes: what the user should know.

    Returns:
        The same, without those that have no joint.
    """
    is_there_FP = keypoint_PFK2.any(axis=(2, 3)).T
    frame_R, person_R = np.nonzero(is_there_FP)
    return ActionPoses(
        name=name,
        num_frames=score_PFK.shape[1],
        frame_hw=frame_hw,
        frame_R=frame_R,
        person_R=person_R,
        keypoint_RK2=keypoint_PFK2[person_R, frame_R].astype(np.float32),
        score_RK=score_PFK[person_R, frame_R].astype(np.float32),
        notes=notes,
    )


def read_pickle_poses(
    path: str | Path, *, num_joints: int, video: str | None, clip: str | None
) -> ActionPoses:
    """Take the skeletons of one clip out of a file in the layout of mmaction2.

    Args:
        path: see :func:`ocec.datasets.action_table.read_action_table`.
        num_joints: K that the model expects.
        video: the video file, whose name is that of the clip, with or without
            ``_rgb``; None if there is none.
        clip: name of the clip; None looks for that of the video.

    Returns:
        The skeletons.

    Raises:
        ConfigError: there is no such clip; the message shows some that there are.
        ValueError: the file or the clip is damaged.
    """
    table = read_action_table(path, num_joints=num_joints)
    if not len(table):
        raise ValueError(f'{path}: it holds no clip')
    row = _find_clip(table, video, clip)
    if row in table.bad_clips:
        raise ValueError(f'{path}: {table.bad_clips[row]}')
    notes = ()
    if row in table.nan_clips:
        notes = ('coordinates or scores that are no numbers count as missing',)
    height, width = table.frame_hw_N2[row].tolist()
    name = str(table.name_N[row])
    return poses_of_persons(name, *table.skeletons(row), (height, width), notes=notes)


def _find_clip(table: ActionTable, video: str | None, clip: str | None) -> int:
    names = table.name_N.tolist()
    if clip is not None:
        wanted = [clip]
    elif video is not None:
        stem = Path(video).stem
        wanted = [stem, stem.removesuffix(RGB_SUFFIX)]
    elif len(names) == 1:
        return 0
    else:
        wanted = []
    for name in wanted:
        if name in names:
            return names.index(name)
    shown = shown_names(names)
    if not wanted:
        raise ConfigError(
            f'{table.file} holds {len(names):,} clips: say which with --clip. They are '
            f'{shown}'
        )
    hint = '' if clip is not None else '; name the clip with --clip'
    raise ConfigError(
        f'{table.file}: no poses of clip "{wanted[-1]}"{hint}. It has {shown}'
    )
