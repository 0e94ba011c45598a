"""Expected numbers: scikit-learn 1.9, or a count by hand."""

import math

import numpy as np
import pytest
from sklearn import metrics as sk

from ocec.functional.classification import (
    ConfusionCounts,
    accuracy,
    average_precision,
    confusion_counts,
    f1_score,
    precision,
    recall,
    roc_auc,
)

AREAS = [(roc_auc, sk.roc_auc_score), (average_precision, sk.average_precision_score)]


def make_scores(seed, num_images=200, num_levels=None):
    """Scores that know something of the labels; few levels mean many ties."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, num_images)
    prob = 1 / (1 + np.exp(-rng.normal(label - 0.5, 1.0)))
    if num_levels:
        prob = np.round(prob * num_levels) / num_levels
    return prob.astype(np.float32), label


@pytest.mark.parametrize('threshold', [0.0, 0.3, 0.5, 1.0])
def test_counts_and_ratios_match_scikit_learn(threshold):
    prob, label = make_scores(0)
    counts = confusion_counts(prob, label, threshold=threshold)
    said_open = prob >= np.float32(threshold)
    tn, fp, fn, tp = sk.confusion_matrix(label, said_open, labels=[0, 1]).ravel()
    assert counts == ConfusionCounts(tp=tp, fp=fp, fn=fn, tn=tn)
    scores = {
        precision: sk.precision_score(label, said_open, zero_division=0),
        recall: sk.recall_score(label, said_open, zero_division=0),
        f1_score: sk.f1_score(label, said_open, zero_division=0),
        accuracy: sk.accuracy_score(label, said_open),
    }
    for function, expected in scores.items():
        assert function(counts) == pytest.approx(expected)


def test_counts_by_hand():
    #        tp    fn   fp   tn   tp (the threshold is open)
    prob = [0.9, 0.1, 0.8, 0.2, 0.5]
    counts = confusion_counts(np.array(prob), np.array([1, 1, 0, 0, 1]))
    assert counts == (2, 1, 1, 1)
    assert all(type(count) is int for count in counts)


@pytest.mark.parametrize('function', [precision, recall, f1_score, accuracy])
def test_a_ratio_of_nothing_is_zero(function):
    assert function(ConfusionCounts(0, 0, 0, 0)) == 0.0


@pytest.mark.parametrize(('ours', 'reference'), AREAS)
@pytest.mark.parametrize('num_levels', [None, 10, 2, 1])
@pytest.mark.parametrize('seed', [0, 1, 2])
def test_areas_match_scikit_learn_with_and_without_ties(
    ours, reference, num_levels, seed
):
    prob, label = make_scores(seed, num_levels=num_levels)
    assert ours(prob, label) == pytest.approx(reference(label, prob), abs=1e-12)


def test_auc_is_the_share_of_pairs_in_order():
    prob, label = make_scores(3, num_images=40, num_levels=8)
    wins = [
        1.0 if p > c else 0.5 if p == c else 0.0
        for p in prob[label == 1]
        for c in prob[label == 0]
    ]
    assert roc_auc(prob, label) == pytest.approx(sum(wins) / len(wins))


@pytest.mark.parametrize('function', [roc_auc, average_precision])
def test_areas_do_not_depend_on_the_order_of_images(function):
    prob, label = make_scores(4, num_levels=5)
    order = np.random.default_rng(0).permutation(len(prob))
    expected = function(prob, label)
    assert function(prob[order], label[order]) == pytest.approx(expected, abs=1e-12)
    assert function(prob[::-1], label[::-1]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(('ours', 'reference'), AREAS)
@pytest.mark.parametrize('scale', [0.0, 60.0, 1e30])
def test_areas_of_extreme_and_constant_scores(ours, reference, scale):
    _, label = make_scores(5, num_images=30)
    score = scale * np.where(np.arange(30) % 3 == 0, 1.0, -1.0)
    assert ours(score, label) == pytest.approx(reference(label, score))


@pytest.mark.parametrize('function', [roc_auc, average_precision])
def test_infinite_scores_tie_like_others(function):
    label = np.array([1, 0, 1, 0, 1])
    finite = np.array([9.0, 9.0, 1.0, -9.0, -9.0])
    infinite = np.array([np.inf, np.inf, 1.0, -np.inf, -np.inf])
    assert function(infinite, label) == function(finite, label)


@pytest.mark.parametrize('function', [roc_auc, average_precision])
@pytest.mark.parametrize('dtype', [np.uint8, np.int64, np.float16, bool])
def test_any_order_preserving_scale_will_do(function, dtype):
    score = np.array([0, 1, 1, 0, 1], dtype)
    label = np.array([0, 1, 0, 1, 1])
    assert function(score, label) == function(score.astype(float), label)


def test_perfect_and_inverted_scores():
    label = np.array([0, 0, 1, 1])
    assert roc_auc(np.array([0.1, 0.2, 0.8, 0.9]), label) == 1.0
    assert roc_auc(np.array([0.9, 0.8, 0.2, 0.1]), label) == 0.0
    # inverted, AP: the open ones come 3rd and 4th, (1/3 + 2/4) / 2
    inverted = average_precision(np.array([0.9, 0.8, 0.2, 0.1]), label)
    assert inverted == pytest.approx(5 / 12)


@pytest.mark.parametrize('label', [0, 1])
def test_auc_of_one_class_is_nan(label):
    assert math.isnan(roc_auc(np.array([0.1, 0.9]), np.full(2, label)))


def test_average_precision_of_one_class():
    assert math.isnan(average_precision(np.array([0.1, 0.9]), np.zeros(2)))
    assert average_precision(np.array([0.1, 0.9]), np.ones(2)) == 1.0


@pytest.mark.parametrize('function', [roc_auc, average_precision])
def test_areas_of_no_image_are_nan(function):
    assert math.isnan(function(np.empty(0), np.empty(0)))


@pytest.mark.parametrize('function', [roc_auc, average_precision])
def test_a_nan_score_makes_no_number(function):
    # a model that diverged must not get a finite area that depends on row order
    assert math.isnan(function(np.array([np.nan, 0.5, 0.4]), np.array([1, 0, 1])))


@pytest.mark.parametrize('function', [confusion_counts, roc_auc, average_precision])
def test_both_shapes_are_shown(function):
    with pytest.raises(ValueError, match=r'one shape, got \(2,\) and \(2, 1\)'):
        function(np.zeros(2), np.zeros((2, 1)))
