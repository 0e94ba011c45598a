from itertools import product

import numpy as np
import pytest
from scipy import stats

from ocec.search.repeats import (
    compare_paired,
    flip_p_value,
    mean_interval,
    needed_repeats,
    overlap_of_folds,
    paired_power,
)

A = np.array([0.90, 0.91, 0.92, 0.90, 0.93])
B = np.array([0.92, 0.92, 0.925, 0.91, 0.925])


def test_interval_is_students():
    found = mean_interval(A)
    low, high = stats.t.interval(0.95, 4, A.mean(), stats.sem(A))
    assert found == pytest.approx((A.mean(), A.std(ddof=1), low, high, 5))


def test_missing_and_few_values():
    found = mean_interval(np.array([0.5, np.nan, 0.7]))
    assert (found.num_repeats, found.mean) == (2, pytest.approx(0.6))
    one = mean_interval(np.array([0.5]))
    assert one.mean == 0.5
    assert np.isnan([one.std, one.low, one.high]).all()
    assert np.isnan(mean_interval(np.array([])).mean)


def test_folds_widen_the_interval_by_the_share_of_common_images():
    plain, folds = mean_interval(A), mean_interval(A, overlap=overlap_of_folds(5))
    assert overlap_of_folds(5) == 0.25  # a fifth against four fifths
    assert overlap_of_folds(0) == 0
    # sqrt(1/5 + 1/4) against sqrt(1/5)
    widening = np.sqrt(0.45 / 0.2)
    assert folds.high - folds.mean == pytest.approx(
        widening * (plain.high - plain.mean)
    )


def test_paired_t_test_is_scipys():
    found = compare_paired(A, B)
    assert found.t_p_value == pytest.approx(stats.ttest_rel(B, A).pvalue)
    interval = stats.ttest_rel(B, A).confidence_interval(0.95)
    assert found.difference[2:4] == pytest.approx((interval.low, interval.high))
    assert (found.wins, found.losses) == (4, 1)


def test_sign_flips_by_a_slow_loop_and_by_scipy():
    difference = B - A
    sums = [
        abs(sum(sign * d for sign, d in zip(signs, difference, strict=True)))
        for signs in product((-1, 1), repeat=5)
    ]
    slow = np.mean([s >= abs(difference.sum()) - 1e-12 for s in sums])
    assert flip_p_value(difference) == slow
    scipys = stats.permutation_test(
        (B, A), lambda b, a: (b - a).sum(), permutation_type='samples'
    )
    assert flip_p_value(difference) == pytest.approx(scipys.pvalue)


def test_many_sign_flips_are_drawn():
    difference = np.random.default_rng(0).normal(0.3, 1, 40)
    drawn = flip_p_value(difference, seed=1)
    assert drawn == flip_p_value(difference, seed=1)
    assert drawn == pytest.approx(stats.ttest_1samp(difference, 0).pvalue, abs=0.02)
    assert flip_p_value(difference + 10) > 0  # the observed one is among them
    assert np.isnan(flip_p_value(np.array([])))


def test_equal_repeats():
    same = compare_paired(A, A)
    assert (same.t_p_value, same.flip_p_value, same.needed) == (1.0, 1.0, None)
    shifted = compare_paired(np.zeros(3), np.ones(3))
    assert (shifted.t_p_value, shifted.needed) == (0.0, 2)


def test_missing_trainings_leave_their_pair_out():
    found = compare_paired(A, np.array([0.92, np.nan, 0.925, 0.91, 0.925]))
    assert found.difference.num_repeats == 4
    few = compare_paired(A[:1], B[:1])
    assert np.isnan(few.t_p_value)
    assert few.needed is None


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r'both must be \(R,\), got \(5,\) and \(4,'):
        compare_paired(A, B[:4])


@pytest.mark.parametrize(
    # a table of Cohen (1988, 2.4.1) names 199, 34 and 15 for d of 0.2, 0.5 and 0.8
    ('effect', 'needed'),
    [(0.2, 199), (0.5, 34), (0.8, 15), (-0.5, 34)],
)
def test_needed_repeats_are_those_of_the_tables(effect, needed):
    assert needed_repeats(effect, 1.0) == needed
    assert paired_power(effect, needed) >= 0.8 > paired_power(effect, needed - 1)


def test_power_by_simulation():
    rng = np.random.default_rng(0)
    samples = rng.normal(0.8, 1, (20_000, 9))
    share = (stats.ttest_1samp(samples, 0, axis=1).pvalue < 0.05).mean()
    # three standard errors of 20,000 trials are 0.011
    assert paired_power(0.8, 9) == pytest.approx(share, abs=0.011)


def test_folds_need_more_and_sometimes_nothing_suffices():
    assert needed_repeats(1.0, 1.0, overlap=0.05) > needed_repeats(1.0, 1.0)
    # the common images keep the standard error above half of the spread
    assert needed_repeats(0.5, 1.0, overlap=0.25) is None
    assert needed_repeats(0.0, 1.0) is None
    assert needed_repeats(float('nan'), 1.0) is None
