"""How far an exported model is from the trained one, in numbers. Shapes: N images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from time import perf_counter

import numpy as np

from ocec.functional.classification import confusion_counts, f1_score

MAX_GAP = 1e-4
#: ten bits of mantissa: 0.0056 was measured on 2,426 images with the baseline model
MAX_GAP_FP16 = 2e-2
MAX_GAPS = {'fp32': MAX_GAP, 'fp16': MAX_GAP_FP16}
MAX_FLIP_SHARE_FP16 = 1e-3
MAX_DROP = 0.003
WARM_UP = 20


@dataclass(frozen=True)
class Latency:
    """Duration of a call with one image, or one fixed batch, on one thread.

    Args:
        median_ms: milliseconds.
        p99_ms: milliseconds.
        repeats: calls.
    """

    median_ms: float
    p99_ms: float
    repeats: int


@dataclass(frozen=True)
class Agreement:
    """One runtime against torch on the same images.

    Args:
        num_images: N.
        max_gap: largest absolute difference of P(open).
        mean_gap: mean of it.
        flips: decisions at the threshold that differ.
        flips_at: the same at the other stored thresholds, by name.
        f1: of the open class at the threshold; None without labels of both classes.
        f1_torch: the same of torch.
    """

    num_images: int
    max_gap: float
    mean_gap: float
    flips: int
    flips_at: dict[str, int]
    f1: float | None
    f1_torch: float | None

    @property
    def f1_drop(self) -> float:
        """By how much F1 fell; 0 where there is none."""
        return 0.0 if self.f1 is None else self.f1_torch - self.f1

    def as_dict(self) -> dict:
        """Return the numbers for JSON."""
        return {**asdict(self), 'f1_drop': self.f1_drop}


def compare(
    prob_N: np.ndarray,
    torch_prob_N: np.ndarray,
    label_N: np.ndarray,
    *,
    threshold: float,
    others: Mapping[str, float] | None = None,
) -> Agreement:
    """Compare the probabilities of two runtimes.

    Args:
        prob_N: (N,) P(open) of the exported model.
        torch_prob_N: (N,) of the trained one.
        label_N: (N,) 1 open, 0 closed, -1 not known.
        threshold: in [0, 1].
        others: further thresholds by name.

    Returns:
        The numbers.

    Raises:
        ValueError: the lengths differ, there are no images, or a probability is not
            finite.
    """
    if not len(prob_N) == len(torch_prob_N) == len(label_N) or not len(prob_N):
        raise ValueError(
            'as many probabilities as labels are needed, at least one; got '
            f'{len(prob_N)}, {len(torch_prob_N)} and {len(label_N)}'
        )
    if not (np.isfinite(prob_N).all() and np.isfinite(torch_prob_N).all()):
        raise ValueError('a probability is not finite')
    gap_N = np.abs(np.float64(prob_N) - torch_prob_N)
    known_N = label_N >= 0
    has_both = len(np.unique(label_N[known_N])) == 2
    f1, f1_torch = (
        f1_score(confusion_counts(p[known_N], label_N[known_N], threshold=threshold))
        if has_both
        else None
        for p in (prob_N, torch_prob_N)
    )
    return Agreement(
        num_images=len(prob_N),
        max_gap=float(gap_N.max()),
        mean_gap=float(gap_N.mean()),
        flips=_flips(prob_N, torch_prob_N, threshold),
        flips_at={
            name: _flips(prob_N, torch_prob_N, at)
            for name, at in (others or {}).items()
        },
        f1=f1,
        f1_torch=f1_torch,
    )


def find_failures(
    agreement: Agreement, precision: str, *, max_drop: float = MAX_DROP
) -> list[str]:
    """Return what is wrong with an exported model.

    fp32: a gap above 1e-4, or any flip. fp16: a gap above 0.02, or flips of more than
    one image in a thousand. int8: F1 lower by more than ``max_drop``.

    Args:
        agreement: of the model with torch.
        precision: ``fp32``, ``fp16`` or ``int8``.
        max_drop: of F1, in [0, 1].

    Returns:
        Sentences; none where all is well.
    """
    if precision == 'int8':
        if agreement.f1 is None:
            return ['int8 is judged by F1, which needs images of both classes']
        if agreement.f1_drop > max_drop:
            return [f'F1 falls by {agreement.f1_drop:.4f} > {max_drop:g}']
        return []
    is_full = precision == 'fp32'
    max_gap = MAX_GAPS[precision]
    max_flips = 0 if is_full else int(MAX_FLIP_SHARE_FP16 * agreement.num_images)
    failures = []
    if agreement.max_gap > max_gap:
        failures.append(f'P(open) differs by {agreement.max_gap:.2g} > {max_gap:g}')
    if agreement.flips > max_flips:
        failures.append(f'{agreement.flips} decisions differ, allowed: {max_flips}')
    return failures


def measure_latencies(
    calls: Mapping[str, Callable[[], object]], *, repeats: int
) -> dict[str, Latency]:
    """Time calls by turns, so that what else runs on the machine hits all alike.

    Args:
        calls: name to what is called.
        repeats: timed calls of each, >= 1.

    Returns:
        Name to latency.
    """
    for call in calls.values():
        for _ in range(WARM_UP):
            call()
    seconds = {name: np.empty(repeats) for name in calls}
    # a few in a row: caches are as warm as in use
    for start in range(0, repeats, WARM_UP):
        for name, call in calls.items():
            for index in range(start, min(start + WARM_UP, repeats)):
                begin = perf_counter()
                call()
                seconds[name][index] = perf_counter() - begin
    return {name: latency_of(seconds_R) for name, seconds_R in seconds.items()}


def latency_of(seconds_R: np.ndarray) -> Latency:
    """Summarise durations.

    Args:
        seconds_R: (R,) seconds, at least one.

    Returns:
        Median and 99th percentile in milliseconds.
    """
    median, p99 = np.percentile(seconds_R, [50, 99]) * 1e3
    return Latency(float(median), float(p99), len(seconds_R))


def _flips(prob_N: np.ndarray, torch_prob_N: np.ndarray, threshold: float) -> int:
    # in float32, as every decision of the package is made
    at = np.float32(threshold)
    return int(((prob_N >= at) != (torch_prob_N >= at)).sum())
