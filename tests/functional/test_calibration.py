"""Expected numbers: scikit-learn 1.9, scipy 1.17, slow loops, or by hand."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit
from sklearn.calibration import calibration_curve

from ocec.functional.calibration import (
    apply_temperature,
    expected_calibration_error,
    fit_temperature,
    log_odds,
    reliability,
)
from ocec.functional.classification import roc_auc


def make_scores(seed, num_images=300, num_levels=None):
    """Scores that know something of the labels; few levels mean many ties."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, num_images)
    prob = expit(rng.normal(2 * label - 1, 1.5))
    if num_levels:
        prob = np.round(prob * num_levels) / num_levels
    return prob.astype(np.float32), label


def cross_entropy(logits, label, temperature):
    margin = np.where(label == 1, logits, -logits) / temperature
    return np.logaddexp(0, -margin).mean()


@pytest.mark.parametrize('num_levels', [None, 10, 1])
@pytest.mark.parametrize('num_bins', [1, 4, 10, 15])
def test_reliability_matches_scikit_learn(num_bins, num_levels):
    # levels of a tenth lie on the edges of ten bins
    prob, label = make_scores(0, num_levels=num_levels)
    prob = prob.astype(np.float64)
    bins = reliability(prob, label, num_bins=num_bins)
    open_share, mean_prob = calibration_curve(label, prob, n_bins=num_bins)
    is_used = bins.count > 0
    np.testing.assert_allclose(bins.open_share[is_used], open_share)
    np.testing.assert_allclose(bins.mean_prob[is_used], mean_prob)
    assert np.isnan(bins.open_share[~is_used]).all()
    assert np.isnan(bins.mean_prob[~is_used]).all()
    assert bins.count.sum() == len(label)
    np.testing.assert_allclose(bins.edges, np.linspace(0, 1, num_bins + 1))


def test_a_bin_holds_its_upper_edge_and_the_first_holds_zero():
    prob = np.array([0.0, 0.5, np.nextafter(0.5, 1), 1.0])
    bins = reliability(prob, np.array([0, 1, 0, 1]), num_bins=2)
    assert bins.count.tolist() == [2, 2]
    assert bins.mean_prob.tolist() == pytest.approx([0.25, 0.75])


@pytest.mark.parametrize('num_levels', [None, 10, 1])
@pytest.mark.parametrize('num_bins', [1, 10, 15])
def test_error_matches_a_slow_loop(num_bins, num_levels):
    prob, label = make_scores(1, num_levels=num_levels)
    prob = prob.astype(np.float64)  # the edges as well
    expected = 0.0
    for k in range(num_bins):
        low, high = k / num_bins, (k + 1) / num_bins
        rows = [
            (p, y)
            for p, y in zip(prob, label, strict=True)
            if low < p <= high or p == k == 0
        ]
        expected += abs(sum(p - y for p, y in rows)) / len(label)
    found = expected_calibration_error(prob, label, num_bins=num_bins)
    assert found == pytest.approx(expected, abs=1e-12)


def test_error_uses_the_labels():
    # the original did not: with all labels turned round it stayed the same
    prob, label = make_scores(2)
    assert expected_calibration_error(prob, label) < 0.1
    assert expected_calibration_error(prob, 1 - label) > 0.3


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize(
    ('prob', 'label', 'expected'),
    [
        ([1.0, 1.0, 0.0], [1, 1, 0], 0.0),
        ([1.0, 1.0, 0.0], [0, 0, 1], 1.0),
        ([0.7], [1], 0.3),
        ([0.25, 0.25], [0, 0], 0.25),
        # a half right of 0.9 and the whole of 0.1: 2/3 * 0.4 + 1/3 * 0.1
        ([0.9, 0.9, 0.1], [1, 0, 0], 0.3),
    ],
)
def test_error_by_hand(prob, label, expected):
    found = expected_calibration_error(np.array(prob), np.array(label))
    assert found == pytest.approx(expected)


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('prob', [[], [0.5, math.nan]])
def test_nothing_to_calibrate(prob):
    prob, label = np.array(prob), np.ones(len(prob))
    assert math.isnan(expected_calibration_error(prob, label))
    bins = reliability(prob, label)
    assert bins.count.tolist() == [0] * 10
    assert np.isnan(bins.open_share).all()


@pytest.mark.parametrize('scale', [0.01, 0.3, 1.0, 5.0, 100.0])
@pytest.mark.parametrize('seed', [0, 1])
def test_temperature_matches_scipy(seed, scale):
    prob, label = make_scores(seed)
    logits = scale * logit(prob.astype(np.float64))
    found = fit_temperature(logits, label)
    best = minimize_scalar(
        lambda log_t: cross_entropy(logits, label, math.exp(log_t)),
        bracket=(math.log(scale) - 1, math.log(scale) + 1),
        tol=1e-10,
    )
    assert found == pytest.approx(math.exp(best.x), rel=1e-5)


