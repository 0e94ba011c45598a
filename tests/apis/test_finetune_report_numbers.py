"""Expected numbers: counted by hand, numpy, scikit-learn 1.9, the interval of one run.

Of 8 images 4 are open: odd rows.
"""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ocec.apis.finetune_report_numbers import (
    build_rows,
    compare_methods,
    measure_method,
)
from ocec.apis.finetune_report_runs import ReportRun
from ocec.apis.finetune_report_scores import RunScores
from ocec.functional.bootstrap import bootstrap_counts_interval


def test_mean_and_deviation_over_seeds(make_side):
    # 1 false alarm and 1 missed; 1 false alarm; 1 false alarm and 2 missed
    side = make_side({'full': [{0, 1}, {0}, {2, 3, 5}]})
    found = measure_method(side, 'full')
    f1 = [6 / 8, 8 / 9, 4 / 7]
    assert found['f1'].seeds == pytest.approx(f1)
    assert found['f1'].mean == pytest.approx(np.mean(f1))
    assert found['f1'].sd == pytest.approx(np.std(f1, ddof=1))
    assert found['accuracy'].seeds == pytest.approx((6 / 8, 7 / 8, 5 / 8))
    areas = [roc_auc_score(side.label_N, s.prob_N) for s in side.scores['full']]
    assert found['auc'].seeds == pytest.approx(areas)


def test_own_threshold_and_one_half(make_side):
    side = make_side({'full': [set()]})
    side.scores['full'] = [RunScores(np.array([0.1, 0.3] * 4), 0.2, 'stored')]
    found = measure_method(side, 'full')
    assert (found['f1'].mean, found['accuracy'].mean) == (1, 1)
    # none is called open
    assert (found['f1_at_half'].mean, found['accuracy_at_half'].mean) == (0, 0.5)
    assert found['f1'].sd is None


def test_interval_of_one_seed_is_the_usual_one(make_side):
    side = make_side({'full': [{0, 1, 6, 13, 17, 18}]}, num_rows=24)
    [scores] = side.scores['full']
    usual = bootstrap_counts_interval(
        scores.prob_N, side.label_N, group_N=side.group_N, threshold=0.5
    )
    found = measure_method(side, 'full')['f1']
    assert (found.low, found.high) == pytest.approx(usual[:2])


def test_area_without_a_class_is_unknown(make_side):
    side = make_side({'full': [{0}]})
    side.label_N = np.ones(8, int)
    found = measure_method(side, 'full')['auc']
    assert (found.mean, found.low, found.seeds) == (None, None, (None,))


def test_difference_is_of_the_same_images(make_side):
    wrong = {0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21}
    side = make_side({'scratch': [wrong], 'full': [set()]}, num_rows=24)
    found = compare_methods(side, 'full', 'scratch')
    # each subject has 4 images, one false alarm and one missed: 2 / (2 + 2)
    assert found.value == pytest.approx(0.5)
    # so every draw of subjects gives the same
    assert (found.low, found.high) == pytest.approx((0.5, 0.5))
    assert (found.verdict, found.reason) == ('higher', '')
    assert compare_methods(side, 'scratch', 'full').verdict == 'lower'


def test_what_is_not_told_apart_and_why(make_side):
    side = make_side({'a': [{0}], 'b': [{4}], 'c': [{0, 4}, {1, 5, 2, 6, 3, 7}]})
    same = compare_methods(side, 'a', 'b')
    assert (same.value, same.verdict) == (0, 'not told apart')
    assert same.reason == 'the interval holds 0'
    assert same.seed_error is None
    side = make_side({'a': [{0, 4}], 'c': [set(range(8)) - {1}, {0, 2, 4, 6}]})
    unsure = compare_methods(side, 'c', 'a')
    # 2 / (2 + 4 + 3) and 8 / 12
    f1 = [2 / 9, 8 / 12]
    assert unsure.value == pytest.approx(np.mean(f1) - 8 / 10)
    assert unsure.seed_error == pytest.approx(np.std(f1, ddof=1) / np.sqrt(2))
    assert unsure.high < 0
    assert (unsure.verdict, unsure.reason) == (
        'not told apart',
        'seeds differ too much',
    )


def test_one_group_gives_no_interval(make_side):
    side = make_side({'a': [{0}], 'b': [set()]}, group=['one'] * 8)
    found = compare_methods(side, 'b', 'a')
    assert (found.low, found.verdict) == (None, 'not told apart')
    assert found.reason == 'fewer than two groups give no interval'


def test_rows(make_side, tmp_path):
    wrong = {'zero-shot': [{0, 1}], 'scratch': [{0}], 'full': [{1}, {2}]}
    sides = {letter: make_side(wrong, letter) for letter in 'BA'}
    price = {
        'minutes': 3.0,
        'epochs': 10,
        'images_seen': 100,
        'best_epoch': 4,
        'seed': 2,
    }
    methods = {
        'zero-shot': [ReportRun('zero-shot', tmp_path / 'z.pth', **price)],
        'scratch': [ReportRun('scratch', tmp_path / 's.pth', **price)],
        'full': [
            ReportRun('full #1', tmp_path / 'a.pth', **price | {'minutes': 5.0}),
            ReportRun('full #2', tmp_path / 'b.pth', **price),
        ],
    }
    rows = build_rows(methods, sides)
    assert [row.name for row in rows] == ['zero-shot', 'scratch', 'full']
    zero, _, full = rows
    # what the start cost is not the price of zero-shot
    assert (zero.minutes, zero.epochs, zero.images_seen) == (None, None, None)
    assert (full.minutes, full.epochs, full.images_seen) == (4, 10, 100)
    assert (full.num_seeds, full.seeds, full.best_epoch) == (2, [2, 2], [4, 4])
    assert full.thresholds == {'B': [0.5, 0.5], 'A': [0.5, 0.5]}
    assert list(zero.differences) == ['scratch']
    assert list(full.differences) == ['scratch', 'zero-shot']
    # 6/7 and 8/9 against 6/8
    expected = (6 / 7 + 8 / 9) / 2 - 6 / 8
    assert full.differences['zero-shot']['A'].value == pytest.approx(expected)
