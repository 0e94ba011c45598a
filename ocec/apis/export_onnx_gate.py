"""The parity gate: one exported file against the checkpoint, on real images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch

from ocec.apis.export_onnx_images import ExportImages
from ocec.apis.export_onnx_settings import ExportSettings
from ocec.apis.export_onnx_source import NAMED_THRESHOLDS, ExportSource
from ocec.export.onnx_classifier import OnnxClassifier
from ocec.export.opencv_dnn import OpenCVRun, run_opencv
from ocec.export.parity import (
    Agreement,
    Latency,
    compare,
    find_failures,
    latency_of,
    measure_latencies,
)
from ocec.functional.probability import prob_open

BATCH_SIZE = 256
NOT_CHECKED = 'not checked'


@dataclass(frozen=True)
class Judged:
    """What the gate says of a file.

    Args:
        path: name that the file gets if it passes.
        precision: of it.
        num_bytes: its size.
        verdict: ``passed``, ``failed`` or ``not checked``.
        failures: sentences; none where it passed.
        agreements: runtime (``onnxruntime``, ``opencv``) to its numbers.
        latencies: runtime to latency; ``torch`` is the same net in eager mode.
        opencv: version of OpenCV and, where it cannot run the file, the reason.
        metrics: for the metadata.
    """

    path: Path
    precision: str
    num_bytes: int
    verdict: str
    failures: list[str] = field(default_factory=list)
    agreements: dict[str, Agreement] = field(default_factory=dict)
    latencies: dict[str, Latency] = field(default_factory=dict)
    opencv: dict[str, str | None] | None = None
    metrics: dict | None = None

    def as_dict(self) -> dict:
        """Return the numbers for JSON."""
        return {
            'file': self.path.name,
            'precision': self.precision,
            'bytes': self.num_bytes,
            'verdict': self.verdict,
            'failures': self.failures,
            'agreement': {name: a.as_dict() for name, a in self.agreements.items()},
            'latency': {name: asdict(t) for name, t in self.latencies.items()},
            'opencv': self.opencv,
        }


def judge(
    file: Path, source: ExportSource, settings: ExportSettings, path: Path
) -> Judged:
    """Compare a file with the checkpoint.

    Args:
        file: as written.
        source: the checkpoint and its images.
        settings: of the export.
        path: name that the file gets if it passes.

    Returns:
        Numbers and verdict.

    Raises:
        ValueError: onnxruntime cannot run the file.
    """
    classifier = OnnxClassifier(file)
    precision = classifier.card.precision
    size = file.stat().st_size
    images = source.images
    if images is None:
        return Judged(path, precision, size, NOT_CHECKED)
    prob_N = np.concatenate(
        [classifier.predict(x) for x in inputs_of(images, settings)]
    )
    agreements = {'onnxruntime': _compare(prob_N, source)}
    failures = find_failures(
        agreements['onnxruntime'], precision, max_drop=settings.max_drop
    )
    latencies = measure_latencies(
        {
            'torch': _torch_call(source),
            'onnxruntime': _onnx_call(classifier, images, settings),
        },
        repeats=settings.repeats,
    )
    opencv = None
    if precision == 'fp32':
        run = _run_opencv(file, classifier, images, settings)
        opencv = {'version': run.version, 'problem': run.problem}
        if run.problem is None:
            agreements['opencv'] = _compare(run.prob_N, source)
            latencies['opencv'] = latency_of(run.seconds_R)
            failures += [
                f'OpenCV {run.version}: {reason}'
                for reason in find_failures(agreements['opencv'], precision)
            ]
    return Judged(
        path,
        precision,
        size,
        verdict='failed' if failures else 'passed',
        failures=failures,
        agreements=agreements,
        latencies=latencies,
        opencv=opencv,
        metrics=_metrics(agreements['onnxruntime'], images),
    )


def inputs_of(images: ExportImages, settings: ExportSettings) -> Iterator[np.ndarray]:
    """Yield the images as the file takes them from its users.

    Args:
        images: of the gate.
        settings: of the export.

    Yields:
        Batches of pixels; single pictures at their own sizes for ``raw``.
    """
    if settings.input == 'raw':
        yield from (picture[None] for picture in images.pictures)
        return
    dtype = settings.core_dtype
    for start in range(0, len(images), BATCH_SIZE):
        yield images.pixels_NCHW[start : start + BATCH_SIZE].astype(dtype)


def _compare(prob_N: np.ndarray, source: ExportSource) -> Agreement:
    stored = source.card.thresholds or {}
    return compare(
        prob_N,
        source.images.torch_prob_N,
        source.images.label_N,
        threshold=source.card.threshold,
        others={name: stored[name] for name in NAMED_THRESHOLDS if name in stored},
    )


def _torch_call(source: ExportSource):
    """Return one image through the network as eager torch runs it."""
    model = source.model
    pixels = torch.from_numpy(source.images.pixels_NCHW[:1])

    def call() -> np.ndarray:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.inference_mode():
                normalised = model.data_preprocessor.normalize(pixels)
                return prob_open(model(normalised)).numpy()
        finally:
            torch.set_num_threads(threads)

    return call


def _onnx_call(classifier: OnnxClassifier, images: ExportImages, settings):
    one = next(inputs_of(images, settings))[:1]
    return lambda: classifier.predict(one)


def _run_opencv(file, classifier, images: ExportImages, settings) -> OpenCVRun:
    """Run single images, as a camera gives them.

    OpenCV 4 fixes the number of images with the first call of some graphs.
    """
    size = classifier.batch_size or 1
    batches = (classifier.prepared(x) for x in inputs_of(images, settings))
    singles = (image[None] for batch in batches for image in batch)
    return run_opencv(
        file,
        [np.repeat(image, size, axis=0) for image in singles],
        output=classifier.card.output,
        repeats=settings.repeats,
    )


def _metrics(agreement: Agreement, images: ExportImages) -> dict:
    return {
        'split': images.split,
        'num_images': agreement.num_images,
        'f1': agreement.f1,
        'max_gap': agreement.max_gap,
        'flips': agreement.flips,
    }
