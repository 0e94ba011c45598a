import re

import numpy as np
import pytest
from scipy.special import expit
from scipy.special import logit as scipy_logit

from ocec.stacking.base_scores import (
    MemberScores,
    accuracy_of,
    check_for_fitting,
    join_members,
    logit,
    sigmoid,
)

LONE = np.full(4, -1)
LABEL = np.array([0, 1, 0, 1])


def member(name, *probs, **more):
    return MemberScores(name, np.array(probs), **more)


GOOD = member('a', 0.1, 0.9, 0.2, 0.8)
OTHER = member('b', 0.6, 0.7, 0.4, 0.2)


def test_members_lie_side_by_side():
    spread = np.array([0.1, 0.2, 0.3, 0.4])
    features = {'b': OTHER.prob_N, 'b:spread': spread}
    mc = MemberScores('b', OTHER.prob_N, features, ('b',), spread)
    scores = join_members([GOOD, mc], LABEL, LONE)
    assert scores.names == ('a', 'b')
    assert scores.prob_NM.tolist() == [[0.1, 0.6], [0.9, 0.7], [0.2, 0.4], [0.8, 0.2]]
    assert scores.feature_names == ('a', 'b', 'b:spread')
    assert scores.feature_NF[1].tolist() == [0.9, 0.7, 0.2]
    assert scores.is_prob_F.tolist() == [True, True, False]
    assert np.isnan(scores.spread_NM[:, 0]).all()
    assert scores.spread_NM[:, 1].tolist() == spread.tolist()


def test_rows_are_taken_from_every_field():
    scores = join_members([GOOD, OTHER], LABEL, np.array([5, 6, 7, 8]))
    part = scores.take(np.array([False, True, False, True]))
    assert len(part) == 2
    assert part.prob_NM.tolist() == [[0.9, 0.7], [0.8, 0.2]]
    assert part.feature_NF.tolist() == [[0.9, 0.7], [0.8, 0.2]]
    assert part.label_N.tolist() == [1, 1]
    assert part.group_N.tolist() == [6, 8]
    # a: all right; b: 0.6 for 0 and 0.2 for 1 are wrong
    assert scores.accuracy_M.tolist() == [1.0, 0.5]


@pytest.mark.parametrize(
    ('members', 'message'),
    [
        ([GOOD], 'an ensemble needs two members or more, got 1'),
        ([GOOD, GOOD], "two members are called 'a': give each its own name"),
        (
            [GOOD, member('b', 0.1, 0.2)],
            "member 'b': scores must have shape (4,), one for each row, got (2,)",
        ),
        (
            [GOOD, member('b', 0.1, np.nan, 0.2, np.nan)],
            "member 'b': 2 of 4 scores are NaN or infinite, the first in row 1",
        ),
        (
            [GOOD, member('b', 0.1, 0.2, 0.3, 0.4, spread_N=np.full(4, np.inf))],
            "member 'b': 4 of 4 spread are NaN or infinite, the first in row 0",
        ),
        (
            [GOOD, member('b', 0.1, 1.5, 0.2, 0.3)],
            "member 'b': scores must be probabilities in [0, 1], got 1.5",
        ),
    ],
)
def test_scores_that_are_none_are_refused(members, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        join_members(members, LABEL, LONE)


@pytest.mark.parametrize(
    ('members', 'label', 'message'),
    [
        (
            [GOOD, OTHER],
            [1, 1, 1, 1],
            'no row has label 0 (closed, for eyes): combiners need both classes, got 4 '
            'rows of the other one',
        ),
        ([GOOD, OTHER], [0, 1, -1, 1], '1 of 4 rows have no label 0 or 1'),
        (
            [GOOD, member('b', 0.5, 0.5, 0.5, 0.5)],
            [0, 1, 0, 1],
            "member 'b' gives all 4 rows the score 0.5: it has collapsed",
        ),
        (
            [GOOD, member('b', 0.1, 0.9, 0.2, 0.8)],
            [0, 1, 0, 1],
            "members 'a' and 'b' give the same score to all 4 rows: they are one model",
        ),
    ],
)
def test_scores_that_teach_nothing_are_refused(members, label, message):
    scores = join_members(members, np.array(label), LONE)
    with pytest.raises(ValueError, match=re.escape(message)):
        check_for_fitting(scores)


def test_good_scores_pass():
    check_for_fitting(join_members([GOOD, OTHER], LABEL, LONE))


def test_logit_and_sigmoid_are_those_of_scipy():
    prob = np.array([0.001, 0.3, 0.5, 0.9])
    np.testing.assert_allclose(logit(prob), scipy_logit(prob), rtol=1e-12)
    x = np.array([-800.0, -3.0, 0.0, 2.0, 800.0])
    np.testing.assert_allclose(sigmoid(x), expit(x), rtol=1e-12, atol=1e-300)


def test_logit_is_finite_at_the_ends():
    # log(1e-6 / (1 - 1e-6))
    np.testing.assert_allclose(logit([0.0, 1.0]), [-13.8155096, 13.8155096], rtol=1e-7)


def test_accuracy():
    # 0.5 counts as 1, which is wrong here
    assert accuracy_of(np.array([0.5, 0.4, 0.1, 0.9]), LABEL) == 0.5
