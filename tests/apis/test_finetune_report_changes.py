"""Expected numbers: counted by hand; McNemar's p from the binomial coefficients."""

import numpy as np
import pytest

from ocec.apis.finetune_report_changes import (
    compare_errors,
    find_changes,
    vote_right,
    wrong_everywhere,
)
from ocec.apis.finetune_report_scores import RunScores


def test_fixed_and_broken(make_side):
    side = make_side({'zero-shot': [{0, 1, 2, 3, 4}], 'full': [{4, 6}]})
    found = compare_errors(side, 'full', 'zero-shot')
    assert (found.errors_before, found.errors_after) == (5, 2)
    assert found.fixed_K.tolist() == [0, 1, 2, 3]
    assert found.broken_K.tolist() == [6]
    # of 5 that changed at most one the other way: 2 * (1 + 5) / 2^5
    assert found.p_value == pytest.approx(12 / 32)
    groups = [
        (g.group, g.images, g.errors_before, g.errors_after) for g in found.groups
    ]
    assert groups == [('s000', 4, 4, 0), ('s001', 4, 1, 2)]
    assert [(g.fixed, g.broken) for g in found.groups] == [(4, 0), (0, 1)]


def test_the_surest_first(make_side):
    side = make_side({'zero-shot': [{1, 3}], 'full': [{5, 7}]})
    prob_N = np.array([0.1, 0.8, 0.1, 0.9, 0.1, 0.3, 0.1, 0.2])
    side.scores['full'] = [RunScores(prob_N, 0.5, 'stored')]
    found = compare_errors(side, 'full', 'zero-shot')
    assert found.fixed_K.tolist() == [3, 1]
    assert found.broken_K.tolist() == [7, 5]


def test_seeds_vote(make_side):
    side = make_side({'zero-shot': [{0}], 'full': [{0, 1}, {1, 2}, {3}]})
    assert np.flatnonzero(~vote_right(side, 'full')).tolist() == [1]
    found = compare_errors(side, 'full', 'zero-shot')
    assert (found.fixed_K.tolist(), found.broken_K.tolist()) == ([0], [1])
    # one broken; 1 fixed and 2 broken: 1; 1 fixed and 1 broken: 1
    assert found.p_by_seed == pytest.approx((1, 1, 1))


def test_a_tie_goes_by_the_mean_distance_from_the_thresholds(make_side):
    side = make_side({'full': [set()]}, num_rows=4)
    # of row 1, open: one says so by 0.3, the other not by 0.1; of row 3 the reverse
    side.scores['full'] = [
        RunScores(np.array([0.1, 0.9, 0.1, 0.7]), 0.6, 'stored'),
        RunScores(np.array([0.1, 0.3, 0.1, 0.1]), 0.4, 'stored'),
    ]
    assert vote_right(side, 'full').tolist() == [True, True, True, False]


def test_wrong_in_every_method(make_side):
    side = make_side({'zero-shot': [{0, 1, 5}], 'full': [{1, 5}, {0, 1, 5}, {1, 5, 7}]})
    side.scores['zero-shot'][0].prob_N[5] = 0.01
    assert wrong_everywhere(side).tolist() == [5, 1]
    side = make_side({'zero-shot': [{0}], 'full': [{1}]})
    assert wrong_everywhere(side).tolist() == []


def test_every_method_against_scratch_and_against_the_start(make_side):
    side = make_side({'zero-shot': [{0}], 'scratch': [{1}], 'full': [{2}]})
    pairs = [(change.method, change.reference) for change in find_changes(side)]
    assert pairs == [
        ('full', 'scratch'),
        ('scratch', 'zero-shot'),
        ('full', 'zero-shot'),
    ]
    side = make_side({'zero-shot': [{0}], 'full': [{2}]}, group=['unknown'] * 8)
    [change] = find_changes(side)
    assert [group.group for group in change.groups] == ['unknown']
