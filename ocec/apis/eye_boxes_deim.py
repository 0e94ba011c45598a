"""Eye boxes of a DEIMv2 detector in ONNX, through onnxruntime."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ocec.apis.eye_boxes import EyeBox, best_pair
from ocec.export.onnx_classifier import open_session
from ocec.export.onnx_metadata import load_proto

EYE_CLASS = 17
"""Of the 34 classes of Wholebody34."""

SIDE_PX = 640
"""Of the network's input where the file leaves it open."""

LABEL, BOX, SCORE = 0, slice(1, 5), 5


class DeimDetector:
    """The two best-scoring eyes of a DEIMv2 detector, as the training crops were made.

    The file has one input (1, 3, H, W). If its name ends with ``bgr``, preprocessing is
    inside: BGR pixels in [0, 255], in the size of the frame where the file leaves it
    open. Else RGB in [0, 1], stretched to H x W, 640 x 640 where it is open. The first
    output is (1, Q, 6): label, x1, y1, x2, y2 as shares of the frame, score.

    Args:
        path: the user's file.
        eye_class: label of eyes.
        min_score: least score of an eye, in [0, 1].
        threads: of onnxruntime, >= 1.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: onnx or onnxruntime is not installed.
        ValueError: the file is damaged or has another input.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        eye_class: int = EYE_CLASS,
        min_score: float = 0.35,
        threads: int = 1,
    ) -> None:
        if not Path(path).is_file():
            raise FileNotFoundError(f'{path}: no such detector')
        self.path, self.eye_class, self.min_score = path, eye_class, min_score
        self._session = _open_session(path, threads)
        inputs = self._session.get_inputs()
        shape = inputs[0].shape
        if len(inputs) != 1 or len(shape) != 4 or shape[1] != 3:
            shapes = ', '.join(f'{item.name} {item.shape}' for item in inputs)
            raise ValueError(
                f'{path}: a DEIMv2 detector has one input (1, 3, H, W), got {shapes}'
            )
        self._input = inputs[0].name
        self._bgr = self._input.lower().endswith('bgr')
        fixed = [side if isinstance(side, int) else None for side in shape[2:]]
        self._size = tuple(fixed) if None not in fixed else None

    def detect(self, frame_HWC: np.ndarray, number: int) -> list[EyeBox]:
        """Find the eyes.

        Args:
            frame_HWC: (H, W, 3) uint8 RGB.
            number: not used.

        Returns:
            At most two boxes, the better one first.

        Raises:
            ValueError: the output is not that of such a detector.
        """
        feed = {self._input: self._prepare(frame_HWC)}
        found = self._session.run(None, feed)[0]
        if found.ndim != 3 or found.shape[0] != 1 or found.shape[2] != 6:
            raise ValueError(
                f'{self.path}: the output must be (1, Q, 6) with label, x1, y1, x2, y2 '
                f'and score, got {found.shape}'
            )
        return self._read(found[0], *frame_HWC.shape[1::-1])

    def _prepare(self, frame_HWC: np.ndarray) -> np.ndarray:
        size = self._size or (None if self._bgr else (SIDE_PX, SIDE_PX))
        if size is not None and size != frame_HWC.shape[:2]:
            frame_HWC = cv2.resize(frame_HWC, size[::-1])
        if self._bgr:
            pixels_HWC = frame_HWC[..., ::-1].astype(np.float32)
        else:
            pixels_HWC = frame_HWC.astype(np.float32) / 255
        return np.ascontiguousarray(pixels_HWC.transpose(2, 0, 1)[None])

    def _read(self, found_Q6: np.ndarray, width: int, height: int) -> list[EyeBox]:
        is_eye_Q = found_Q6[:, LABEL] == self.eye_class
        eyes_K6 = found_Q6[is_eye_Q & (found_Q6[:, SCORE] >= self.min_score)]
        if len(eyes_K6) and np.abs(eyes_K6[:, BOX]).max() > 2:
            raise ValueError(
                f'{self.path}: boxes must be shares of the frame, got '
                f'{eyes_K6[0, BOX].tolist()}'
            )
        edges_K4 = eyes_K6[:, BOX] * (width, height, width, height)
        return best_pair(
            [
                EyeBox(*map(float, edges), score=float(score))
                for edges, score in zip(edges_K4, eyes_K6[:, SCORE], strict=True)
            ]
        )


def _open_session(path: str | Path, threads: int):
    # the content and not the path, so that no other file is opened
    content = load_proto(path).SerializeToString()
    return open_session(content, path, threads=threads)
