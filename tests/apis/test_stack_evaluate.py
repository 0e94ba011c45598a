import re

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss, roc_auc_score

from ocec.apis.errors import ConfigError
from ocec.apis.stack_evaluate import evaluate, judge
from ocec.functional.bootstrap import bootstrap_interval
from ocec.functional.paired_tests import mcnemar_exact, wilson_interval
from ocec.stacking import MemberScores, assign_folds, join_members

META = {name: {'type': name} for name in ('lightgbm', 'logistic', 'mean')}


def drawn(num_rows=240, seed=0, group_size=4, num_members=3):
    rng = np.random.default_rng(seed)
    label_N = rng.integers(0, 2, num_rows)
    members = []
    for index in range(num_members):
        noise = rng.normal(0, 1.5 + index, num_rows)
        prob_N = 1 / (1 + np.exp(-(2 * label_N - 1) - noise))
        members.append(MemberScores(f'm{index}', prob_N))
    group_N = np.arange(num_rows) // group_size if group_size else np.full(num_rows, -1)
    return join_members(members, label_N, group_N)


def test_numbers_are_those_of_scikit_learn():
    scores = drawn()
    prob_N, mean_N = scores.prob_NM[:, 1], scores.prob_NM.mean(1)
    y, said = scores.label_N, scores.prob_NM[:, 1] >= 0.5
    found = judge(prob_N, mean_N, scores)
    assert found.accuracy == pytest.approx(accuracy_score(y, said))
    assert found.f1 == pytest.approx(f1_score(y, said))
    assert found.auc == pytest.approx(roc_auc_score(y, prob_N))
    assert found.log_loss == pytest.approx(log_loss(y, prob_N))
    right, mean_right = said == y, (mean_N >= 0.5) == y
    assert found.gain == pytest.approx(right.mean() - mean_right.mean())
    assert found.better == (right & ~mean_right).sum()
    assert found.worse == (~right & mean_right).sum()
    assert found.p_value == mcnemar_exact(right, mean_right).p_value
    gain_N = right.astype(float) - mean_right
    slow = bootstrap_interval(np.mean, gain_N, group_N=scores.group_N)
    assert (found.gain_low, found.gain_high) == pytest.approx(slow[:2])
    slow = bootstrap_interval(np.mean, right.astype(float), group_N=scores.group_N)
    assert (found.low, found.high) == pytest.approx(slow[:2])


def test_rows_that_stand_alone_have_wilsons_interval():
    scores = drawn(group_size=0)
    prob_N = scores.prob_NM[:, 0]
    num_right = int(((prob_N >= 0.5) == scores.label_N).sum())
    found = judge(prob_N, prob_N, scores)
    assert (found.low, found.high) == wilson_interval(num_right, 240)
    assert (found.gain, found.gain_low, found.gain_high, found.p_value) == (0, 0, 0, 1)


def test_stack_numbers_are_out_of_fold_and_test_numbers_of_the_final_fit():
    stack, test = drawn(), drawn(seed=1)
    found = evaluate(stack, test, META, folds=5, seed=42)
    fold_N = assign_folds(stack.label_N, stack.group_N, num_folds=5, seed=42)
    assert found.fold_N.tolist() == fold_N.tolist()
    for name, numbers in found.methods.items():
        right_N = (found.out_of_fold[name] >= 0.5) == stack.label_N
        assert numbers.stack.accuracy == right_N.mean()
        by_fold = [right_N[fold_N == fold].mean() for fold in range(5)]
        assert numbers.fold_accuracies == pytest.approx(by_fold)
        said_N = found.combiners[name].predict(test) >= 0.5
        assert numbers.test.accuracy == (said_N == test.label_N).mean()
    assert found.methods['lightgbm'].in_sample >= 0.9
    # the trees learn rows by heart, the mean cannot
    assert found.methods['lightgbm'].overfit_gap > 0.08
    assert found.methods['mean'].overfit_gap == 0
    assert found.members['m0'].in_sample is None
    assert found.members['m0'].overfit_gap is None
    assert found.members['m0'].stack.accuracy == stack.accuracy_M[0]
    assert found.interval == dict.fromkeys(('stack', 'test'), 'bootstrap of 60 groups')


def test_without_test_rows():
    found = evaluate(drawn(group_size=0), None, META, folds=3, seed=0)
    assert found.methods['mean'].test is None
    assert found.members['m1'].test is None
    assert found.interval == {'stack': 'Wilson, 240 rows that stand alone'}


def with_labels(scores, label_N):
    return type(scores)(**{**vars(scores), 'label_N': label_N})


@pytest.mark.parametrize(
    ('stack', 'test', 'message'),
    [
        (with_labels(drawn(), np.ones(240)), None, 'stack: no row has label 0'),
        (
            drawn(group_size=80),
            None,
            'stack: 3 groups cannot be dealt into 5 folds: choose folds <= 3',
        ),
        (
            drawn(),
            with_labels(drawn(), np.full(240, -1)),
            'test: there are rows without',
        ),
    ],
)
def test_rows_that_do_not_suffice(stack, test, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        evaluate(stack, test, META, folds=5, seed=42)


def test_a_combiner_that_cannot_be_fitted_is_named():
    meta = {'deep': {'type': 'two_level', 'folds': 70}, 'mean': {'type': 'mean'}}
    with pytest.raises(ConfigError, match="meta 'deep': two_level, folds of its first"):
        evaluate(drawn(), None, meta, folds=2, seed=0)
