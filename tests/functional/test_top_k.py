"""Expected numbers: scikit-learn 1.9."""

import math

import numpy as np
import pytest
from sklearn import metrics as sk

from ocec.functional.top_k import label_rank, mean_class_accuracy, top_k_accuracy


def make_scores(num_samples=200, num_classes=7, seed=0):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, num_classes, num_samples)
    score = rng.random((num_samples, num_classes)).astype(np.float32)
    score[np.arange(num_samples), label] += 0.3
    return score, label


@pytest.mark.parametrize('k', [1, 2, 5])
def test_top_k_matches_scikit_learn(k):
    score, label = make_scores()
    found = top_k_accuracy(label_rank(score, label), k)
    assert found == pytest.approx(
        sk.top_k_accuracy_score(label, score, k=k, labels=range(7))
    )


def test_mean_class_accuracy_matches_scikit_learn():
    score, label = make_scores()
    label[label == 3] = 2  # a class without samples
    found = mean_class_accuracy(label_rank(score, label), label)
    with pytest.warns(UserWarning, match='y_pred contains classes not in y_true'):
        expected = sk.balanced_accuracy_score(label, score.argmax(1))
    assert found == pytest.approx(expected)


def test_ties_go_as_argmax_goes():
    score = np.array([[0.5, 0.5, 0.0]] * 3)
    label = np.arange(3)
    rank = label_rank(score, label)
    assert rank.tolist() == [0, 1, 2]
    assert ((rank == 0) == (score.argmax(1) == label)).all()


def test_a_score_that_is_nan_is_never_right():
    score = np.array([[np.nan, 0.1], [0.2, np.nan], [np.nan, np.nan]])
    rank = label_rank(score, np.array([0, 0, 1]))
    assert top_k_accuracy(rank, 2) == 0


def test_no_samples_no_number():
    rank = label_rank(np.empty((0, 4)), np.empty(0, int))
    assert math.isnan(top_k_accuracy(rank, 1))
    assert math.isnan(mean_class_accuracy(rank, np.empty(0, int)))


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r'got \(3, 4\) and \(2,\)'):
        label_rank(np.zeros((3, 4)), np.zeros(2, int))
    with pytest.raises(ValueError, match=r'got \(3,\) and \(3,\)'):
        label_rank(np.zeros(3), np.zeros(3, int))


@pytest.mark.parametrize(('labels', 'told'), [([0, 4], '0 to 4'), ([-1, 1], '-1 to 1')])
def test_labels_that_are_no_classes(labels, told):
    with pytest.raises(ValueError, match=rf'labels must be in \[0, 4\), got {told}'):
        label_rank(np.zeros((2, 4)), np.array(labels))


def test_k_below_one():
    with pytest.raises(ValueError, match='k must be >= 1, got 0'):
        top_k_accuracy(np.zeros(3), 0)
