import math
from dataclasses import astuple

import numpy as np
import pytest

from ocec.functional.blink import (
    CLOSED,
    OPEN,
    UNKNOWN,
    BlinkRule,
    ClosureTracker,
    find_closures,
)

NAN = math.nan


def find(prob, step_s=0.1, **rule):
    """Closures as (start, end, kind, cut) and closed seconds, at a fixed step."""
    time_N = np.arange(len(prob)) * step_s
    closures, spans = find_closures(time_N, np.array(prob, float), BlinkRule(**rule))
    rows = [(round(c.start_s, 6), round(c.end_s, 6), c.kind, c.cut) for c in closures]
    return rows, spans


def test_a_blink_lasts_from_its_first_closed_frame_to_the_first_open_one():
    rows, spans = find([0.9, 0.9, 0.1, 0.1, 0.9, 0.9])
    assert rows == [(0.2, 0.4, 'blink', False)]
    assert [tuple(np.round(astuple(span), 6)) for span in spans] == [
        (0.0, 0.1, False),
        (0.1, 0.2, False),
        (0.2, 0.3, True),
        (0.3, 0.4, True),
        (0.4, 0.5, False),
    ]


def test_between_the_thresholds_nothing_changes():
    assert find([0.9, 0.5, 0.45, 0.5, 0.9])[0] == []
    rows = find([0.9, 0.3, 0.5, 0.55, 0.5, 0.6, 0.9])[0]
    assert rows == [(0.1, 0.5, 'blink', False)]
    # exactly the lower threshold is not below it, exactly the upper one opens
    assert find([0.9, 0.4, 0.9])[0] == []
    assert find([0.9, 0.1, 0.6, 0.5])[0] == [(0.1, 0.2, 'blink', False)]


def test_a_closure_of_half_a_second_is_long():
    assert find([0.9, *[0.1] * 5, 0.9, 0.9])[0] == [(0.1, 0.6, 'long', False)]
    assert find([0.9, *[0.1] * 4, 0.9, 0.9])[0] == [(0.1, 0.5, 'blink', False)]


def test_short_runs_are_dropped():
    # 20 ms frames: two closed ones are too short, three are 0.06 s
    assert find([0.9, 0.1, 0.1, 0.9, 0.9], step_s=0.02)[0] == []
    rows = find([0.9, 0.1, 0.1, 0.1, 0.9, 0.9, 0.9, 0.9], step_s=0.02)[0]
    assert rows == [(0.02, 0.08, 'blink', False)]
    # an opening of two frames does not end the closure
    closed = [0.1] * 4
    rows = find([0.9, *closed, 0.9, 0.9, *closed, *[0.9] * 4], step_s=0.02)[0]
    assert rows == [(0.02, 0.22, 'blink', False)]


def test_what_is_not_seen_whole_is_cut():
    assert find([0.1, 0.1, 0.9, 0.9])[0] == [(0.0, 0.2, 'cut', True)]
    assert find([0.9, 0.1, 0.1])[0] == [(0.1, 0.2, 'cut', True)]
    # long enough to be long whatever was missed
    assert find([0.1] * 6 + [0.9, 0.9])[0] == [(0.0, 0.6, 'long', True)]
    assert find([0.9, *[0.1] * 6])[0] == [(0.1, 0.6, 'long', True)]
    # an opening in the last frame has not lasted
    assert find([0.9, 0.1, 0.1, 0.9])[0] == [(0.1, 0.3, 'cut', True)]


def test_a_short_gap_is_bridged_and_a_long_one_is_not():
    # the eye is lost while it is shut, as detectors do
    rows, spans = find([0.9, 0.1, NAN, 0.1, 0.9, 0.9])
    assert rows == [(0.1, 0.4, 'blink', False)]
    assert sum(s.end_s - s.start_s for s in spans) == pytest.approx(0.5)
    rows, spans = find([0.9, 0.1, 0.1, NAN, NAN, 0.1, 0.1, 0.9, 0.9])
    assert rows == [(0.1, 0.2, 'cut', True), (0.5, 0.7, 'cut', True)]
    known = [(round(s.start_s, 6), round(s.end_s, 6)) for s in spans]
    assert known == [(0.0, 0.1), (0.1, 0.2), (0.5, 0.6), (0.6, 0.7), (0.7, 0.8)]


def test_nothing_is_known_without_frames():
    assert find([]) == ([], [])
    assert find([NAN, NAN]) == ([], [])
    assert find([0.9]) == ([], [])


