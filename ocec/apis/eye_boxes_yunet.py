"""Eyes of the best face that YuNet finds, through OpenCV."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np

from ocec.apis.eye_boxes import EyeBox

BOX_WIDTH = 0.55
"""Width of an eye's box in distances between the eyes: the opening of an eye is about
half as wide as the eyes are apart, and some skin."""

BOX_HEIGHT = 0.3
"""Height of an eye's box in distances between the eyes; with the width it has the
proportions of crops out of real video (20.9 x 11.4 pixels on average)."""

# a face is x, y, w, h, then right eye, left eye, nose, two corners of the mouth, score
FIRST_EYE, SECOND_EYE, SCORE = slice(4, 6), slice(6, 8), 14


class YuNetDetector:
    """Boxes around the two eye landmarks of the best-scoring face.

    The landmarks are points, so the boxes have fixed proportions and are not as tight
    as those of a detector of eyes.

    Args:
        path: the user's ``face_detection_yunet_*.onnx``.
        min_score: least score of a face, in [0, 1].

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: OpenCV cannot read it as YuNet.
    """

    def __init__(self, path: str | Path, *, min_score: float = 0.6) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f'{path}: no such detector')
        try:
            self._model = cv2.FaceDetectorYN.create(
                str(self.path), '', (320, 320), score_threshold=min_score
            )
        except cv2.error as error:
            raise ValueError(
                f'{path}: OpenCV cannot read it as YuNet: {_cause(error)}'
            ) from error
        self._size = (0, 0)

    def detect(self, frame_HWC: np.ndarray, number: int) -> list[EyeBox]:
        """Find the eyes of the best face.

        Args:
            frame_HWC: (H, W, 3) uint8 RGB.
            number: not used.

        Returns:
            Both eyes, or nothing without a face.

        Raises:
            ValueError: the model is not YuNet.
        """
        size = frame_HWC.shape[1::-1]
        try:
            if size != self._size:
                self._model.setInputSize(size)
                self._size = size
            bgr_HWC = np.ascontiguousarray(frame_HWC[..., ::-1])
            faces = self._model.detect(bgr_HWC)[1]
        except cv2.error as error:
            raise ValueError(
                f'{self.path}: OpenCV cannot run it as YuNet: {_cause(error)}'
            ) from error
        if faces is None or not len(faces):
            return []
        face = max(faces, key=lambda face: face[SCORE])
        return boxes_of_landmarks(face[FIRST_EYE], face[SECOND_EYE], float(face[SCORE]))


def boxes_of_landmarks(
    one: np.ndarray, other: np.ndarray, score: float = 1.0
) -> list[EyeBox]:
    """Put a box around each of two eye landmarks.

    Args:
        one: (2,) x and y of one eye in pixels.
        other: (2,) of the other.
        score: of the face, in [0, 1].

    Returns:
        Two upright boxes, or none if the landmarks coincide.

    Example:
        >>> [box.x1 for box in boxes_of_landmarks((100, 50), (200, 50))]
        [72.5, 172.5]
    """
    distance = math.dist(one, other)
    if distance < 1:
        return []
    half_width, half_height = BOX_WIDTH * distance / 2, BOX_HEIGHT * distance / 2
    return [
        EyeBox(
            float(x) - half_width,
            float(y) - half_height,
            float(x) + half_width,
            float(y) + half_height,
            score,
        )
        for x, y in (one, other)
    ]


def _cause(error: cv2.error) -> str:
    return ' '.join(str(getattr(error, 'err', '') or error).split())[:200]
