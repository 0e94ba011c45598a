import numpy as np
import pytest

from ocec.functional.interval_difference import difference_interval


def test_normal_intervals_add_in_squares():
    # 1.96 sqrt(s^2 + t^2) is the half width of a difference of normal numbers
    low, high = difference_interval(3.0, (2.4, 3.6), 1.0, (0.2, 1.8))
    assert (low, high) == pytest.approx((1.0, 3.0))


def test_coverage_of_a_difference_of_shares():
    from ocec.functional.paired_tests import wilson_interval

    rng, inside = np.random.default_rng(0), 0
    for _ in range(1000):
        one, other = rng.binomial(80, 0.95), rng.binomial(60, 0.8)
        low, high = difference_interval(
            one / 80, wilson_interval(one, 80), other / 60, wilson_interval(other, 60)
        )
        inside += low <= 0.15 <= high
    assert 0.93 < inside / 1000 < 0.97


def test_no_interval_gives_none():
    nan = float('nan')
    assert np.isnan(difference_interval(1.0, (nan, nan), 0.5, (0.4, 0.6))).all()
