import math

import pytest

from ocec.apis.infer_video_eyes import EyeWatch
from ocec.functional.blink import CLOSED, OPEN, UNKNOWN, BlinkRule


def watch_rows(rows, **settings):
    """Rows of (left, right), a tenth of a second apart; None: not seen."""
    chosen = {'smoothing': 'none', 'smoothing_s': 0.1, 'window_s': 60.0} | settings
    watch = EyeWatch(BlinkRule(), **chosen)
    states, over = [], []
    for number, pair in enumerate(rows):
        eyes = zip(('left', 'right'), pair, strict=True)
        probs = {eye: prob for eye, prob in eyes if prob is not None}
        found, closures = watch.update(number / 10, probs)
        states.append(found)
        over += closures
    over += watch.finish()
    listed = [(eye, c.kind, round(c.start_s, 3), round(c.end_s, 3)) for eye, c in over]
    return watch, states, listed


OPEN2, SHUT2 = (0.9, 0.9), (0.1, 0.1)


def test_a_blink_of_both_eyes_is_one_of_each_series():
    watch, states, over = watch_rows([OPEN2, OPEN2, SHUT2, SHUT2, OPEN2, OPEN2])
    expected = [(eye, 'blink', 0.2, 0.4) for eye in ('left', 'right', 'both')]
    assert over == expected
    assert [state['both'].state for state in states] == [1, 1, 0, 0, 1, 1]
    assert watch.series['both'].totals.blinks == 1
    # 0.2 of 0.5 s known
    assert watch.series['both'].window_values(0.5)[1] == pytest.approx(0.4)


def test_a_wink_is_none_of_both():
    rows = [OPEN2, OPEN2, (0.05, 0.95), (0.05, 0.95), OPEN2, OPEN2]
    _, states, over = watch_rows(rows)
    assert over == [('left', 'blink', 0.2, 0.4)]
    assert states[2]['both'].smoothed == pytest.approx(0.5)
    assert states[2]['left'].state == CLOSED


def test_an_eye_alone_stands_for_both():
    rows = [OPEN2, (None, 0.9), (None, 0.1), (None, 0.1), (None, 0.9), OPEN2, OPEN2]
    _, states, over = watch_rows(rows)
    assert over == [('right', 'blink', 0.2, 0.4), ('both', 'blink', 0.2, 0.4)]
    assert states[2]['left'].state == UNKNOWN
    assert math.isnan(states[2]['left'].smoothed)


def test_no_eye_is_unknown():
    _, states, over = watch_rows([OPEN2, (None, None), OPEN2])
    assert states[1]['both'].state == UNKNOWN
    assert states[2]['both'].state == OPEN
    assert over == []


def test_each_eye_is_smoothed_by_itself():
    rows = [OPEN2, OPEN2, (0.0, 0.9), OPEN2, OPEN2]
    _, states, over = watch_rows(rows, smoothing='median', smoothing_s=0.3)
    assert over == []
    assert all(state['left'].smoothed == 0.9 for state in states)


@pytest.mark.parametrize('method', ['median', 'exponential'])
def test_smoothing_does_not_make_blinks_late(method):
    rows = [OPEN2] * 20 + [SHUT2] * 6 + [OPEN2] * 20
    # half of three frames, or of as long a past
    settings = {'median': 0.3, 'exponential': 0.12}
    _, states, over = watch_rows(rows, smoothing=method, smoothing_s=settings[method])
    assert [state['both'].state for state in states[19:22]] == [1, 1, 0]
    [times] = [row[2:] for row in over if row[0] == 'both']
    assert times == pytest.approx((2.0, 2.6), abs=0.1)


def test_losing_an_eye_does_not_turn_time_back():
    # the left one has a long past in its window, the right one is new
    rows = [(0.9, None)] * 5 + [OPEN2, (0.9, None), SHUT2, (0.1, None), OPEN2, OPEN2]
    watch, _, over = watch_rows(rows, smoothing_s=0.5, smoothing='median')
    assert watch.series['both'].totals.known_s > 0.5
    assert all(end >= start for *_, start, end in over)


def test_a_wrong_smoothing_is_named():
    with pytest.raises(ValueError, match="smoothing must be one of .* got 'mean'"):
        watch_rows([], smoothing='mean')
