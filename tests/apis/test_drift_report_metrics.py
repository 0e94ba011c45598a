import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from ocec.apis.drift_report_metrics import (
    bounded,
    decided_f1,
    describe_scores,
    difference,
    f1_at_share,
    f1_gain,
    f1_of_other_share,
    finite_or_none,
    group_folds,
    lone_groups,
    metrics_at,
    own_threshold,
)
from ocec.functional.classification import ConfusionCounts
from ocec.functional.metric_interval import RATIOS


def test_bounded_is_plain():
    assert bounded(0.5, (0.25, np.float32(0.75), 9)) == {
        'value': 0.5,
        'low': 0.25,
        'high': 0.75,
    }
    assert bounded(np.nan) == {'value': None, 'low': None, 'high': None}
    assert finite_or_none(np.inf) is None


def test_difference_of_independent_numbers():
    # half widths 0.3 and 0.4 add to 0.5
    found = difference(bounded(2.0, (1.7, 2.3)), bounded(1.0, (0.6, 1.4)))
    assert found == {
        'value': 1.0,
        'low': pytest.approx(0.5),
        'high': pytest.approx(1.5),
    }
    assert difference(bounded(2.0), bounded(1.0, (0, 2)))['low'] is None


def test_metrics_are_those_of_sklearn(make_scored_rows):
    part = make_scored_rows(shift=2.0)
    found, says_N = metrics_at(part, 0.4), part.prob_N >= 0.4
    assert found['f1']['value'] == pytest.approx(f1_score(part.label_N, says_N))
    expected = accuracy_score(part.label_N, says_N)
    assert found['accuracy']['value'] == pytest.approx(expected)
    assert found['auc']['value'] == pytest.approx(
        roc_auc_score(part.label_N, part.prob_N)
    )
    for name in ('f1', 'precision', 'recall', 'accuracy', 'auc'):
        assert found[name]['low'] <= found[name]['value'] <= found[name]['high']
    assert found['open_share'] == part.label_N.mean()


def test_description_needs_no_label(make_scored_rows):
    part = make_scored_rows(labelled=False)
    found = describe_scores(part, 0.5)
    assert found['called_open']['value'] == (part.prob_N >= 0.5).mean()
    p_N = part.prob_N.astype(np.float64)
    assert found['confidence'] == pytest.approx((0.5 + np.abs(p_N - 0.5)).mean())
    histogram = found['histogram']
    assert sum(histogram['no label']) == 400
    assert sum(histogram['open']) == sum(histogram['closed']) == 0


def test_threshold_of_a_shifted_set(make_scored_rows):
    part = make_scored_rows(shift=4.0)
    fold_N = group_folds(part, seed=0)
    found = own_threshold(part, 0.5, fold_N)
    # the log-odds of 4 that were added
    assert found['best']['threshold'] == pytest.approx(1 / (1 + np.exp(-4)), abs=0.02)
    assert found['gain']['low'] > 0
    before = f1_score(part.label_N, part.prob_N >= 0.5)
    after = f1_score(part.label_N, found['says_open_N'])
    assert found['cross_fitted']['value'] == pytest.approx(after)
    assert found['gain']['value'] == pytest.approx(after - before)
    # what was chosen on the very rows is the best there is
    assert found['best']['f1']['value'] >= after


def test_no_row_is_decided_by_its_own_group(make_scored_rows):
    part = make_scored_rows(shift=4.0)
    fold_N = group_folds(part, seed=0)
    found = own_threshold(part, 0.5, fold_N)['says_open_N']
    # labels of one fold, turned round, change the decisions of the others only
    label_N = np.where(fold_N == 2, 1 - part.label_N, part.label_N)
    changed = own_threshold(
        type(part)(**{**vars(part), 'label_N': label_N}), 0.5, fold_N
    )['says_open_N']
    np.testing.assert_array_equal(changed[fold_N == 2], found[fold_N == 2])
    assert (changed != found).any()


