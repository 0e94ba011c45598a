"""An exported file that tells open eyes from closed ones. Shapes: B images, H x W."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ocec.apis.eye_classifier_arrays import resize_picture
from ocec.datasets.cache import INTERPOLATIONS
from ocec.export.onnx_classifier import OnnxClassifier


class OnnxNetwork:
    """An ONNX file, fed with images as the training had them.

    A file that takes crops of any size gets them resized, too: its own resize then
    has nothing left to do, and the numbers are those of OpenCV.

    Args:
        path: of the file, as ``tools/export_onnx.py`` wrote it.
        threads: of onnxruntime; None takes one.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: the extra ``export`` is not installed.
        ValueError: the file is damaged, none of this package, of another task, or of a
            training with a pipeline of its own.
    """

    def __init__(self, path: str | Path, *, threads: int | None = None) -> None:
        self._classifier = OnnxClassifier(path, threads=threads or 1)
        #: what the file says of itself
        self.card = self._classifier.card
        if self.card.pipeline:
            raise ValueError(
                f'{path}: trained with a pipeline of its own, which the file does not '
                'hold: use the checkpoint, or prepare images as the pipeline does and '
                'give them to ocec.export.onnx_classifier.OnnxClassifier'
            )
        #: (H, W) in pixels
        self.image_size: tuple[int, int] = self.card.image_size
        self._interpolation = INTERPOLATIONS[self.card.interpolation]

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """Bring a picture to the size of the network, as the data set does.

        Args:
            image: (h, w, 3) uint8 RGB.

        Returns:
            (H, W, 3) uint8 RGB.
        """
        return resize_picture(image, self.image_size, self._interpolation)

    def prob_open(self, images_BHWC: np.ndarray) -> np.ndarray:
        """Return P(open) of prepared pictures.

        Args:
            images_BHWC: (B, H, W, 3) uint8 RGB.

        Returns:
            (B,) float32 in [0, 1].
        """
        if self.card.layout == 'NCHW':
            images_BHWC = images_BHWC.transpose(0, 3, 1, 2)
        return self._classifier.predict(images_BHWC)