@pytest.mark.parametrize('temperature', [0.5, 1.0, 4.0])
def test_temperature_of_scores_made_for_it(temperature):
    rng = np.random.default_rng(3)
    truth = rng.normal(0, 2, 200_000)
    label = rng.random(len(truth)) < expit(truth)
    found = fit_temperature(truth * temperature, label)
    assert found == pytest.approx(temperature, rel=0.02)
    mended = apply_temperature(expit(truth * temperature), found)
    assert expected_calibration_error(mended, label) < 0.01


@pytest.mark.filterwarnings('error')
def test_temperature_of_huge_logits():
    # nine of ten right at one size: P must become 0.9, log-odds log 9
    logits = np.where(np.arange(20) % 2, 1e30, -1e30)
    label = np.arange(20) % 2
    label[:2] = 1 - label[:2]
    assert fit_temperature(logits, label) == pytest.approx(1e30 / math.log(9))


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize(
    ('logits', 'label'),
    [
        ([], []),
        ([2.0], [1]),
        ([2.0, -1.0], [1, 1]),
        ([2.0, -1.0], [0, 0]),
        ([2.0, 1.0, -1.0], [1, 1, 0]),
        ([2.0, 0.0, -1.0], [1, 1, 0]),
        ([-2.0, 1.0], [1, 0]),
        ([0.0, 0.0], [1, 0]),
        ([3.0, 3.0], [1, 0]),
        ([math.nan, 1.0, -1.0], [1, 0, 1]),
        ([math.inf, 1.0, -1.0], [1, 0, 1]),
    ],
)
def test_no_temperature_is_best(logits, label):
    assert math.isnan(fit_temperature(np.array(logits), np.array(label)))


@pytest.mark.parametrize('temperature', [0.1, 1.0, 3.0, 1e6])
def test_scores_match_scipy(temperature):
    prob, label = make_scores(4)
    found = apply_temperature(prob, temperature)
    expected = expit(logit(prob.astype(np.float64)) / temperature)
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    if temperature >= 1:  # a small one drives neighbours to 1, where they tie
        back = apply_temperature(found, 1 / temperature)
        np.testing.assert_allclose(back, prob, rtol=1e-6)
        assert roc_auc(found, label) == pytest.approx(roc_auc(prob, label), abs=1e-6)


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('temperature', [1e-6, 1.0, 1e6])
def test_ends_middle_and_nan_stay(temperature):
    prob = np.array([0.0, 0.5, 1.0, np.nan])
    np.testing.assert_array_equal(apply_temperature(prob, temperature), prob)


@pytest.mark.filterwarnings('error')
def test_log_odds_are_those_of_the_sigmoid():
    logits = torch.linspace(-16, 5, 50)
    found = log_odds(logits.sigmoid().numpy())
    np.testing.assert_allclose(found, logits.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.filterwarnings('error')
def test_log_odds_of_the_ends():
    limit = 25 * math.log(2)
    found = log_odds(np.array([0.0, 1e-30, 1.0, np.nan], np.float32))
    np.testing.assert_allclose(found, [-limit, -limit, limit, np.nan])
    # the largest float32 below 1 is told from 1
    assert log_odds(np.nextafter(np.ones(1, np.float32), np.float32(0))) < limit


@pytest.mark.filterwarnings('error')
def test_a_million_images():
    rng = np.random.default_rng(5)
    prob = rng.random(10**6).astype(np.float32)
    label = rng.random(10**6) < prob
    assert expected_calibration_error(prob, label) < 0.003
    assert fit_temperature(log_odds(prob), label) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize('function', [reliability, expected_calibration_error])
def test_wrong_input_is_refused(function):
    with pytest.raises(ValueError, match=r'must both be \(N,\), got \(2,\) and \(3,\)'):
        function(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match='num_bins must be >= 1, got 0'):
        function(np.zeros(2), np.zeros(2), num_bins=0)
    with pytest.raises(ValueError, match=r'in \[0, 1\], got 3; are these logits'):
        function(np.array([3.0]), np.array([1]))


def test_logits_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r'logits .* \(N,\), got \(2, 1\) and \(2,\)'):
        fit_temperature(np.zeros((2, 1)), np.zeros(2))


@pytest.mark.parametrize('temperature', [0.0, -1.0, math.nan, math.inf])
def test_a_temperature_must_be_positive(temperature):
    with pytest.raises(ValueError, match=f'must be positive, got {temperature}'):
        apply_temperature(np.array([0.5]), temperature)


@pytest.mark.parametrize('function', [log_odds, lambda p: apply_temperature(p, 1.0)])
def test_logits_are_no_probabilities(function):
    with pytest.raises(ValueError, match=r'in \[0, 1\], got 3; are these logits'):
        function(np.array([3.0]))
