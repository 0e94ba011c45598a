"""Run an exported file with onnxruntime. Shapes: B images, H x W pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ocec.export.onnx_metadata import INSTALL, ModelCard, card_of, load_proto

DTYPES = ('uint8', 'float32')
LAYOUTS = {'NCHW': '(B, 3, {}, {})', 'NHWC': '(B, {}, {}, 3)'}


class OnnxClassifier:
    """An exported model, ready to run.

    Args:
        path: of the file, as ``tools/export_onnx.py`` wrote it.
        threads: of one call, >= 1.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: onnx or onnxruntime is not installed.
        ValueError: the file is damaged, none of this package, or of another task.
    """

    def __init__(self, path: str | Path, *, threads: int = 1) -> None:
        model = load_proto(path)
        #: the contract of the file
        self.card: ModelCard = card_of(model, path)
        self._session = open_session(model.SerializeToString(), path, threads=threads)
        self._input = self._session.get_inputs()[0]
        #: images of a call where the export fixed it; None: any number
        batch = self._input.shape[0]
        self.batch_size: int | None = batch if isinstance(batch, int) else None

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Return P(open) of each image.

        Args:
            images: for input ``resized`` (B, 3, H, W) RGB, uint8 or float32, in
                [0, 255]; for ``raw`` (B, h, w, 3) RGB of any size.

        Returns:
            (B,) float32 in [0, 1].

        Raises:
            ValueError: another shape or dtype, no images, or a value that is not
                finite.
        """
        return self._run([self.card.output], images)[0]

    def embed(self, images: np.ndarray) -> np.ndarray:
        """Return the embedding of each image.

        Args:
            images: as in :meth:`predict`.

        Returns:
            (B, D) float32.

        Raises:
            ValueError: as in :meth:`predict`, or the file has no such output.
        """
        if not self.card.embedding:
            raise ValueError(
                'the file has no output "embedding": export it with --embedding'
            )
        return self._run(['embedding'], images)[0]

    def _run(self, names: list[str], images: np.ndarray) -> list[np.ndarray]:
        images = self.prepared(images)
        size = self.batch_size or len(images)
        if len(images) % size:
            # the file takes whole batches only: the last one is filled up
            missing = size - len(images) % size
            filled = np.concatenate([images, np.repeat(images[-1:], missing, axis=0)])
        else:
            filled = images
        batches = [
            self._session.run(names, {self._input.name: filled[start : start + size]})
            for start in range(0, len(filled), size)
        ]
        if len(batches) == 1:
            return [column[: len(images)] for column in batches[0]]
        columns = zip(*batches, strict=True)
        return [np.concatenate(column)[: len(images)] for column in columns]

    def prepared(self, images: np.ndarray) -> np.ndarray:
        """Check images and bring them to what the graph takes.

        Args:
            images: as in :meth:`predict`.

        Returns:
            The input of the graph.

        Raises:
            ValueError: as in :meth:`predict`.
        """
        check_images(images, self.card)
        if not self.card.normalized_inside:
            # in float32, as the training does it
            mean, std = np.float32([self.card.mean, self.card.std])[:, :, None, None]
            return (images.astype(np.float32) - mean) / std
        if self.card.dtype == 'uint8' and images.dtype != np.uint8:
            raise ValueError(
                f'images must be uint8 for this file, got {images.dtype}: round them, '
                'or export with --dtype float32'
            )
        return np.ascontiguousarray(images, dtype=self.card.dtype)


def check_images(images: np.ndarray, card: ModelCard) -> None:
    """Refuse images that a file does not take.

    Args:
        images: of a call.
        card: of the file.

    Raises:
        ValueError: another shape or dtype, no images, or a value that is not finite.
    """
    if not isinstance(images, np.ndarray):
        raise ValueError(f'images must be a numpy array, got {type(images).__name__}')
    height, width = ('h', 'w') if card.input == 'raw' else card.image_size
    wanted = LAYOUTS[card.layout].format(height, width)
    axis = 1 if card.layout == 'NCHW' else 3
    if images.ndim != 4 or images.shape[axis] != 3:
        raise ValueError(f'images must have shape {wanted}, got {images.shape}')
    if card.input == 'resized' and images.shape[2:] != card.image_size:
        raise ValueError(
            f'images must have shape {wanted}, got {images.shape}: resize them as the '
            'training did, or export with --input raw'
        )
    if not images.size:
        raise ValueError(f'no images: the shape is {images.shape}')
    if images.dtype.name not in DTYPES:
        raise ValueError(f'images must be {" or ".join(DTYPES)}, got {images.dtype}')
    if images.dtype != np.uint8 and not np.isfinite(images).all():
        raise ValueError('images must be finite, got NaN or infinity')


def open_session(content: bytes, path: str | Path, *, threads: int = 1):
    """Open an onnxruntime session on the CPU.

    Args:
        content: of the ONNX file; loaded from memory, so that no other file is read.
        path: of the file, for messages.
        threads: of one call, >= 1.

    Returns:
        The ``onnxruntime.InferenceSession``.

    Raises:
        ImportError: onnxruntime is not installed.
        ValueError: onnxruntime refuses the model, or ``threads`` is not positive.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(INSTALL) from error
    if threads < 1:
        raise ValueError(f'threads must be >= 1, got {threads}')
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors are raised as well
    # idle threads that spin take the cores of what else runs
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    try:
        return onnxruntime.InferenceSession(
            content, options, providers=['CPUExecutionProvider']
        )
    except Exception as error:  # its errors have no common base but this
        raise ValueError(f'{path}: onnxruntime cannot load it: {error}') from error
