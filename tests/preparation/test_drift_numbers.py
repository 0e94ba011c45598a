import math

import cv2
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ocec.functional.picture_statistics import measure_pixels
from ocec.preparation.drift_numbers import (
    STATISTICS,
    compare_labels,
    compare_statistics,
    histograms,
    pool_channels,
)

NUM_A, NUM_B = 60, 40


@pytest.fixture
def measured():
    """Values of A and B; only sharpness (up) and width (down) are shifted in B."""
    rng = np.random.default_rng(0)
    value_NK = rng.normal(10, 2, (NUM_A + NUM_B, len(STATISTICS)))
    is_b_N = np.arange(NUM_A + NUM_B) >= NUM_A
    value_NK[is_b_N, STATISTICS.index('sharpness')] += 8
    value_NK[is_b_N, STATISTICS.index('width')] -= 4
    label_N = rng.integers(0, 2, len(is_b_N))
    label_N[::10] = -1
    return value_NK.astype(np.float32), is_b_N, label_N


def test_most_separating_statistic_comes_first(measured):
    first, second, *_ = compare_statistics(*measured)
    assert (first['statistic'], first['larger']) == ('sharpness', 'B')
    assert (second['statistic'], second['larger']) == ('width', 'A')


def test_aucs_are_those_of_sklearn(measured):
    value_NK, is_b_N, label_N = measured
    for found in compare_statistics(*measured):
        value_N = value_NK[:, STATISTICS.index(found['statistic'])]
        is_larger_N = is_b_N if found['larger'] == 'B' else ~is_b_N
        assert found['auc'] == pytest.approx(roc_auc_score(is_larger_N, value_N))
        assert found['auc'] >= 0.5
        for code, name in enumerate(('closed', 'open')):
            rows = label_N == code
            expected = roc_auc_score(is_larger_N[rows], value_N[rows])
            assert found[f'auc_{name}'] == pytest.approx(expected)


def test_spread_is_that_of_numpy(measured):
    value_NK, is_b_N, label_N = measured
    [found] = [f for f in compare_statistics(*measured) if f['statistic'] == 'red']
    value_N = value_NK[:, STATISTICS.index('red')].astype(np.float64)
    for which, rows in (('A', slice(0, NUM_A)), ('B', slice(NUM_A, None))):
        value, label = value_N[rows], label_N[rows]
        assert found[which]['mean'] == pytest.approx(np.mean(value))
        assert found[which]['std'] == pytest.approx(np.std(value))
        assert found[which]['median'] == pytest.approx(np.median(value))
        assert found[which]['q05'] == pytest.approx(np.percentile(value, 5))
        assert found[which]['q95'] == pytest.approx(np.percentile(value, 95))
        assert found[which]['means']['open'] == pytest.approx(value[label == 1].mean())


def test_difference_in_units_of_the_pooled_std():
    value_NK = np.zeros((4, len(STATISTICS)), np.float32)
    value_NK[:, 3] = 0, 2, 5, 9  # A: mean 1, var 1; B: mean 7, var 4
    is_b_N = np.array([False, False, True, True])
    found = {
        f['statistic']: f['difference']
        for f in compare_statistics(value_NK, is_b_N, np.array([0, 1, 0, 1]))
    }
    assert found[STATISTICS[3]] == pytest.approx(6 / math.sqrt(2.5))
    assert found['width'] is None  # constant in both


def test_missing_class_has_no_auc(measured):
    value_NK, is_b_N, _ = measured
    label_N = np.where(is_b_N, 0, 1)
    found = compare_statistics(value_NK, is_b_N, label_N)[0]
    assert (found['auc_closed'], found['auc_open']) == (None, None)
    assert list(found['A']['means']) == ['open']


def test_shares_of_open_eyes():
    is_b_N = np.arange(10) >= 5
    label_N = np.array([1, 1, 1, 0, -1, 1, 0, 0, 0, 0])
    found = compare_labels(is_b_N, label_N)
    assert found['A'] == {
        'pictures': 5,
        'closed': 1,
        'open': 3,
        'unlabelled': 1,
        'open_share': 0.75,
    }
    assert found['B']['open_share'] == 0.2
    # odds 3 to 1 become 1 to 4
    assert found['log_odds_shift'] == pytest.approx(math.log((1 / 4) / 3))


@pytest.mark.parametrize(('code', 'share'), [(-1, None), (0, 0.0), (1, 1.0)])
def test_set_of_one_class_has_no_log_odds(code, share):
    is_b_N = np.array([False, False, True, True])
    found = compare_labels(is_b_N, np.array([0, 1, code, code]))
    assert found['B']['open_share'] == share
    assert found['log_odds_shift'] is None


def test_channels_are_those_of_all_pixels_together():
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (6, 4, 8, 3), np.uint8)
    images[2] //= 4
    sizes = np.zeros((6, 3))
    found = pool_channels(np.concatenate([sizes, measure_pixels(images)], axis=1))
    mean, std = cv2.meanStdDev(images.reshape(-1, 1, 3))
    np.testing.assert_allclose(found['mean'], mean.flatten(), rtol=1e-5)
    np.testing.assert_allclose(found['std'], std.flatten(), rtol=1e-5)


def test_histograms_hold_every_picture(measured):
    value_NK, is_b_N, label_N = measured
    value_NK[0, 0] = 1e6  # an outlier does not squeeze the rest, and is not lost
    found = histograms(value_NK, is_b_N, label_N)
    assert list(found) == list(STATISTICS)
    for histogram in found.values():
        assert sum(histogram['A']['all']) == NUM_A
        assert sum(histogram['B']['all']) == NUM_B
        for code, name in enumerate(('closed', 'open')):
            expected = ((label_N == code) & is_b_N).sum()
            assert sum(histogram['B'][name]) == expected
    assert found['width']['edges'][-1] < 1e6
    assert found['width']['A']['all'][-1] >= 1


def test_histogram_of_one_value():
    value_NK = np.full((4, len(STATISTICS)), 7.0)
    found = histograms(value_NK, np.arange(4) >= 2, np.zeros(4, int))['red']
    assert (found['edges'][0], found['edges'][-1]) == (7, 8)
    assert found['A']['all'][0] == found['B']['all'][0] == 2
