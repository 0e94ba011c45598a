import numpy as np
import pytest

from ocec.synthesis.blink_plan import (
    EYES,
    LONG_S,
    PlannedClosure,
    Squint,
    aperture_at,
    plan_closures,
)
from ocec.synthesis.eyes import OPEN_APERTURE


@pytest.mark.parametrize('seed', range(5))
def test_events_are_apart_and_inside(seed):
    closures, squints = plan_closures(60.0, np.random.default_rng(seed))
    events = sorted((e.start_s, e.end_s) for e in [*closures, *squints])
    assert events[0][0] > 0.5
    assert events[-1][1] <= 59.5
    pauses = [b[0] - a[1] for a, b in zip(events, events[1:], strict=False)]
    assert min(pauses) >= 1.0
    # more than ten events fit into a minute, and ten have all kinds
    assert {c.kind for c in closures} == {'blink', 'long'}
    assert {len(c.eyes) for c in closures} == {1, 2}
    assert squints


def test_a_closure_is_long_from_half_a_second_on():
    assert PlannedClosure(1.0, 1.0 + LONG_S).kind == 'long'
    assert PlannedClosure(1.0, 1.49).kind == 'blink'


@pytest.mark.parametrize('seed', range(3))
def test_eyes_are_below_the_limit_exactly_within_their_closures(seed):
    closures, squints = plan_closures(30.0, np.random.default_rng(seed))
    for time_s in np.arange(0, 30, 0.007):
        for eye in EYES:
            aperture = aperture_at(time_s, eye, closures, squints)
            within = any(
                c.start_s < time_s < c.end_s and eye in c.eyes for c in closures
            )
            assert (aperture < OPEN_APERTURE) == within
            assert 0 <= aperture <= 1


def test_lids_move_without_jumps_and_shut():
    closure = PlannedClosure(1.0, 1.3)
    times = np.arange(0.5, 2.0, 0.001)
    found = [aperture_at(time, 'left', [closure], []) for time in times]
    # the faster way is that of closing: all of it in a tenth of a second
    assert np.abs(np.diff(found)).max() <= 0.0101
    assert min(found) == 0
    assert found[0] > 0.85


def test_a_squint_narrows_both_eyes():
    squint = Squint(1.0, 2.0)
    for eye in EYES:
        assert aperture_at(1.5, eye, [], [squint]) == 0.5
        assert aperture_at(3.0, eye, [], [squint]) > 0.85
