import numpy as np
import pytest
from scipy.stats import entropy

from ocec.stacking import MemberScores, join_members
from ocec.stacking.dynamic_weights import (
    MIN_WEIGHT,
    TEMPERATURES,
    DynamicWeights,
    entropy_bits,
)


def two_members(spreads=(None, None)):
    label = np.array([1, 0, 1, 0])
    probs = np.array([0.99, 0.4, 0.6, 0.5]), np.array([0.5, 0.01, 0.4, 0.6])
    members = [
        MemberScores(name, p, spread_N=s)
        for name, p, s in zip('ab', probs, spreads, strict=True)
    ]
    return join_members(members, label, np.full(4, -1))


def test_weights_equal_a_slow_loop():
    spread = np.array([0.1, 0.2, 0.3, 0.0])
    scores = two_members((spread, spread[::-1].copy()))
    combiner = DynamicWeights(temperature=0.5)
    combiner.fit(scores)
    # a is right in rows 0, 1 and 2 (0.5 counts as 1), b in 0 and 1
    accuracy = 0.75, 0.5
    expected = np.zeros((4, 2))
    for row in range(4):
        for index in range(2):
            p = scores.prob_NM[row, index]
            sure = 1 - entropy([p, 1 - p], base=2)
            certain = 1 - 2 * scores.spread_NM[row, index]
            merit = 0.6 * sure + 0.4 * certain + accuracy[index]
            expected[row, index] = np.exp(merit / 0.5)
    expected /= expected.sum(1, keepdims=True)
    np.testing.assert_allclose(combiner.weights(scores), expected, rtol=1e-12)
    mixed = (expected * scores.prob_NM).sum(1)
    np.testing.assert_allclose(combiner.predict(scores), mixed, rtol=1e-12)


def test_the_sure_member_gets_more_weight():
    scores = two_members()
    combiner = DynamicWeights(accuracy_share=0, temperature=0.1)
    combiner.fit(scores)
    weights = combiner.weights(scores)
    assert weights[0, 0] > 0.9  # 0.99 against 0.5
    assert weights[1, 1] > 0.9  # 0.01 is as sure as 0.99
    assert weights[2].tolist() == pytest.approx([0.5, 0.5])


def test_the_steady_member_gets_more_weight():
    scores = two_members((np.full(4, 0.5), np.zeros(4)))
    combiner = DynamicWeights(0, 1, 0, temperature=0.2)
    combiner.fit(scores)
    assert (combiner.weights(scores)[:, 1] > 0.9).all()


def test_member_without_passes_is_neither_better_nor_worse():
    scores = two_members((np.full(4, 0.2), None))
    combiner = DynamicWeights(0, 1, 0, temperature=0.2)
    combiner.fit(scores)
    np.testing.assert_allclose(combiner.weights(scores), 0.5)


def test_no_weight_vanishes():
    combiner = DynamicWeights(temperature=1e-3)
    combiner.fit(two_members())
    weights = combiner.weights(two_members())
    assert weights.min() == pytest.approx(MIN_WEIGHT / (1 + MIN_WEIGHT))
    np.testing.assert_allclose(weights.sum(1), 1)


def test_temperature_is_the_one_of_least_loss(draw_scores):
    scores = draw_scores()
    combiner = DynamicWeights()
    combiner.fit(scores)
    losses = {}
    for temperature in TEMPERATURES:
        other = DynamicWeights(temperature=temperature)
        other.fit(scores)
        right = np.where(
            scores.label_N == 1, other.predict(scores), 1 - other.predict(scores)
        )
        losses[temperature] = -np.log(right).mean()
    assert combiner.temperature == min(losses, key=losses.get)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'confidence_share': -1}, 'dynamic: confidence_share must be >= 0, got -1'),
        ({'temperature': 0}, 'dynamic: temperature must be > 0, got 0'),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        DynamicWeights(**settings)


def test_state_comes_back(draw_scores):
    scores = draw_scores(spread=True)
    combiner, again = DynamicWeights(), DynamicWeights()
    combiner.fit(scores)
    again.load_state(combiner.state())
    assert again.predict(scores).tolist() == combiner.predict(scores).tolist()


def test_entropy_is_that_of_scipy():
    prob = np.array([0.0, 0.1, 0.5, 0.7, 1.0])
    expected = entropy([prob, 1 - prob], base=2, axis=0)
    np.testing.assert_allclose(entropy_bits(prob), expected, atol=1e-15)
