"""Skeleton files of NTU RGB+D: what the second Kinect found in a video.

Shapes: T frames of the video, F frames in which a body is seen, K = 25 joints.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

NUM_JOINTS = 25
# columns of a joint's line: x y z, depth x y, colour x y, orientation w x y z, state
_COLUMNS = 12
_XYZ, _COLOUR, _STATE = slice(0, 3), slice(5, 7), 11
_INFO = 10  # numbers in the line of a body, its id first
# how C runtimes write what is no number
_NOT_A_NUMBER = (b'nan', b'#ind', b'#inf', b'#qnan', b'inf')


class SkeletonFileError(ValueError):
    """A skeleton file is cut off or damaged."""


@dataclass(frozen=True, eq=False)
class NtuBody:
    """A body that the Kinect followed.

    Args:
        frame_F: (F,) int64, numbers of the frames in which it is seen, rising.
        xyz_FK3: (F, 25, 3) float64, metres from the camera.
        colour_FK2: (F, 25, 2) float64, x and y in pixels of the 1920 x 1080 frames;
            may be no number.
        state_FK: (F, 25) int64: 0 not tracked, 1 inferred, 2 tracked.
    """

    frame_F: np.ndarray
    xyz_FK3: np.ndarray
    colour_FK2: np.ndarray
    state_FK: np.ndarray


@dataclass(frozen=True, eq=False)
class SkeletonFile:
    """What a file holds.

    Args:
        num_frames: T of the video.
        bodies: in the order in which they appear.
    """

    num_frames: int
    bodies: tuple[NtuBody, ...]


def read_skeleton_file(path: Path) -> SkeletonFile:
    """Read a skeleton file.

    Args:
        path: text: the number of frames; for each frame the number of bodies; for each
            body a line of 10 numbers, its id first, the number 25, and 25 lines of 12.

    Returns:
        Its bodies.

    Raises:
        SkeletonFileError: it is cut off, goes on after its end, or holds something
            else; the message names the frame.

    Source:
        Reader of the authors of NTU RGB+D, ``read_skeleton_file.m``:
        https://github.com/shahroudy/NTURGB-D
    """
    reader = _Reader(path.read_bytes().split())
    num_frames = reader.read_count('the number of frames')
    if num_frames < 1:
        raise SkeletonFileError('it declares no frame')
    frames_of: dict[bytes, list[int]] = {}
    starts_of: dict[bytes, list[int]] = {}
    for frame in range(num_frames):
        reader.place = f'frame {frame + 1} of {num_frames}'
        for _ in range(reader.read_count('the number of bodies')):
            # ids have more digits than a float
            name, start = reader.read_body()
            frames = frames_of.setdefault(name, [])
            if frames and frames[-1] == frame:
                raise SkeletonFileError(f'{reader.place}: the same body twice')
            frames.append(frame)
            starts_of.setdefault(name, []).append(start)
    reader.check_end()
    value_V = _numbers(reader.tokens)
    bodies = [_body(value_V, frames_of[name], starts_of[name]) for name in frames_of]
    return SkeletonFile(num_frames, tuple(bodies))


class _Reader:
    """Goes through the words of a file."""

    def __init__(self, tokens: list[bytes]) -> None:
        if not tokens:
            raise SkeletonFileError('it is empty')
        self.tokens = tokens
        self.position = 0
        self.place = 'at the beginning'

    def read_count(self, what: str) -> int:
        self._require(1)
        token = self.tokens[self.position]
        if not token.isdigit() or len(token) > 9:
            raise SkeletonFileError(
                f'{self.place}: {what} must be a whole number, got {_shown(token)}'
            )
        self.position += 1
        return int(token)

    def read_body(self) -> tuple[bytes, int]:
        self._require(_INFO)
        name = self.tokens[self.position]
        self.position += _INFO
        num_joints = self.read_count('the number of joints')
        if num_joints != NUM_JOINTS:
            raise SkeletonFileError(
                f'{self.place}: a body must have {NUM_JOINTS} joints, got {num_joints}'
            )
        self._require(NUM_JOINTS * _COLUMNS)
        start = self.position
        self.position += NUM_JOINTS * _COLUMNS
        return name, start

    def check_end(self) -> None:
        more = len(self.tokens) - self.position
        if more:
            raise SkeletonFileError(f'{more:,} numbers follow after {self.place}')

    def _require(self, count: int) -> None:
        if self.position + count > len(self.tokens):
            raise SkeletonFileError(f'cut off in {self.place}')


def _shown(token: bytes) -> str:
    return repr(token[:20].decode('ascii', 'replace'))


def _numbers(tokens: list[bytes]) -> np.ndarray:
    try:
        return np.array(tokens, np.float64)
    except ValueError:
        return np.array([_number(token) for token in tokens])


def _number(token: bytes) -> float:
    try:
        return float(token)
    except ValueError as error:
        if any(word in token.lower() for word in _NOT_A_NUMBER):
            return np.nan
        raise SkeletonFileError(f'{_shown(token)} is no number') from error


def _body(value_V: np.ndarray, frames: list[int], starts: list[int]) -> NtuBody:
    place_FK = np.array(starts)[:, None] + np.arange(NUM_JOINTS) * _COLUMNS
    value_FKC = value_V[place_FK[..., None] + np.arange(_COLUMNS)]
    xyz_FK3, state_FK = value_FKC[..., _XYZ], value_FKC[..., _STATE]
    if not np.isfinite(xyz_FK3).all():
        frame, joint, _ = np.argwhere(~np.isfinite(xyz_FK3))[0]
        raise SkeletonFileError(
            f'frame {frames[frame] + 1}: x, y or z of joint {joint + 1} is no number'
        )
    if not np.isin(state_FK, (0, 1, 2)).all():
        raise SkeletonFileError(
            'the last number of a joint must be its state 0, 1 or 2, got '
            f'{state_FK[~np.isin(state_FK, (0, 1, 2))][0]:g}'
        )
    return NtuBody(
        frame_F=np.array(frames),
        xyz_FK3=xyz_FK3,
        colour_FK2=value_FKC[..., _COLOUR],
        state_FK=state_FK.astype(np.int64),
    )