def test_the_state_is_that_of_the_last_frame():
    tracker = ClosureTracker(BlinkRule())
    probs = [NAN, 0.9, 0.5, 0.1, 0.5, NAN, 0.5, 0.9]
    states = []
    for n, prob in enumerate(probs):
        tracker.update(n * 0.02, prob)
        states.append(tracker.state)
    expected = [UNKNOWN, OPEN, OPEN, CLOSED, CLOSED, UNKNOWN, CLOSED, OPEN]
    assert states == expected


def slow_closures(time_N, prob_N, rule):
    """The same in whole-array passes: parts, hysteresis, runs, one merge at a time."""
    known = [(t, p) for t, p in zip(time_N, prob_N, strict=True) if not np.isnan(p)]
    parts, found = [], []
    for t, p in known:
        if parts and t - parts[-1][-1][0] <= rule.max_gap_s:
            parts[-1].append((t, p))
        else:
            parts.append([(t, p)])
    for part in parts:
        is_open = part[0][1] >= (rule.close_below + rule.open_from) / 2
        runs = [[part[0][0], is_open]]
        for t, p in part[1:]:
            is_open = p >= (rule.close_below if is_open else rule.open_from)
            if is_open != runs[-1][1]:
                runs.append([t, is_open])
        end = part[-1][0]
        found += _merge(runs, end, rule)
    return found


def _merge(runs, end, rule):
    """Drop short runs from the front; the first of a part is there to stay."""
    kept = [runs[0]]
    bounds = [run[0] for run in runs[1:]] + [end]
    for (start, is_open), stop in zip(runs[1:], bounds[1:], strict=True):
        if is_open == kept[-1][1]:
            continue  # the run before it was dropped
        needed = rule.min_open_s if is_open else rule.min_closed_s
        if stop - start >= needed - 1e-9:
            kept.append([start, is_open])
    stops = [run[0] for run in kept[1:]] + [end]
    rows = []
    for n, ((start, is_open), stop) in enumerate(zip(kept, stops, strict=True)):
        if is_open:
            continue
        cut = n == 0 or n == len(kept) - 1
        kind = 'cut' if cut else 'blink'
        kind = 'long' if stop - start >= rule.max_blink_s - 1e-9 else kind
        rows.append((start, stop, kind, cut))
    return rows


@pytest.mark.parametrize('seed', range(20))
def test_tracker_equals_passes_over_the_whole_recording(seed):
    rng = np.random.default_rng(seed)
    num_frames = 400
    steps = rng.choice([0.0, 0.01, 0.02, 0.033, 0.1, 0.3], num_frames)
    time_N = np.cumsum(steps)
    # slow enough to have runs of all lengths
    prob_N = np.clip(np.sin(np.cumsum(rng.normal(0, 0.7, num_frames))) + 0.5, 0, 1)
    prob_N[rng.random(num_frames) < 0.1] = NAN
    rule = BlinkRule(min_open_s=0.08)
    closures, spans = find_closures(time_N, prob_N, rule)
    assert [astuple(c) for c in closures] == slow_closures(time_N, prob_N, rule)
    assert len(closures) > 5
    # closed time is the time of the closures; spans never overlap
    closed_s = sum(s.end_s - s.start_s for s in spans if s.closed)
    assert closed_s == pytest.approx(sum(c.duration_s for c in closures))
    ends = [(a.end_s, b.start_s) for a, b in zip(spans, spans[1:], strict=False)]
    assert all(end <= start for end, start in ends)


def test_thresholds_lie_around_that_of_the_classifier():
    rule = BlinkRule.around(0.9, max_blink_s=1.0)
    # 0.9 - 20 % of the way to 0, 0.9 + 20 % of the way to 1
    assert rule.close_below == pytest.approx(0.72)
    assert rule.open_from == pytest.approx(0.92)
    assert rule.max_blink_s == 1.0


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda: BlinkRule(close_below=0.7), 'close_below <= open_from <= 1, got 0.7'),
        (lambda: BlinkRule(close_below=0.0), '0 < close_below .* got 0.0 and 0.6'),
        (lambda: BlinkRule(min_open_s=-1), 'min_open_s must be >= 0, got -1'),
        (lambda: BlinkRule(max_gap_s=NAN), 'max_gap_s must be >= 0, got nan'),
        (
            lambda: BlinkRule(max_blink_s=0.05),
            r'max_blink_s must be > min_closed_s \(0.05\), got 0.05',
        ),
        (lambda: BlinkRule.around(1.0), r'threshold must be in \(0, 1\), got 1.0'),
        (lambda: find_closures(np.zeros(2), np.zeros(3)), r'\(N,\), got \(2,\)'),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