def test_class_that_the_other_folds_lack(make_scored_rows):
    part = make_scored_rows(num=100, groups=2)
    label_N = np.r_[np.ones(60), np.zeros(40)].astype(np.int8)
    part = type(part)(**{**vars(part), 'label_N': label_N})
    # open ones only in the first fold: rows of the other keep the threshold of A
    found = own_threshold(part, 0.5, (label_N == 0).astype(int))
    np.testing.assert_array_equal(found['says_open_N'], part.prob_N >= 0.5)


def test_f1_at_another_share():
    counts = ConfusionCounts(tp=90, fp=20, fn=10, tn=80)
    # 20 % open: of 100 rows 18 found, 2 missed, 16 false alarms
    assert f1_at_share(counts, 0.2) == pytest.approx(36 / (36 + 2 + 16))
    assert np.isnan(f1_at_share(ConfusionCounts(1, 0, 1, 0), 0.5))
    assert np.isnan(f1_at_share(ConfusionCounts(0, 0, 1, 1), 0.0))


def test_f1_of_another_share_is_the_own_at_the_own(make_scored_rows):
    part = make_scored_rows(shift=1.0)
    found = f1_of_other_share(part, 0.5, float(part.label_N.mean()))
    expected = f1_score(part.label_N, part.prob_N >= 0.5)
    assert found['value'] == pytest.approx(expected)
    assert found['low'] < expected < found['high']


def test_gain_of_the_same_decisions_is_none(make_scored_rows):
    part = make_scored_rows()
    says_N = part.prob_N >= 0.5
    assert f1_gain(part, says_N, says_N) == {'value': 0, 'low': 0, 'high': 0}
    # no error in 40 groups: up to 3.84 / 43.84 of the rows may be wrong (Wilson)
    unseen, share = 3.8415 / 43.8415, part.label_N.mean()
    found = decided_f1(part, part.label_N == 1)
    tp = share - unseen
    assert found['low'] == pytest.approx(2 * tp / (2 * tp + unseen), abs=1e-4)
    assert found['value'] == found['high'] == 1


def test_no_error_is_no_certainty(make_scored_rows):
    part = make_scored_rows(num=8, groups=0)
    part = type(part)(**{**vars(part), 'label_N': np.int8([1, 0] * 4)})
    right = type(part)(**{**vars(part), 'prob_N': part.label_N.astype(np.float32)})
    found = metrics_at(right, 0.5)
    unseen = 3.8415 / 11.8415
    worst = {
        'f1': ConfusionCounts(tp=0.5 - unseen, fp=0, fn=unseen, tn=0.5),
        'precision': ConfusionCounts(tp=0.5, fp=unseen, fn=0, tn=0.5 - unseen),
        'recall': ConfusionCounts(tp=0.5 - unseen, fp=0, fn=unseen, tn=0.5),
        'accuracy': ConfusionCounts(tp=0.5 - unseen, fp=0, fn=unseen, tn=0.5),
    }
    for name, counts in worst.items():
        assert found[name]['low'] == pytest.approx(RATIOS[name](counts), abs=1e-4)
        assert (found[name]['value'], found[name]['high']) == (1, 1)
    assert found['auc'] == {'value': 1, 'low': None, 'high': None}
    assert f1_of_other_share(right, 0.5, 0.9)['low'] == pytest.approx(
        2 * (0.9 - unseen) / (2 * (0.9 - unseen) + unseen), abs=1e-4
    )
    # one class only, all right
    closed = right.take(right.label_N == 0)
    assert metrics_at(closed, 0.5)['accuracy']['low'] == pytest.approx(
        1 - 3.8415 / 7.8415, abs=1e-4
    )


def test_folds_keep_groups_whole(make_scored_rows):
    part = make_scored_rows(groups=7)
    fold_N = group_folds(part, seed=0)
    assert set(fold_N.tolist()) == set(range(5))
    for group in range(7):
        assert len(np.unique(fold_N[part.group_N == group])) == 1
    assert set(group_folds(make_scored_rows(groups=3), seed=0).tolist()) == {0, 1, 2}
    assert group_folds(make_scored_rows(groups=1), seed=0) is None
    alone = group_folds(make_scored_rows(groups=0), seed=0)
    assert np.bincount(alone).tolist() == [80] * 5


def test_lone_groups_are_their_own():
    assert lone_groups(np.array([3, -1, 3, -1])).tolist() == [3, 5, 3, 7]
