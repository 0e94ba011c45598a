"""Expected numbers: scipy.stats 1.17, the general function, theory, or by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from ocec.functional.bootstrap import (
    bootstrap_auc_interval,
    bootstrap_counts_interval,
    bootstrap_interval,
)
from ocec.functional.classification import (
    accuracy,
    confusion_counts,
    f1_score,
    precision,
    recall,
    roc_auc,
)


def make_scores(seed, num_images=400, num_levels=None, num_groups=30):
    """Scores of people, some of whom are harder; some images of nobody known."""
    rng = np.random.default_rng(seed)
    group = rng.integers(-1, num_groups, num_images)
    label = rng.integers(0, 2, num_images)
    skill = rng.normal(1, 1, num_groups + 1)[group]
    prob = 1 / (1 + np.exp(-rng.normal(skill * (label - 0.5), 1.0)))
    if num_levels:
        prob = np.round(prob * num_levels) / num_levels
    return prob.astype(np.float32), label, group


@pytest.mark.parametrize('ratio', [f1_score, precision, recall, accuracy])
@pytest.mark.parametrize('is_grouped', [False, True])
def test_counts_give_the_numbers_of_the_rows(is_grouped, ratio):
    prob, label, group = make_scores(0)
    group = group if is_grouped else None
    kwargs = {'group_N': group, 'num_resamples': 50, 'level': 0.8, 'seed': 3}

    def statistic(p, y):
        return ratio(confusion_counts(p, y, threshold=0.4))

    expected = bootstrap_interval(statistic, prob, label, **kwargs)
    found = bootstrap_counts_interval(prob, label, ratio=ratio, threshold=0.4, **kwargs)
    assert found == pytest.approx(expected, abs=1e-12)
    assert found.low < found.high


@pytest.mark.parametrize('num_levels', [None, 10, 1])
@pytest.mark.parametrize('is_grouped', [False, True])
def test_auc_gives_the_numbers_of_the_rows(is_grouped, num_levels):
    prob, label, group = make_scores(1, num_levels=num_levels)
    group = group if is_grouped else None
    kwargs = {'group_N': group, 'num_resamples': 50, 'level': 0.8, 'seed': 3}
    expected = bootstrap_interval(roc_auc, prob, label, **kwargs)
    found = bootstrap_auc_interval(prob, label, **kwargs)
    assert found == pytest.approx(expected, abs=1e-12)


def test_single_rows_match_scipy():
    values = np.random.default_rng(0).exponential(size=300)
    found = bootstrap_interval(np.mean, values, num_resamples=4000)
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=4000, method='percentile', rng=1
    ).confidence_interval
    # the width is 0.23; 4000 resamples place a bound to a few thousandths
    assert found[:2] == pytest.approx(expected, abs=0.01)
    assert found[2:] == (300, 4000)


def test_copies_of_a_row_in_one_group_change_nothing():
    values = np.random.default_rng(1).normal(size=40)
    expected = bootstrap_interval(np.mean, values)
    copied = bootstrap_interval(
        np.mean, np.repeat(values, 50), group_N=np.repeat(np.arange(40), 50)
    )
    assert copied == pytest.approx(expected)
    alone = bootstrap_interval(np.mean, np.repeat(values, 50))
    # as if there were 50 times as much to know
    width = (copied.high - copied.low) / (alone.high - alone.low)
    assert width == pytest.approx(math.sqrt(50), rel=0.1)


def test_groups_cover_the_truth_and_single_rows_do_not():
    # 30 people with 20 images each, alike but for a little: of 100 such samples the
    # interval should hold the true mean, 0, in 95; as single rows they promise a
    # quarter of the standard error, and P(|z| < 1.96 / 4) is 0.38
    rng = np.random.default_rng(2)
    group = np.repeat(np.arange(30), 20)
    hits = {'grouped': 0, 'single': 0}
    for trial in range(100):
        values = rng.normal(size=30)[group] + 0.5 * rng.normal(size=600)
        for name, group_N in (('grouped', group), ('single', None)):
            interval = bootstrap_interval(
                np.mean, values, group_N=group_N, num_resamples=100, seed=trial
            )
            hits[name] += interval.low < 0 < interval.high
    assert hits['grouped'] >= 87
    assert hits['single'] <= 55


def test_rows_of_unknown_group_stand_alone():
    values = np.arange(10.0)
    group = np.array([-1, 7, 7, -1, -1, 3, 3, 3, 7, -1])
    own = np.array([100, 7, 7, 101, 102, 3, 3, 3, 7, 103])
    found = bootstrap_interval(np.mean, values, group_N=group)
    assert found.num_groups == 6
    # known groups keep their places among the numbers, the unknown follow
    assert found == bootstrap_interval(np.mean, values, group_N=own)


def test_level_and_seed():
    prob, label, group = make_scores(2)
    wide, narrow, other = (
        bootstrap_counts_interval(prob, label, group_N=group, level=level, seed=seed)
        for level, seed in ((0.99, 0), (0.5, 0), (0.99, 1))
    )
    assert wide.low < narrow.low < narrow.high < wide.high
    assert wide != other
    again = bootstrap_counts_interval(prob, label, group_N=group, level=0.99, seed=0)
    assert wide == again


def test_the_interval_holds_the_share_of_resamples_it_names():
    values = np.random.default_rng(3).normal(size=50)
    drawn = []

    def statistic(x):
        drawn.append(x.mean())
        return drawn[-1]

    low, high, _, num_resamples = bootstrap_interval(statistic, values, level=0.9)
    assert num_resamples == len(drawn) == 1000
    inside = sum(low <= value <= high for value in drawn)
    assert inside == pytest.approx(900, abs=2)


def test_resamples_with_one_class_are_left_out():
    # of 5 images one is open: it is missing from (4/5)^5 = 33 % of the resamples
    prob, label = np.array([0.9, 0.1, 0.2, 0.3, 0.4]), np.array([1, 0, 0, 0, 0])
    for found in (
        bootstrap_auc_interval(prob, label),
        bootstrap_interval(roc_auc, prob, label),
    ):
        assert found[:2] == (1.0, 1.0)
        # and from (1/5)^5 the closed ones
        assert found.num_resamples == pytest.approx(672, abs=60)


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize(
    ('prob', 'label', 'group'),
    [
        ([], [], None),
        ([0.5], [1], None),
        ([0.2, 0.9, 0.4], [0, 1, 1], [4, 4, 4]),
    ],
)
def test_fewer_than_two_groups_have_no_interval(prob, label, group):
    prob, label = np.array(prob), np.array(label)
    group = None if group is None else np.array(group)
    for found in (
        bootstrap_counts_interval(prob, label, group_N=group),
        bootstrap_auc_interval(prob, label, group_N=group),
        bootstrap_interval(lambda p: 1.0, prob, group_N=group),
    ):
        assert math.isnan(found.low)
        assert math.isnan(found.high)
        assert found.num_groups == min(len(prob), 1)
        assert found.num_resamples == 0


@pytest.mark.filterwarnings('error')
def test_auc_of_one_class_or_a_nan_score_has_no_interval():
    prob = np.array([0.2, 0.4, 0.9])
    for scores, label in (
        (prob, np.ones(3)),
        (prob, np.zeros(3)),
        (np.array([0.2, math.nan, 0.9]), np.array([0, 1, 1])),
    ):
        found = bootstrap_auc_interval(scores, label)
        assert math.isnan(found.low)
        assert found[2:] == (3, 0)


@pytest.mark.filterwarnings('error')
def test_a_nan_score_counts_as_closed():
    # as in confusion_counts
    prob, label, _ = make_scores(4)
    with_nan = prob.copy()
    with_nan[prob < 0.5] = np.nan
    found = bootstrap_counts_interval(with_nan, label, num_resamples=20)
    assert found == bootstrap_counts_interval(prob, label, num_resamples=20)


def test_one_class_has_an_f1():
    prob = np.array([0.9, 0.8, 0.2, 0.7])
    found = bootstrap_counts_interval(prob, np.ones(4), ratio=recall)
    assert 0 < found.low < 0.75 < found.high == 1.0


def test_a_hundred_thousand_images():
    # the standard error of the AUC by Hanley and McNeil, Eq. 1
    prob, label, _ = make_scores(5, num_images=100_000, num_groups=1)
    area = roc_auc(prob, label)
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    n = 50_000
    variance = area * (1 - area) + (n - 1) * (q1 + q2 - 2 * area**2)
    found = bootstrap_auc_interval(prob, label, num_resamples=200)
    width = 2 * 1.96 * math.sqrt(variance / n**2)
    assert found.high - found.low == pytest.approx(width, rel=0.25)
    assert found.low < area < found.high


def test_wrong_input_is_refused():
    values = np.arange(3.0)
    with pytest.raises(ValueError, match='at least one array is needed'):
        bootstrap_interval(np.mean)
    with pytest.raises(ValueError, match=r'must have one length, got \[3, 2\]'):
        bootstrap_interval(np.mean, values, values[:2])
    with pytest.raises(ValueError, match=r'group_N must be \(3,\), got \(2,\)'):
        bootstrap_interval(np.mean, values, group_N=np.zeros(2))
    with pytest.raises(ValueError, match='num_resamples must be >= 1, got 0'):
        bootstrap_interval(np.mean, values, num_resamples=0)
    for level in (0, 1):
        with pytest.raises(
            ValueError, match=rf'level must be in \(0, 1\), got {level}'
        ):
            bootstrap_interval(np.mean, values, level=level)


@pytest.mark.parametrize(
    'function', [bootstrap_counts_interval, bootstrap_auc_interval]
)
def test_wrong_scores_are_refused(function):
    with pytest.raises(ValueError, match=r'must both be \(N,\), got \(2,\) and \(3,\)'):
        function(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match=r'in \[0, 1\], got 3; are these logits'):
        function(np.array([3.0, 0.0]), np.array([1, 0]))
