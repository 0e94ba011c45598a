"""The parity gate: one exported file against the checkpoint, on real images."""

from __future__ import annotations

import contextlib
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
    MAX_GAPS,
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
NUM_TINTED = 16
# shares of R, G and B that are left: no order of the channels looks like another
TINT = (1.0, 0.6, 0.3)


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
    if precision in MAX_GAPS:
        failures += _find_tinted_failures(classifier, source)
    latencies = _measure_latencies(classifier, source, settings)
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


def _find_tinted_failures(classifier: OnnxClassifier, source: ExportSource) -> list:
    """Compare what the images of the gate may not show.

    Grey pictures, as of infrared cameras, do not tell RGB from BGR. The calls have
    another size, too: single images, and for ``raw`` a batch.
    """
    images, card = source.images, classifier.card
    pixels_NCHW = images.pixels_NCHW[images.spread(NUM_TINTED)]
    tinted_NCHW = (pixels_NCHW * np.reshape(TINT, (3, 1, 1))).astype(np.uint8)
    if card.input == 'raw':
        prob_N = classifier.predict(tinted_NCHW.transpose(0, 2, 3, 1))
    else:
        prob_N = np.concatenate([classifier.predict(x[None]) for x in tinted_NCHW])
    gap = np.abs(prob_N - _torch_prob(source, tinted_NCHW)).max()
    limit = MAX_GAPS[card.precision]
    if gap <= limit:
        return []
    return [f'P(open) of tinted images differs by {gap:.2g} > {limit:g}']


def _measure_latencies(
    classifier: OnnxClassifier, source: ExportSource, settings: ExportSettings
) -> dict[str, Latency]:
    """Time the file and the same network in eager torch with one image."""
    # a file of whole batches computes one of them for a single image, too
    count = classifier.batch_size or 1
    pixels_NCHW = np.repeat(source.images.pixels_NCHW[:1], count, axis=0)
    image = next(inputs_of(source.images, settings))[:1]
    inputs = np.repeat(image, count, axis=0)
    calls = {
        'torch': lambda: _torch_prob(source, pixels_NCHW),
        'onnxruntime': lambda: classifier.predict(inputs),
    }
    with _one_thread():
        return measure_latencies(calls, repeats=settings.repeats)


def _torch_prob(source: ExportSource, pixels_NCHW: np.ndarray) -> np.ndarray:
    """Return P(open) as eager torch computes it."""
    model = source.model
    with torch.inference_mode():
        normalised = model.data_preprocessor.normalize(torch.from_numpy(pixels_NCHW))
        return prob_open(model(normalised)).numpy()


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


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
