"""Open or closed: one object for arrays, files, folders, parquet files and cameras.

It reads and resizes pictures as the training does, so that its numbers are those of
``tools/test.py``. Shapes: N pictures, B of a batch, H x W pixels.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np

from ocec.apis.eye_classifier_arrays import check_picture
from ocec.apis.eye_classifier_model import open_network
from ocec.apis.eye_classifier_predictions import Prediction, Predictions
from ocec.apis.eye_classifier_sources import Picture, iterate_pictures, require_source
from ocec.datasets.picture_decode import PictureError
from ocec.functional.probability import CLASS_NAMES


class EyeClassifier:
    """A trained model, as a checkpoint or exported, ready for pictures.

    Args:
        model: an ``.onnx`` file, a checkpoint, or the folder of a run, whose best
            checkpoint is meant.
        config: of a checkpoint, in place of the config that it holds.
        threshold: P(open) from which an eye counts as open, in [0, 1]; by default the
            one that the training chose on its validation split for the best F1.
        batch_size: pictures that go through the network at once, >= 1. A stream gives
            its first answer when it has that many: take 1 for a camera.
        threads: >= 1, of the decoding and of the network; None takes all cores for the
            decoding, one for an ONNX file, and leaves torch as it is set, which has
            one number of threads for the whole process.
        trust_checkpoint: unpickle anything when loading; it could run code as you.

    Raises:
        ConfigError: an argument does not fit the model, or the model is one of
            another task.
        FileNotFoundError: there is no such model.
        ImportError: an ``.onnx`` file needs the extra ``export``.
        ValueError: the model is damaged or not trusted, or an argument out of range.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        config: str | Path | None = None,
        threshold: float | None = None,
        batch_size: int = 256,
        threads: int | None = None,
        trust_checkpoint: bool = False,
    ) -> None:
        for name, value in (('batch_size', batch_size), ('threads', threads)):
            if value is not None and value < 1:
                raise ValueError(f'{name} must be >= 1, got {value}')
        if threshold is not None and not 0 <= threshold <= 1:
            raise ValueError(f'threshold must be in [0, 1], got {threshold}')
        self.model = Path(model)
        self._network, stored = open_network(model, config, threads, trust_checkpoint)
        #: (H, W) of the network in pixels
        self.image_size: tuple[int, int] = self._network.image_size
        #: names of class 0 and 1
        self.class_names: tuple[str, str] = CLASS_NAMES
        #: P(open) from which an eye counts as open, and where it is from
        self.threshold, self.threshold_source = (
            stored if threshold is None else (float(threshold), 'as given')
        )
        self.batch_size = batch_size
        self._num_decoders = threads or len(os.sched_getaffinity(0))

    def predict(
        self, images: object, *, column: str | None = None, allow_outside: bool = False
    ) -> Predictions:
        """Say of pictures whether the eye is open.

        Args:
            images: uint8 arrays, (h, w, 3) RGB, (h, w) grey or (N, h, w, 3); paths of
                picture files, folders, patterns and parquet files; the bytes of a
                picture file; or any iterable of those.
            column: of parquet files, that holds the pictures; by default
                ``image_bytes`` and ``image_path``.
            allow_outside: also read pictures that a parquet names outside its folder.

        Returns:
            Of every picture; of a file that cannot be read, why.

        Raises:
            FileNotFoundError: a single path, or a pattern, is not there.
            TypeError: something else than pictures, as a tensor.
            ValueError: there are no pictures, an array is none, or a parquet file has
                no column with pictures.
        """
        if isinstance(images, (str, os.PathLike)):
            images = require_source(images)
        options = {'column': column, 'allow_outside': allow_outside}
        found = list(self.stream(images, **options))
        if not found:
            raise ValueError('no pictures: an empty list, or a source with nothing')
        return Predictions(
            prob_open_N=np.array([item.prob_open for item in found], np.float32),
            is_open_N=np.array([item.is_open for item in found]),
            names=[item.name for item in found],
            errors=[item.error for item in found],
        )

    def stream(
        self, images: object, *, column: str | None = None, allow_outside: bool = False
    ) -> Iterator[Prediction]:
        """Say it one by one, of sources of any length; memory holds two batches.

        Args:
            images: as in :meth:`predict`; a generator may have no end.
            column: as there.
            allow_outside: as there.

        Yields:
            what is said of each picture, in their order.

        Raises:
            TypeError: as in :meth:`predict`.
            ValueError: an array is no picture, or the network gives no number.
        """
        pictures = iterate_pictures(images, column=column, allow_outside=allow_outside)
        prepared = self._prepare_early(pictures)
        first, waiting = 0, None
        with ThreadPoolExecutor(self._num_decoders) as pool:
            while batch := list(islice(prepared, self.batch_size)):
                # the next files are decoded while the network is at work
                started = batch, self._start_decoding(batch, pool)
                if waiting is not None:
                    yield from self._finish(*waiting, first)
                    first += len(waiting[0])
                waiting = started
                if not started[1]:  # frames of a camera wait for no other frames
                    yield from self._finish(*waiting, first)
                    first, waiting = first + len(batch), None
            if waiting is not None:
                yield from self._finish(*waiting, first)

    def predict_crops(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        """Return P(open) of crops, as of one frame of a video.

        Args:
            crops: N arrays (h, w, 3) uint8 RGB, each of its own size; a frame without
                eyes has none.

        Returns:
            (N,) float32 in [0, 1].

        Raises:
            ValueError: a crop is no picture; the message says which.
        """
        images = [
            self._network.prepare(_checked(crop, i)) for i, crop in enumerate(crops)
        ]
        parts = [
            self._score(images[start : start + self.batch_size])
            for start in range(0, len(images), self.batch_size)
        ]
        return np.concatenate([np.empty(0, np.float32), *parts])

    def _prepare_early(self, pictures: Iterator[Picture]) -> Iterator[Picture]:
        """Resize what is decoded already: 256 frames of a camera would be 1.6 GB."""
        for picture in pictures:
            if picture.is_decoded:
                picture = Picture(self._network.prepare(picture.content))
            yield picture

    def _start_decoding(
        self, batch: Sequence[Picture], pool: ThreadPoolExecutor
    ) -> list[Future]:
        """Hand a batch out to the decoders; nothing, if all of it is there."""
        if all(picture.is_decoded for picture in batch):
            return []
        size = math.ceil(len(batch) / self._num_decoders)
        return [
            pool.submit(self._decode, batch[start : start + size])
            for start in range(0, len(batch), size)
        ]

    def _decode(self, batch: Sequence[Picture]) -> list[np.ndarray | PictureError]:
        images = []
        for picture in batch:
            try:
                image = picture.decode()
            except PictureError as error:
                images.append(error)
                continue
            is_ready = picture.is_decoded
            images.append(image if is_ready else self._network.prepare(image))
        return images

    def _finish(
        self, batch: Sequence[Picture], decoding: Sequence[Future], first: int
    ) -> Iterator[Prediction]:
        """Wait for the pixels of a batch, and score what is readable of it."""
        images = [image for part in decoding for image in part.result()]
        images = images or [picture.content for picture in batch]
        is_bad_B = [isinstance(image, PictureError) for image in images]
        good = [image for image, bad in zip(images, is_bad_B, strict=True) if not bad]
        prob_B = np.full(len(batch), np.nan, np.float32)
        if good:
            prob_B[np.logical_not(is_bad_B)] = self._score(good)
        # in float32, as thresholds are chosen
        is_open_B = prob_B >= self.threshold
        for i, picture in enumerate(batch):
            is_array = not picture.path
            yield Prediction(
                path=picture.path,
                row=first + i if is_array else picture.row,
                prob_open=float(prob_B[i]),
                is_open=bool(is_open_B[i]),
                error=str(images[i]) if is_bad_B[i] else '',
            )

    def _score(self, images: Sequence[np.ndarray]) -> np.ndarray:
        prob_B = self._network.prob_open(np.stack(images))
        if not np.isfinite(prob_B).all():
            raise ValueError(
                f'{self.model}: the network gives NaN for pictures that can be read: '
                'its weights are damaged'
            )
        return prob_B


def _checked(crop: np.ndarray, index: int) -> np.ndarray:
    try:
        return check_picture(np.asarray(crop))
    except ValueError as error:
        raise ValueError(f'crop {index}: {error}') from error
