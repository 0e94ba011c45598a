import math

import numpy as np
import pytest
from sklearn.metrics import f1_score

from ocec.export.parity import (
    Agreement,
    compare,
    find_failures,
    latency_of,
    measure_latencies,
)

LABELS = np.array([1, 0, 1, 0, -1])
TORCH = np.array([0.9, 0.4, 0.45, 0.2, 0.7], np.float32)


def make(max_gap=0.0, flips=0, drop=0.0, num_images=2000):
    f1 = None if drop is None else 0.9 - drop
    return Agreement(num_images, max_gap, max_gap, flips, {}, f1, 0.9)


def test_compare_by_hand():
    other = np.array([0.9, 0.55, 0.45, 0.25, 0.7], np.float32)
    numbers = compare(
        other, TORCH, LABELS, threshold=0.5, others={'low': 0.22, 'high': 0.95}
    )
    assert numbers.num_images == 5
    assert numbers.max_gap == pytest.approx(0.15, abs=1e-6)
    assert numbers.mean_gap == pytest.approx((0.15 + 0.05) / 5, abs=1e-6)
    assert numbers.flips == 1
    assert numbers.flips_at == {'low': 1, 'high': 0}
    known = LABELS[:4]
    assert numbers.f1 == pytest.approx(f1_score(known, other[:4] >= 0.5))
    assert numbers.f1_torch == pytest.approx(f1_score(known, TORCH[:4] >= 0.5))
    assert numbers.f1_drop == pytest.approx(2 / 3 - 1 / 2)
    assert numbers.as_dict()['f1_drop'] == numbers.f1_drop


def test_the_threshold_itself_is_open_in_float32():
    at = np.float32(0.3)
    numbers = compare(
        np.array([at]), np.array([np.nextafter(at, 0)]), LABELS[:1], threshold=0.3
    )
    assert numbers.flips == 1


def test_no_f1_without_both_classes():
    numbers = compare(TORCH[:1], TORCH[:1], LABELS[:1], threshold=0.5)
    assert (numbers.f1, numbers.f1_torch, numbers.f1_drop) == (None, None, 0.0)


@pytest.mark.parametrize(
    ('prob', 'message'),
    [
        (TORCH[:3], 'as many probabilities as labels are needed, at least one; got 3'),
        (TORCH * np.nan, 'a probability is not finite'),
    ],
)
def test_bad_probabilities(prob, message):
    with pytest.raises(ValueError, match=message):
        compare(prob, TORCH, LABELS, threshold=0.5)


@pytest.mark.parametrize(
    ('numbers', 'precision', 'failures'),
    [
        (make(max_gap=1e-4), 'fp32', []),
        (make(max_gap=2e-4), 'fp32', [r'P(open) differs by 0.0002 > 0.0001']),
        (make(flips=1), 'fp32', ['1 decisions differ, allowed: 0']),
        (make(max_gap=0.02, flips=2), 'fp16', []),
        (make(max_gap=0.03), 'fp16', [r'P(open) differs by 0.03 > 0.02']),
        (make(flips=3), 'fp16', ['3 decisions differ, allowed: 2']),
        (make(max_gap=0.5, flips=50, drop=0.002), 'int8', []),
        (make(drop=-0.01), 'int8', []),
        (make(drop=0.004), 'int8', ['F1 falls by 0.0040 > 0.003']),
        (make(drop=None), 'int8', ['int8 is judged by F1, which needs images of both']),
    ],
)
def test_failures(numbers, precision, failures):
    found = find_failures(numbers, precision)
    assert [text[: len(f)] for text, f in zip(found, failures, strict=True)] == failures


def test_max_drop_is_the_users():
    assert find_failures(make(drop=0.004), 'int8', max_drop=0.01) == []


def test_latencies_are_of_each_call():
    counts = {'a': 0, 'b': 0}

    def call(name):
        counts[name] += 1

    latencies = measure_latencies(
        {name: lambda name=name: call(name) for name in counts}, repeats=45
    )
    assert counts == {'a': 65, 'b': 65}  # 20 to warm up
    assert {name: t.repeats for name, t in latencies.items()} == {'a': 45, 'b': 45}


def test_summary_of_durations():
    latency = latency_of(np.arange(1, 102) / 1000)
    assert math.isclose(latency.median_ms, 51)
    assert math.isclose(latency.p99_ms, 100)
