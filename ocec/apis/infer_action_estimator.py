"""Skeletons that a pose estimator finds in the frames of a video.

No weights of an estimator come with this package. Shapes: P persons, K joints, H x W
pixels.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from ocec.apis.infer_action_poses import ActionPoses
from ocec.apis.infer_video_read import Frame

JOINT_VALUES = 3  # x, y, score
LEVELS = {'tensor(float)': np.float32, 'tensor(uint8)': np.uint8}


class PoseEstimator(Protocol):
    """Finds persons and their joints in a frame."""

    def estimate(self, frame_HWC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the joints.

        Args:
            frame_HWC: (H, W, 3) uint8 RGB.

        Returns:
            (P, K, 2) x and y in pixels of the frame and (P, K) scores >= 0; P may be 0
            and may change from frame to frame.
        """


class OnnxPoseEstimator:
    """An ONNX file that maps a picture to the joints of all persons in it.

    It has one input (1, 3, H, W), RGB: float32 in [0, 1] or uint8 in [0, 255]. Where H
    and W are fixed, the frame is stretched to them, else it is given as it is. The
    first output is (P, K, 3) or (1, P, K, 3): x and y **in pixels of the input**, and a
    score; P may be 0.

    Args:
        path: the user's file.
        num_joints: K that the model of actions expects.
        threads: of onnxruntime, >= 1.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: onnxruntime is not installed.
        ValueError: the file is damaged or has another input.
    """

    def __init__(self, path: str | Path, *, num_joints: int, threads: int = 1) -> None:
        if not Path(path).is_file():
            raise FileNotFoundError(f'{path}: no such pose estimator')
        self.path, self._num_joints = path, num_joints
        self._session = _open_session(path, threads)
        inputs = self._session.get_inputs()
        shape = inputs[0].shape
        is_picture = len(inputs) == 1 and len(shape) == 4 and shape[1] == 3
        if not is_picture or inputs[0].type not in LEVELS:
            shapes = ', '.join(f'{i.name} {i.shape} {i.type}' for i in inputs)
            raise ValueError(
                f'{path}: a pose estimator has one input (1, 3, H, W) of float32 or '
                f'uint8, got {shapes}'
            )
        self._input, self._dtype = inputs[0].name, LEVELS[inputs[0].type]
        sides = [side for side in shape[2:] if isinstance(side, int)]
        self._size = tuple(sides) if len(sides) == 2 else None

    def estimate(self, frame_HWC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the joints.

        Args:
            frame_HWC: (H, W, 3) uint8 RGB.

        Returns:
            (P, K, 2) in pixels of the frame and (P, K); 0 where a number is none.

        Raises:
            ValueError: the output is not that of such an estimator.
        """
        height, width = frame_HWC.shape[:2]
        size = self._size or (height, width)
        if size != (height, width):
            frame_HWC = cv2.resize(frame_HWC, size[::-1])
        pixels_CHW = frame_HWC.transpose(2, 0, 1)[None].astype(self._dtype)
        if self._dtype is np.float32:
            pixels_CHW /= 255
        pixels_CHW = np.ascontiguousarray(pixels_CHW)
        found = self._session.run(None, {self._input: pixels_CHW})[0]
        joints_PK3 = self._check(found).astype(np.float32)
        joints_PK3[~np.isfinite(joints_PK3).all(axis=2)] = 0
        scale = np.array([width / size[1], height / size[0]], np.float32)
        return joints_PK3[..., :2] * scale, joints_PK3[..., 2].clip(min=0)

    def _check(self, found: np.ndarray) -> np.ndarray:
        joints = found[0] if found.ndim == 4 and len(found) == 1 else found
        if joints.ndim != 3 or joints.shape[2] != JOINT_VALUES:
            raise ValueError(
                f'{self.path}: the output must be (P, K, 3) with x, y and score, got '
                f'{found.shape}'
            )
        if joints.shape[1] != self._num_joints:
            raise ValueError(
                f'{self.path}: it finds {joints.shape[1]} joints, the model of actions '
                f'expects {self._num_joints}'
            )
        return joints


class PersonTracker:
    """Gives the persons of a frame the numbers of those nearest before.

    Args:
        max_persons: how many are kept, those with the highest scores.
    """

    def __init__(self, max_persons: int) -> None:
        self._max_persons = max_persons
        self._last: dict[int, np.ndarray] = {}

    def update(self, keypoint_PK2: np.ndarray, score_PK: np.ndarray) -> dict[int, int]:
        """Number the persons of a frame.

        Args:
            keypoint_PK2: (P, K, 2).
            score_PK: (P, K).

        Returns:
            Number in [0, max_persons) -> place in the arrays.
        """
        best = np.argsort(-score_PK.sum(axis=1), kind='stable')[: self._max_persons]
        centre_of = {
            int(place): keypoint_PK2[place][score_PK[place] > 0].mean(axis=0)
            for place in best
            if (score_PK[place] > 0).any()
        }
        pairs = sorted(
            (float(np.linalg.norm(centre - last)), number, place)
            for place, centre in centre_of.items()
            for number, last in self._last.items()
        )
        named: dict[int, int] = {}
        for _, number, place in pairs:
            if number not in named and place not in named.values():
                named[number] = place
        free = (n for n in range(self._max_persons) if n not in named)
        for place in centre_of:
            if place not in named.values():
                named[next(free)] = place
        self._last |= {number: centre_of[place] for number, place in named.items()}
        return named


def estimate_poses(
    frames: Iterable[Frame], estimator: PoseEstimator, *, name: str, max_persons: int
) -> ActionPoses:
    """Find the skeletons of a video.

    Args:
        frames: in turn; none of them is kept.
        estimator: finds them.
        name: of the video, for messages.
        max_persons: P that are kept in a frame.

    Returns:
        The skeletons.

    Raises:
        ValueError: there is no frame.
    """
    tracker, rows = PersonTracker(max_persons), []
    frame_hw, num_frames, num_joints = None, 0, 1
    for frame in frames:
        frame_hw = frame_hw or frame.image_HWC.shape[:2]
        num_frames += 1
        keypoint_PK2, score_PK = estimator.estimate(frame.image_HWC)
        num_joints = score_PK.shape[1]
        for number, place in sorted(tracker.update(keypoint_PK2, score_PK).items()):
            row = (frame.number, number, keypoint_PK2[place], score_PK[place])
            rows.append(row)
    if frame_hw is None:
        raise ValueError(f'{name}: no frame to find poses in')
    frame_R, person_R, keypoint_RK2, score_RK = (
        zip(*rows, strict=True) if rows else ([[]] * 4)
    )
    return ActionPoses(
        name=name,
        num_frames=num_frames,
        frame_hw=tuple(frame_hw),
        frame_R=np.array(frame_R, np.int64),
        person_R=np.array(person_R, np.int64),
        keypoint_RK2=np.array(keypoint_RK2, np.float32).reshape(-1, num_joints, 2),
        score_RK=np.array(score_RK, np.float32).reshape(-1, num_joints),
    )


def _open_session(path: str | Path, threads: int):
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            'a pose estimator needs onnxruntime: pip install "ocec[export]"'
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    providers = ['CPUExecutionProvider']
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    # onnxruntime's own errors share no class below Exception
    except Exception as error:
        raise ValueError(
            f'{path}: onnxruntime cannot read it: {" ".join(str(error).split())[:200]}'
        ) from error
