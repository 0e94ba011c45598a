import math

import numpy as np
import pytest

from ocec.functional.blink_smoothing import (
    ExponentialSmoother,
    MedianSmoother,
    NoSmoother,
    build_smoother,
    check_track,
    smooth,
)

NAN = math.nan


def random_track(seed, num_frames=200):
    """Irregular times, some of them equal, and scores with gaps."""
    rng = np.random.default_rng(seed)
    time_N = np.cumsum(rng.choice([0.0, 0.01, 0.033, 0.05, 0.4], num_frames))
    prob_N = rng.random(num_frames)
    prob_N[rng.random(num_frames) < 0.2] = NAN
    return time_N, prob_N


def slow_median(time_N, prob_N, window_s):
    smoothed = []
    for n, now in enumerate(time_N):
        window = [
            prob_N[m]
            for m in range(n + 1)
            if not np.isnan(prob_N[m]) and now - time_N[m] < window_s - 1e-9
        ]
        smoothed.append(NAN if np.isnan(prob_N[n]) else np.median(window))
    return smoothed


def slow_average(time_N, prob_N, time_constant_s):
    """Weights of all frames written out: a product of what each later step leaves."""
    known = [n for n in range(len(time_N)) if not np.isnan(prob_N[n])]
    smoothed = np.full(len(time_N), NAN)
    for place, n in enumerate(known):
        weights = []
        for m in range(place + 1):
            own = 1.0
            if m > 0:
                step = time_N[known[m]] - time_N[known[m - 1]]
                own = 1 - np.exp(-step / time_constant_s)
            left = np.exp(-(time_N[n] - time_N[known[m]]) / time_constant_s)
            weights.append(own * left)
        assert np.isclose(sum(weights), 1)
        values = prob_N[known[: place + 1]]
        smoothed[n] = np.dot(weights, values)
    return smoothed


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize('window_s', [0.02, 0.1, 1.0])
def test_smoothers_equal_a_slow_loop(seed, window_s):
    time_N, prob_N = random_track(seed)
    median_N = smooth(time_N, prob_N, method='median', window_s=window_s)
    np.testing.assert_allclose(median_N, slow_median(time_N, prob_N, window_s))
    average_N = smooth(time_N, prob_N, method='exponential', window_s=window_s)
    np.testing.assert_allclose(average_N, slow_average(time_N, prob_N, window_s))
    same_N = smooth(time_N, prob_N, method='none')
    np.testing.assert_array_equal(same_N, prob_N)


def test_one_wrong_frame_of_three_leaves_no_trace_in_the_median():
    time_N = np.arange(9) / 30  # a window of 0.1 s holds three frames
    prob_N = np.array([0.9, 0.9, 0.9, 0.0, 0.9, 0.9, 0.9, 1.0, 0.9])
    np.testing.assert_allclose(smooth(time_N, prob_N), 0.9)


def test_a_window_of_exactly_three_steps_holds_three_frames_at_any_time():
    # 1/30 is no binary fraction: the difference of times is 0.1 give or take an ulp
    for begin in range(200):
        smoother = MedianSmoother(0.1)
        values = [
            smoother.update((begin + n) / 30, prob)
            for n, prob in enumerate((0.0, 1.0, 1.0, 0.0))
        ]
        assert values == [0.0, 0.5, 1.0, 1.0]


def test_the_average_reaches_63_percent_after_its_time_constant():
    smoother = ExponentialSmoother(0.2)
    assert smoother.update(1.0, 0.0) == 0.0
    assert smoother.update(1.2, 1.0) == pytest.approx(1 - 1 / math.e)
    # after a minute nothing of the past is left
    assert smoother.update(61.2, 0.3) == pytest.approx(0.3)


def test_smoothed_scores_say_what_time_they_stand_for():
    median, average = MedianSmoother(0.1), ExponentialSmoother(0.2)
    plain, stands = NoSmoother(), []
    for n in range(40):
        for smoother in (median, average, plain):
            smoother.update(n / 30, 0.5)
        stands.append(median.stands_for_s)
    # three frames: the one in the middle
    assert stands[-1] == pytest.approx(38 / 30)
    assert stands[:2] == pytest.approx([0.0, 0.5 / 30])
    assert plain.stands_for_s == 39 / 30
    # the mean age of weights that fall by q from frame to frame is q / (1 - q) frames
    q = math.exp(-1 / 6)
    expected = 39 / 30 - q / (1 - q) / 30
    assert average.stands_for_s == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize('seed', range(3))
@pytest.mark.parametrize('method', ['median', 'exponential', 'none'])
def test_that_time_never_goes_back(seed, method):
    smoother, last_s = build_smoother(method, 0.3), -1.0
    for time_s, prob in zip(*random_track(seed), strict=True):
        smoother.update(float(time_s), float(prob))
        if not math.isnan(prob):
            assert last_s - 1e-9 <= smoother.stands_for_s <= time_s + 1e-9
            last_s = smoother.stands_for_s


@pytest.mark.parametrize('method', ['median', 'exponential', 'none'])
def test_memory_of_a_smoother_does_not_grow(method):
    smoother = build_smoother(method, 0.5)
    for n in range(2000):
        smoother.update(n / 100, 0.5)
    held = sum(len(v) for v in vars(smoother).values() if hasattr(v, '__len__'))
    assert held <= 50


def test_names_give_their_smoothers():
    assert isinstance(build_smoother('median'), MedianSmoother)
    assert isinstance(build_smoother('exponential'), ExponentialSmoother)
    assert isinstance(build_smoother('none'), NoSmoother)


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda: build_smoother('mean'), r"one of \('median', .*'none'\), got 'mean'"),
        (lambda: MedianSmoother(0.0), 'window_s must be > 0, got 0.0'),
        (lambda: ExponentialSmoother(NAN), 'time_constant_s must be > 0, got nan'),
        (
            lambda: check_track(np.zeros(2), np.zeros(3)),
            r'must be \(N,\), got \(2,\) and \(3,\)',
        ),
        (
            lambda: check_track(np.array([0.0, 2.0, 1.5]), np.zeros(3)),
            'never go back, got 1.5 after 2.0 at frame 2',
        ),
        (lambda: check_track(np.array([0.0, NAN]), np.zeros(2)), 'must be finite'),
        (
            lambda: check_track(np.zeros(2), np.array([NAN, 1.5])),
            r'in \[0, 1\], got 1.5 to 1.5',
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
