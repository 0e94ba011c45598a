import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ocec.preparation.drift_classifier import deal_folds, tell_apart


def two_sets(num=100, shift=0.0, seed=0):
    rng = np.random.default_rng(seed)
    value_NK = rng.normal(size=(2 * num, 3))
    is_b_N = np.arange(2 * num) >= num
    value_NK[is_b_N, 1] += shift
    return value_NK, is_b_N, rng.integers(0, 2, 2 * num)


LONE = np.full(200, -1)


def test_sets_of_one_kind_are_not_told_apart():
    result = tell_apart(*two_sets(), LONE)
    assert 0.35 < result.auc < 0.65
    assert result.chance is None  # of groups nobody knows


def test_other_domain_is_told_apart():
    result = tell_apart(*two_sets(shift=20), LONE)
    assert result.auc == 1
    assert result.auc_by_class == {'closed': 1, 'open': 1}
    assert result.num_folds == 5


def test_difference_that_is_no_shift_of_the_mean_is_found():
    value_NK, is_b_N, label_N = two_sets()
    value_NK[is_b_N, 0] *= 10  # mean 0 as before
    assert tell_apart(value_NK, is_b_N, label_N, LONE).auc > 0.85


def test_auc_is_the_mean_of_the_folds():
    value_NK, is_b_N, label_N = two_sets(shift=1)
    result = tell_apart(value_NK, is_b_N, label_N, LONE, seed=3)
    fold_N = deal_folds(np.arange(200), is_b_N, seed=3)
    aucs = [
        roc_auc_score(is_b_N[fold_N == fold], result.score_N[fold_N == fold])
        for fold in range(5)
    ]
    assert result.auc == pytest.approx(np.mean(aucs))


def test_subjects_are_not_taken_for_a_drift():
    # every subject has a look of its own; A and B differ in nothing else
    rng = np.random.default_rng(0)
    group_N = np.repeat(np.arange(12), 20)
    value_NK = rng.normal(0, 10, (12, 3))[group_N] + rng.normal(0, 0.1, (240, 3))
    is_b_N, label_N = group_N % 2 == 1, np.zeros(240, int)
    result = tell_apart(value_NK, is_b_N, label_N, group_N, num_chance_draws=4)
    low, high = result.chance
    # subjects alone make the AUC swing: one value in between means nothing
    assert high - low > 0.2
    assert result.auc < 0.8
    assert result.num_folds == 5
    # without the groups each subject is on both sides, and known
    lone = tell_apart(value_NK, is_b_N, label_N, np.full(240, -1))
    assert lone.auc > 0.99


def test_class_that_a_set_lacks_has_no_auc():
    value_NK, is_b_N, _ = two_sets()
    result = tell_apart(value_NK, is_b_N, is_b_N.astype(int), LONE)
    assert result.auc_by_class == {'closed': None, 'open': None}


def test_draws_of_chance_are_shown():
    value_NK, is_b_N, label_N = two_sets(num=40)
    group_N, seen = np.arange(80) // 10, []
    tell_apart(
        *(value_NK, is_b_N, label_N, group_N),
        num_chance_draws=3,
        progress=lambda draws: (seen.append(draw) or draw for draw in draws),
    )
    assert seen == [0, 1, 2]
    result = tell_apart(value_NK, is_b_N, label_N, group_N, num_chance_draws=0)
    assert result.chance is None


def test_folds_hold_whole_units_of_both_sets():
    rng = np.random.default_rng(0)
    unit_N = np.sort(rng.integers(0, 30, 600))
    is_b_N = unit_N >= 22
    fold_N = deal_folds(unit_N, is_b_N, seed=0)
    for unit in range(30):
        assert len(set(fold_N[unit_N == unit])) == 1
    for rows in (is_b_N, ~is_b_N):
        counts = np.bincount(fold_N[rows], minlength=5)
        assert counts.min() > 0.5 * counts.mean()


def test_few_units_make_few_folds():
    unit_N = np.repeat([0, 1, 2, 3, 4, 5, 6, 7], 5)
    fold_N = deal_folds(unit_N, unit_N >= 5, seed=0)
    assert set(fold_N) == {0, 1, 2}
    assert set(fold_N[unit_N >= 5]) == {0, 1, 2}


def test_unit_in_both_sets_stays_whole():
    unit_N = np.array([0, 1, 2, 2, 3, 4])
    is_b_N = np.array([False, False, False, True, True, True])
    fold_N = deal_folds(unit_N, is_b_N, seed=0)
    assert fold_N[2] == fold_N[3]


def test_one_group_is_too_few():
    value_NK, is_b_N, label_N = two_sets()
    group_N = np.where(is_b_N, 700, np.arange(200))
    with pytest.raises(ValueError, match=r'two groups .* got 100 in A and 1 in B'):
        tell_apart(value_NK, is_b_N, label_N, group_N)
