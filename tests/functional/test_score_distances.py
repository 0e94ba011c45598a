"""Expected numbers: scipy.stats and scipy.spatial 1.17, slow loops, or by hand."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp

from ocec.functional.score_distances import (
    bayes_error,
    hellinger_distance,
    js_divergence,
    ks_distance,
    margin_statistics,
)

DISTANCES = [ks_distance, hellinger_distance, js_divergence, bayes_error]
BINNED = [hellinger_distance, js_divergence, bayes_error]


def make_scores(seed, num_images=300, num_levels=None, shift=1.0):
    """Scores that know something of the labels; few levels mean many ties."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, num_images)
    prob = 1 / (1 + np.exp(-rng.normal(shift * (label - 0.5), 1.0)))
    if num_levels:
        prob = np.round(prob * num_levels) / num_levels
    return prob.astype(np.float32), label


def count_bins(prob, label, num_bins):
    """Share of images per bin and class by a loop; 1 falls into the last bin."""
    shares = np.zeros((2, num_bins))
    for p, y in zip(prob, label, strict=True):
        shares[y, min(int(float(p) * num_bins), num_bins - 1)] += 1
    return shares / shares.sum(axis=1, keepdims=True)


@pytest.mark.parametrize('num_levels', [None, 10, 2, 1])
@pytest.mark.parametrize('seed', [0, 1, 2])
def test_ks_matches_scipy_with_and_without_ties(seed, num_levels):
    prob, label = make_scores(seed, num_levels=num_levels)
    expected = ks_2samp(prob[label == 0], prob[label == 1]).statistic
    assert ks_distance(prob, label) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize('num_bins', [1, 7, 64, 200])
@pytest.mark.parametrize('shift', [0.0, 1.0, 20.0])
def test_binned_distances_match_slow_loops(num_bins, shift):
    # 7 bins would meet their edges in float rounding only: the scores are random
    prob, label = make_scores(3, shift=shift)
    closed, opened = count_bins(prob, label, num_bins)
    overlap = sum(math.sqrt(p * q) for p, q in zip(closed, opened, strict=True))
    hellinger = math.sqrt(max(1 - overlap, 0))
    bayes = sum(min(p, q) for p, q in zip(closed, opened, strict=True)) / 2
    # scipy returns the root of the divergence
    divergence = jensenshannon(closed, opened, base=2) ** 2
    kwargs = {'num_bins': num_bins}
    assert hellinger_distance(prob, label, **kwargs) == pytest.approx(
        hellinger, abs=1e-7
    )
    assert js_divergence(prob, label, **kwargs) == pytest.approx(divergence, abs=1e-12)
    assert bayes_error(prob, label, **kwargs) == pytest.approx(bayes, abs=1e-12)


def test_scores_apart():
    prob, label = np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 0, 1, 1])
    assert [f(prob, label) for f in DISTANCES] == [1.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize('value', [0.0, 0.3, 1.0])
def test_constant_scores(value):
    prob, label = np.full(5, value), np.array([0, 1, 0, 1, 1])
    assert [f(prob, label) for f in DISTANCES] == [0.0, 0.0, 0.0, 0.5]


def test_equal_distributions_of_unequal_size():
    prob = np.array([0.2, 0.6, 0.2, 0.6, 0.2, 0.6])
    label = np.array([0, 0, 1, 1, 1, 1])
    found = [f(prob, label) for f in DISTANCES]
    assert found == pytest.approx([0.0, 0.0, 0.0, 0.5], abs=1e-7)


@pytest.mark.parametrize('function', DISTANCES)
def test_the_wrong_way_round_is_as_far_apart(function):
    prob, label = make_scores(4)
    assert function(prob, 1 - label) == pytest.approx(function(prob, label))


@pytest.mark.parametrize('function', DISTANCES)
def test_order_of_images_does_not_matter(function):
    prob, label = make_scores(5, num_levels=20)
    order = np.random.default_rng(0).permutation(len(prob))
    assert function(prob[order], label[order]) == pytest.approx(function(prob, label))


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('function', DISTANCES)
@pytest.mark.parametrize(
    ('prob', 'label'),
    [
        ([], []),
        ([0.5], [1]),
        ([0.2, 0.9], [0, 0]),
        ([0.2, 0.9], [1, 1]),
        ([0.2, math.nan, 0.7], [0, 1, 1]),
    ],
)
def test_undefined_is_nan_without_a_warning(function, prob, label):
    assert math.isnan(function(np.array(prob), np.array(label)))


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('function', DISTANCES)
def test_a_million_images(function):
    # uniform against the square root of uniform, whose distribution function is x^2:
    # KS is the largest x - x^2, 1/4; the error is (1 - 1/4) / 2 with the densities
    # 1 and 2x; the others by their integrals on a fine grid
    rng = np.random.default_rng(6)
    label = np.arange(10**6) % 2
    prob = rng.random(10**6)
    prob[label == 1] **= 0.5
    x = (np.arange(10**6) + 0.5) / 10**6
    middle = (1 + 2 * x) / 2
    divergence = (-np.log2(middle) + 2 * x * np.log2(2 * x / middle)).mean() / 2
    expected = {
        ks_distance: 0.25,
        hellinger_distance: math.sqrt(1 - np.sqrt(2 * x).mean()),
        js_divergence: divergence,
        bayes_error: 0.375,
    }
    assert function(prob, label) == pytest.approx(expected[function], abs=3e-3)


@pytest.mark.parametrize('function', BINNED)
def test_no_bin_is_refused(function):
    with pytest.raises(ValueError, match='num_bins must be >= 1, got 0'):
        function(np.array([0.1, 0.9]), np.array([0, 1]), num_bins=0)


@pytest.mark.parametrize('function', DISTANCES)
def test_wrong_input_is_refused(function):
    with pytest.raises(ValueError, match=r'must both be \(N,\), got \(2,\) and \(3,\)'):
        function(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match=r'in \[0, 1\], got 3; are these logits'):
        function(np.array([0.0, 3.0]), np.array([0, 1]))


def test_margins_by_hand():
    # distances from 0.5: 0.5 0.4 0.1 0 0.25, sorted 0 0.1 0.25 0.4 0.5
    found = margin_statistics(np.array([0.0, 0.9, 0.6, 0.5, 0.25]))
    assert found.mean == pytest.approx(0.25)
    # squares of -0.25 -0.15 0 0.15 0.25: mean 0.034
    assert found.std == pytest.approx(math.sqrt(0.034))
    assert found.median == pytest.approx(0.25)
    # 5 % of the way over four steps is a fifth of the first, from 0 to 0.1
    assert found.low == pytest.approx(0.02)
    assert found.hard_share == pytest.approx(2 / 5)


def test_margins_follow_the_threshold():
    found = margin_statistics(np.array([0.9, 0.9]), threshold=0.9)
    assert found == (0.0, 0.0, 0.0, 0.0, 1.0)


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('prob', [[], [0.5, math.nan]])
def test_margins_of_nothing_are_nan(prob):
    assert all(math.isnan(value) for value in margin_statistics(np.array(prob)))


def test_a_threshold_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r'threshold must be in \[0, 1\], got 1.5'):
        margin_statistics(np.array([0.5]), threshold=1.5)
