import numpy as np
import pytest
from scipy.stats import binomtest

from ocec.functional.binned_accuracy import binned_accuracy


def test_rows_are_in_the_bin_of_their_lower_edge():
    value_N = np.array([0.0, 0.5, 0.49, 1.0, np.nan, -1.0])
    right_N = np.array([1, 0, 0, 1, 1, 1], dtype=bool)
    low, high = binned_accuracy(right_N, value_N, (0, 0.5, 1))
    assert (low.first, low.end, low.rows, low.accuracy) == (0, 0.5, 2, 0.5)
    assert (high.rows, high.accuracy) == (1, 0.0)


def test_an_empty_bin_has_no_accuracy():
    [empty] = binned_accuracy(np.ones(2, bool), np.zeros(2), (1, 2))
    assert empty.rows == 0
    assert np.isnan([empty.accuracy, empty.low, empty.high]).all()


def test_all_right_has_the_interval_of_wilson():
    # where a bootstrap would have no width
    [found] = binned_accuracy(np.ones(7, bool), np.zeros(7), (0, 1))
    wilson = binomtest(7, 7).proportion_ci(method='wilson')
    assert (found.low, found.high) == pytest.approx((wilson.low, wilson.high))


def test_groups_that_are_alike_widen_the_interval():
    # ten groups of 40 rows, each wholly right or wholly wrong
    group_N = np.repeat(np.arange(10), 40)
    right_N = group_N % 2 == 0
    [alone] = binned_accuracy(right_N, np.zeros(400), (0, 1))
    [grouped] = binned_accuracy(right_N, np.zeros(400), (0, 1), group_N=group_N)
    assert alone.accuracy == grouped.accuracy == 0.5
    # standard errors: 0.5 / sqrt(400) and 0.5 / sqrt(10)
    assert alone.high - alone.low == pytest.approx(2 * 1.96 * 0.025, rel=0.1)
    assert grouped.high - grouped.low == pytest.approx(2 * 1.96 * 0.158, rel=0.2)


def test_one_group_has_the_interval_of_wilson():
    right_N = np.array([1, 1, 0, 1], dtype=bool)
    [found] = binned_accuracy(right_N, np.zeros(4), (0, 1), group_N=np.zeros(4, int))
    wilson = binomtest(3, 4).proportion_ci(method='wilson')
    assert (found.low, found.high) == pytest.approx((wilson.low, wilson.high))


@pytest.mark.parametrize(
    ('shape', 'edges', 'message'),
    [
        (3, (0, 1), r'both must be \(N,\), got \(2,\) and \(3,\)'),
        (2, (0,), r'edges must be two or more, ascending, got \[0\]'),
        (2, (0, 1, 1), r'ascending, got \[0, 1, 1\]'),
    ],
)
def test_wrong_arguments(shape, edges, message):
    with pytest.raises(ValueError, match=message):
        binned_accuracy(np.ones(2, bool), np.zeros(shape), edges)
