"""Expected numbers: the paper's equations as slow loops, or by hand."""

import math

import numpy as np
import pytest

from ocec.functional.label_errors import confident_learning


def make_labels(seed, num_images=400, share_wrong=0.05, spread=1.0):
    """Scores that know the true labels rather well, and labels, some of them wrong."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, num_images)
    prob = 1 / (1 + np.exp(-rng.normal(4 * truth - 2, spread)))
    is_wrong = rng.random(num_images) < share_wrong
    return prob, np.where(is_wrong, 1 - truth, truth), is_wrong


def confident_joint(prob, label):
    """Equations 1 and 2 of the paper for any number of classes, image by image."""
    classes = (0, 1)
    p = [(1 - x, x) for x in prob.tolist()]
    threshold = [
        sum(row[c] for row, y in zip(p, label, strict=True) if y == c) / sum(label == c)
        for c in classes
    ]
    counts = [[0, 0], [0, 0]]
    for row, given in zip(p, label, strict=True):
        likely = [c for c in classes if row[c] >= threshold[c]]
        if likely:
            counts[given][max(likely, key=lambda c: row[c])] += 1
    return threshold, [
        [counts[i][j] / sum(counts[i]) * sum(label == i) for j in classes]
        for i in classes
    ]


def prune_by_noise_rate(prob, label, joint):
    """Section 4.2, method 4: for each pair of classes the largest leads."""
    suspects = set()
    for i, j in ((0, 1), (1, 0)):
        members = [n for n in range(len(prob)) if label[n] == i]
        lead = {n: (2 * prob[n] - 1) * (j - i) for n in members}
        members.sort(key=lambda n: -lead[n])
        suspects.update(n for n in members[: round(joint[i][j])] if lead[n] > 0)
    return sorted(suspects)


@pytest.mark.parametrize('spread', [0.5, 1.0, 3.0])
@pytest.mark.parametrize('share_wrong', [0.0, 0.05, 0.3])
@pytest.mark.parametrize('seed', [0, 1, 2])
def test_matches_the_equations_as_loops(seed, share_wrong, spread):
    prob, label, _ = make_labels(seed, share_wrong=share_wrong, spread=spread)
    found = confident_learning(prob, label)
    threshold, joint = confident_joint(prob, label)
    np.testing.assert_allclose(found.threshold_C, threshold)
    np.testing.assert_allclose(found.joint_CC, joint)
    expected = prune_by_noise_rate(prob, label, joint)
    assert found.is_suspect_N.nonzero()[0].tolist() == expected
    own = np.where(label == 1, prob, 1 - prob)
    np.testing.assert_array_equal(found.score_N, own)


def test_by_hand():
    prob = np.array([0.9, 0.8, 0.7, 0.1, 0.2, 0.3, 0.6, 0.9])
    label = np.array([1, 1, 1, 1, 0, 0, 0, 0])
    found = confident_learning(prob, label)
    # open: (0.9 + 0.8 + 0.7 + 0.1) / 4; closed: (0.8 + 0.7 + 0.4 + 0.1) / 4
    assert found.threshold_C == pytest.approx([0.5, 0.625])
    # given open: 0.9, 0.8, 0.7 are open, 0.1 is closed
    # given closed: 0.2, 0.3 are closed, 0.9 is open, 0.6 is neither: 1 of 3, so 4/3
    np.testing.assert_allclose(found.joint_CC, [[8 / 3, 4 / 3], [1, 3]])
    assert found.is_suspect_N.nonzero()[0].tolist() == [3, 7]
    assert found.score_N == pytest.approx([0.9, 0.8, 0.7, 0.1, 0.8, 0.7, 0.4, 0.1])


def test_planted_errors_are_found():
    # the truth is 4 standard deviations from the threshold: it can be known
    prob, label, is_wrong = make_labels(3, num_images=5000, spread=0.5)
    found = confident_learning(prob, label)
    hits = (found.is_suspect_N & is_wrong).sum()
    assert hits > 0.9 * is_wrong.sum()
    assert hits > 0.9 * found.is_suspect_N.sum()
    # of each kind as many as were planted, within a tenth
    truth = np.where(is_wrong, 1 - label, label)
    planted = [[((label == i) & (truth == j)).sum() for j in (0, 1)] for i in (0, 1)]
    np.testing.assert_allclose(found.joint_CC, planted, rtol=0.15)


def test_a_shift_of_all_scores_is_forgiven():
    # a model that says too often open: the thresholds move with it
    label = np.array([0, 0, 0, 1, 1, 1])
    found = confident_learning(np.array([0.5, 0.6, 0.7, 0.9, 0.95, 0.97]), label)
    assert not found.is_suspect_N.any()


@pytest.mark.parametrize(
    'prob', [[0.0, 0.0, 1.0, 1.0], [0.1, 0.2, 0.8, 0.9], [0.4, 0.4, 0.6, 0.6]]
)
def test_right_labels_are_left_alone(prob):
    found = confident_learning(np.array(prob), np.array([0, 0, 1, 1]))
    assert not found.is_suspect_N.any()
    np.testing.assert_array_equal(found.joint_CC, [[2, 0], [0, 2]])


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('value', [0.0, 0.1, 0.5, 0.7, 1.0])
@pytest.mark.parametrize('num_images', [2, 30, 77])
def test_constant_scores_accuse_at_most_one_class(value, num_images):
    # nothing is known: the more probable class is never accused
    label = np.arange(num_images) % 2
    found = confident_learning(np.full(num_images, value), label)
    np.testing.assert_allclose(found.joint_CC.sum(axis=1), np.bincount(label))
    assert not found.is_suspect_N[label == (value > 0.5)].any()
    if value == 0.5:
        np.testing.assert_array_equal(found.joint_CC, np.diag(np.bincount(label)))
        assert not found.is_suspect_N.any()


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize(
    ('prob', 'label'),
    [([], []), ([0.1], [1]), ([0.1, 0.9], [1, 1]), ([0.1, 0.9], [0, 0])],
)
def test_nothing_is_said_of_one_class(prob, label):
    found = confident_learning(np.array(prob), np.array(label))
    assert found.is_suspect_N.tolist() == [False] * len(prob)
    assert found.score_N.tolist() == [
        p if y else 1 - p for p, y in zip(prob, label, strict=True)
    ]
    assert np.isnan(found.threshold_C).all()
    assert np.isnan(found.joint_CC).all()


@pytest.mark.filterwarnings('error')
def test_nan_scores_are_left_out():
    prob, label, _ = make_labels(4)
    expected = confident_learning(prob, label)
    found = confident_learning(np.r_[np.nan, prob, np.nan], np.r_[0, label, 1])
    np.testing.assert_array_equal(found.is_suspect_N[1:-1], expected.is_suspect_N)
    np.testing.assert_array_equal(found.joint_CC, expected.joint_CC)
    assert not found.is_suspect_N[[0, -1]].any()
    assert np.isnan(found.score_N[[0, -1]]).all()


@pytest.mark.filterwarnings('error')
def test_a_class_of_nan_scores_only_is_missing():
    found = confident_learning(np.array([0.2, math.nan]), np.array([0, 1]))
    assert not found.is_suspect_N.any()
    assert np.isnan(found.joint_CC).all()


def test_classes_may_change_places():
    prob, label, _ = make_labels(5)
    expected = confident_learning(prob, label)
    found = confident_learning(1 - prob, 1 - label)
    np.testing.assert_array_equal(found.is_suspect_N, expected.is_suspect_N)
    np.testing.assert_allclose(found.joint_CC, expected.joint_CC[::-1, ::-1])


def test_a_million_images():
    prob, label, is_wrong = make_labels(6, num_images=10**6)
    found = confident_learning(prob, label)
    assert found.is_suspect_N.mean() == pytest.approx(0.05, abs=0.005)
    assert (found.is_suspect_N & is_wrong).sum() > 0.9 * is_wrong.sum()


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match=r'must both be \(N,\), got \(2,\) and \(3,\)'):
        confident_learning(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match=r'in \[0, 1\], got 3; are these logits'):
        confident_learning(np.array([3.0, 0.0]), np.array([1, 0]))
