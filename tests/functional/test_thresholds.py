"""Expected numbers: scikit-learn 1.9, scipy 1.17, confusion_counts, or by hand."""

import math

import numpy as np
import pytest
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn import metrics as sk

from ocec.functional.classification import confusion_counts, f1_score
from ocec.functional.thresholds import (
    best_f1_threshold,
    choose_thresholds,
    equal_error_rate,
    precision_recall_points,
    roc_points,
    sweep_thresholds,
    threshold_at_false_alarm_rate,
    threshold_at_precision,
)


def make_scores(seed, num_images=200, num_levels=None):
    """Scores that know something of the labels; few levels mean many ties."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, num_images)
    prob = 1 / (1 + np.exp(-rng.normal(label - 0.5, 1.0)))
    if num_levels:
        prob = np.round(prob * num_levels) / num_levels
    return prob.astype(np.float32), label


def search(prob, label, is_allowed):
    """Most open eyes found by any of the thresholds allowed, 0 if none, by a loop."""
    found = [
        counts.tp
        for t in [0.0, *np.unique(prob)]
        if is_allowed(counts := confusion_counts(prob, label, threshold=t))
    ]
    return max(found, default=0)


@pytest.mark.parametrize('dtype', [np.float16, np.float32, np.float64])
@pytest.mark.parametrize('num_levels', [None, 10, 2, 1])
@pytest.mark.parametrize('seed', [0, 1])
def test_counts_are_those_of_the_decision_at_each_threshold(seed, num_levels, dtype):
    prob, label = make_scores(seed, num_levels=num_levels)
    prob = prob.astype(dtype)
    sweep = sweep_thresholds(prob, label)
    assert len(sweep.threshold_T) == len(np.unique(prob)) + 1
    for threshold, *counts in zip(*sweep, strict=True):
        expected = confusion_counts(prob, label, threshold=float(threshold))
        assert tuple(counts) == expected


@pytest.mark.parametrize('dtype', [np.float16, np.float32, np.float64])
@pytest.mark.parametrize('start', [0.0, 0.1, 0.5, 1.0])
def test_neighbours_of_the_floating_point_grid_are_told_apart(dtype, start):
    # halfway between two floats lies none: rounded down it would move a decision
    low = np.array(start, dtype)
    away = np.array(0.5 if start == 1 else 2, dtype)
    prob = np.sort([low, second := np.nextafter(low, away), np.nextafter(second, away)])
    assert prob.dtype == dtype
    sweep = sweep_thresholds(prob, np.array([0, 1, 1]))
    for threshold, tp, fp in zip(*sweep[:3], strict=True):
        counts = confusion_counts(prob, np.array([0, 1, 1]), threshold=float(threshold))
        assert (counts.tp, counts.fp) == (tp, fp)
    assert sweep.tp_T.tolist() == [2, 2, 1, 0]


def test_thresholds_lie_midway():
    sweep = sweep_thresholds(np.array([0.75, 0.25, 0.25, 1.0]), np.array([1, 0, 1, 1]))
    assert sweep.threshold_T.tolist() == [0.0, 0.5, 0.875, math.inf]
    assert sweep.tp_T.tolist() == [3, 2, 1, 0]
    assert sweep.fp_T.tolist() == [1, 0, 0, 0]
    assert sweep.fn_T.tolist() == [0, 1, 2, 3]
    assert sweep.tn_T.tolist() == [0, 1, 1, 1]
    np.testing.assert_allclose(sweep.precision, [3 / 4, 1, 1, np.nan])
    np.testing.assert_allclose(sweep.recall, [1, 2 / 3, 1 / 3, 0])
    np.testing.assert_allclose(sweep.false_alarm_rate, [1, 0, 0, 0])
    np.testing.assert_allclose(sweep.f1, [6 / 7, 4 / 5, 2 / 4, 0])


def test_whole_numbers_are_scores_too():
    sweep = sweep_thresholds(np.array([0, 1, 1]), np.array([0, 1, 0]))
    assert sweep.threshold_T.tolist() == [0.0, 0.5, math.inf]


@pytest.mark.parametrize('num_levels', [None, 10, 2, 1])
def test_curves_match_scikit_learn(num_levels):
    prob, label = make_scores(2, num_levels=num_levels)
    sweep = sweep_thresholds(prob, label)
    false_alarm_rate, recall, _ = sk.roc_curve(label, prob, drop_intermediate=False)
    np.testing.assert_allclose(roc_points(sweep), (false_alarm_rate, recall))
    precision, recall, _ = sk.precision_recall_curve(label, prob)
    expected = (recall[::-1], precision[::-1])
    np.testing.assert_allclose(precision_recall_points(sweep), expected)


@pytest.mark.parametrize('num_levels', [None, 20, 3])
@pytest.mark.parametrize('seed', [0, 1, 2])
def test_best_f1_is_that_of_a_loop_over_all_scores(seed, num_levels):
    prob, label = make_scores(seed, num_levels=num_levels)
    threshold = best_f1_threshold(sweep_thresholds(prob, label))
    found = f1_score(confusion_counts(prob, label, threshold=threshold))
    assert found == max(sk.f1_score(label, prob >= t) for t in np.unique(prob))


def test_equals_go_to_the_threshold_with_fewer_false_alarms():
    # F1 is 2/3 for all three open decisions (tp 2, fp 2) and for the first (tp 1)
    prob, label = np.array([0.9, 0.6, 0.5, 0.2]), np.array([1, 0, 0, 1])
    sweep = sweep_thresholds(prob, label)
    assert sweep.f1[0] == sweep.f1[3] == 2 / 3
    assert best_f1_threshold(sweep) == 0.75


def test_no_false_alarm_is_made_for_nothing():
    # at 0.45 a false alarm more, and no open eye more, than at 0.75
    prob, label = np.array([0.9, 0.6, 0.3]), np.array([1, 0, 0])
    sweep = sweep_thresholds(prob, label)
    assert threshold_at_precision(sweep, 0.3) == 0.75
    assert threshold_at_false_alarm_rate(sweep, 0.5) == 0.75


@pytest.mark.parametrize('target', [0.3, 0.6, 0.9, 1.0])
@pytest.mark.parametrize('num_levels', [None, 20, 3])
@pytest.mark.parametrize('seed', [0, 1, 2])
def test_most_open_eyes_are_found_at_the_precision(seed, num_levels, target):
    prob, label = make_scores(seed, num_levels=num_levels)
    best = search(prob, label, lambda c: c.tp + c.fp and c.tp / (c.tp + c.fp) >= target)
    threshold = threshold_at_precision(sweep_thresholds(prob, label), target)
    if best == 0:
        assert threshold is None
    else:
        counts = confusion_counts(prob, label, threshold=threshold)
        assert counts.tp == best
        assert counts.tp / (counts.tp + counts.fp) >= target


@pytest.mark.parametrize('target', [0.0, 0.01, 0.3, 0.99])
@pytest.mark.parametrize('num_levels', [None, 20, 3])
@pytest.mark.parametrize('seed', [0, 1, 2])
def test_most_open_eyes_are_found_at_the_false_alarm_rate(seed, num_levels, target):
    prob, label = make_scores(seed, num_levels=num_levels)
    best = search(prob, label, lambda c: c.fp / (c.fp + c.tn) <= target)
    threshold = threshold_at_false_alarm_rate(sweep_thresholds(prob, label), target)
    if best == 0:
        assert threshold is None
    else:
        counts = confusion_counts(prob, label, threshold=threshold)
        assert counts.tp == best
        assert counts.fp / (counts.fp + counts.tn) <= target


def test_the_precision_need_not_rise_with_the_threshold():
    # from the top: wrong, then eight right: 8/9 at 0.2 and never again above
    prob = np.r_[0.9, np.linspace(0.2, 0.8, 8), 0.1]
    label = np.r_[0, np.ones(8, int), 0]
    threshold = threshold_at_precision(sweep_thresholds(prob, label), 0.88)
    assert threshold == pytest.approx(0.15)


def test_a_rate_that_is_just_met_counts():
    # 99 of 100 open decisions are right
    prob, label = np.r_[np.full(100, 0.9), 0.1], np.r_[np.ones(99, int), 0, 0]
    assert threshold_at_precision(sweep_thresholds(prob, label), 0.99) == 0.5
    # one of 100 closed eyes is called open
    prob, label = np.r_[np.full(2, 0.9), np.full(99, 0.1)], np.r_[1, np.zeros(100, int)]
    assert threshold_at_false_alarm_rate(sweep_thresholds(prob, label), 0.01) == 0.5


def test_targets_that_cannot_be_reached():
    # the surest image of all is closed
    prob, label = np.array([0.9, 0.8, 0.1]), np.array([0, 1, 0])
    assert choose_thresholds(prob, label) == {
        'best_f1': pytest.approx(0.45),
        'precision': None,
        'false_alarm': None,
    }


@pytest.mark.parametrize('num_levels', [None, 20, 3])
@pytest.mark.parametrize('seed', [0, 1, 2])
def test_equal_error_rate_matches_scipy(seed, num_levels):
    prob, label = make_scores(seed, num_levels=num_levels)
    false_alarm_rate, recall, _ = sk.roc_curve(label, prob, drop_intermediate=False)
    curve = interp1d(false_alarm_rate, recall)
    # at a vertical step brentq finds the x of the step, which is right as well
    expected = brentq(lambda x: 1 - x - curve(x), 0, 1, xtol=1e-14)
    found = equal_error_rate(sweep_thresholds(prob, label))
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ('prob', 'expected'),
    [
        ([0.1, 0.2, 0.8, 0.9], 0.0),
        ([0.9, 0.8, 0.2, 0.1], 1.0),
        ([0.5, 0.5, 0.5, 0.5], 0.5),
        ([0.1, 0.8, 0.2, 0.9], 0.5),
    ],
)
def test_equal_error_rate_by_hand(prob, expected):
    sweep = sweep_thresholds(np.array(prob), np.array([0, 0, 1, 1]))
    assert equal_error_rate(sweep) == pytest.approx(expected)


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize(
    ('prob', 'label'),
    [
        ([], []),
        ([0.7], [1]),
        ([0.2, 0.9], [0, 0]),
        ([0.2, 0.9], [1, 1]),
        ([0.2, math.nan, 0.7], [0, 1, 1]),
    ],
)
def test_no_choice_without_both_classes_and_finite_scores(prob, label):
    prob, label = np.array(prob), np.array(label)
    nothing = {'best_f1': None, 'precision': None, 'false_alarm': None}
    assert choose_thresholds(prob, label) == nothing
    sweep = sweep_thresholds(prob, label)
    assert math.isnan(best_f1_threshold(sweep))
    assert math.isnan(equal_error_rate(sweep))


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('label', [0, 1])
def test_curves_of_one_class_are_nan_where_undefined(label):
    sweep = sweep_thresholds(np.array([0.2, 0.9]), np.full(2, label))
    false_alarm_rate, recall = roc_points(sweep)
    assert np.isnan(false_alarm_rate).all() == (label == 1)
    assert np.isnan(recall).all() == (label == 0)
    _, precision = precision_recall_points(sweep)
    assert precision.tolist() == [1.0, label, label]


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('value', [0.0, 0.4, 1.0])
def test_constant_scores_are_all_open(value):
    chosen = choose_thresholds(np.full(4, value), np.array([0, 1, 1, 0]))
    assert chosen == {'best_f1': 0.0, 'precision': None, 'false_alarm': None}


def test_order_of_images_does_not_matter():
    prob, label = make_scores(7, num_levels=9)
    order = np.random.default_rng(0).permutation(len(prob))
    sweep, shuffled = (
        sweep_thresholds(prob[i], label[i]) for i in (slice(None), order)
    )
    for values, others in zip(sweep, shuffled, strict=True):
        np.testing.assert_array_equal(values, others)


@pytest.mark.filterwarnings('error')
def test_a_million_images():
    prob, label = make_scores(8, num_images=10**6)
    sweep = sweep_thresholds(prob, label)
    # normal scores one standard deviation apart cross at half of it
    assert equal_error_rate(sweep) == pytest.approx(
        (1 - math.erf(0.5 / math.sqrt(2))) / 2, abs=3e-3
    )
    chosen = choose_thresholds(prob, label)
    counts = confusion_counts(prob, label, threshold=chosen['false_alarm'])
    assert 0.0099 < counts.fp / (counts.fp + counts.tn) <= 0.01


@pytest.mark.parametrize('target', [0.0, 1.1])
def test_a_precision_out_of_range_is_refused(target):
    sweep = sweep_thresholds(np.array([0.1, 0.9]), np.array([0, 1]))
    with pytest.raises(
        ValueError, match=rf'precision must be in \(0, 1\], got {target}'
    ):
        threshold_at_precision(sweep, target)


@pytest.mark.parametrize('target', [-0.1, 1.0])
def test_a_false_alarm_rate_out_of_range_is_refused(target):
    sweep = sweep_thresholds(np.array([0.1, 0.9]), np.array([0, 1]))
    with pytest.raises(ValueError, match=rf'rate must be in \[0, 1\), got {target}'):
        threshold_at_false_alarm_rate(sweep, target)


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match=r'must both be \(N,\), got \(2,\) and \(3,\)'):
        sweep_thresholds(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match=r'in \[0, 1\], got -2; are these logits'):
        choose_thresholds(np.array([0.0, -2.0]), np.array([0, 1]))
