import math

import numpy as np
import pytest

from ocec.functional.blink import (
    BLINK,
    CUT,
    LONG,
    BlinkRule,
    Closure,
    ClosureTracker,
    Span,
)
from ocec.functional.blink_window import EyeTotals, SlidingWindow


def test_totals_by_hand():
    totals = EyeTotals()
    totals.add(
        [Span(0.0, 20.0, False), Span(20.0, 20.2, True), Span(30.0, 37.8, False)],
        [Closure(20.0, 20.2, BLINK, False)],
    )
    totals.add([Span(37.8, 39.8, True)], [Closure(37.8, 39.8, LONG, False)])
    totals.add([], [Closure(39.9, 40.0, CUT, True)])
    # known: 20 + 0.2 + 7.8 + 2 = 30 s; closed 2.2 s
    assert totals.known_s == pytest.approx(30)
    assert totals.perclos == pytest.approx(2.2 / 30)
    assert totals.long_share == pytest.approx(2 / 30)
    assert totals.rate_per_min == pytest.approx(2)
    assert totals.mean_blink_s == pytest.approx(0.2)
    assert totals.counts == {BLINK: 1, LONG: 1, CUT: 1}


def test_nothing_is_said_where_nothing_is_known():
    totals = EyeTotals()
    numbers = (totals.rate_per_min, totals.perclos, totals.mean_blink_s)
    assert all(math.isnan(number) for number in numbers)
    assert all(math.isnan(number) for number in SlidingWindow().values(5.0))


def test_window_by_hand():
    window = SlidingWindow(10.0)
    window.add([Span(0.0, 4.0, False), Span(4.0, 5.0, True)], [])
    window.add([], [Closure(4.0, 5.0, BLINK, False)])
    rate, perclos = window.values(5.0)
    assert (rate, perclos) == (pytest.approx(12), pytest.approx(0.2))
    window.add([Span(5.0, 14.5, False)], [])
    # the window begins at 4.5: half of the closure is left of it
    rate, perclos = window.values(14.5)
    assert (rate, perclos) == (pytest.approx(6), pytest.approx(0.05))
    window.add([Span(14.5, 15.0, False)], [])
    assert window.values(15.0) == (0.0, 0.0)


def slow_window(spans, closures, now_s, window_s):
    """Count on a fine grid; all times of the test lie on it."""
    grid = np.arange(round((now_s - window_s) * 100), round(now_s * 100))
    known = closed = 0
    for tick in grid + 0.5:
        for span in spans:
            if span.start_s * 100 < tick < span.end_s * 100:
                known += 1
                closed += span.closed
    blinks = sum(
        c.kind == BLINK and now_s - window_s < c.end_s <= now_s for c in closures
    )
    return (60 * blinks / (known / 100), closed / known) if known else (math.nan,) * 2


@pytest.mark.parametrize('seed', range(4))
def test_window_equals_a_fine_grid(seed):
    rng = np.random.default_rng(seed)
    time_N = np.round(np.cumsum(rng.choice([0.02, 0.05, 0.1, 0.4], 150)), 2)
    prob_N = rng.choice([0.1, 0.9, math.nan], 150, p=[0.4, 0.5, 0.1])
    tracker, window = ClosureTracker(BlinkRule(max_blink_s=0.2)), SlidingWindow(3.0)
    spans, closures = [], []
    for time_s, prob in zip(time_N.tolist(), prob_N.tolist(), strict=True):
        settled = tracker.update(time_s, prob)
        window.add(*settled)
        spans += settled[0]
        closures += settled[1]
        expected = slow_window(spans, closures, time_s, 3.0)
        assert window.values(time_s) == pytest.approx(expected, nan_ok=True)
    assert closures


@pytest.mark.parametrize('is_asked', [True, False])
def test_memory_of_the_window_is_bounded(is_asked):
    window = SlidingWindow(1.0)
    for n in range(5000):
        now = n / 10
        closure = Closure(now, now + 0.1, BLINK, False)
        window.add([Span(now, now + 0.1, bool(n % 2))], [closure])
        if is_asked:
            window.values(now + 0.1)
    assert sum(len(v) for v in vars(window).values() if hasattr(v, '__len__')) <= 24


def test_a_window_without_length_is_refused():
    with pytest.raises(ValueError, match='window_s must be > 0, got 0'):
        SlidingWindow(0)
