"""Expected numbers: scipy.stats 1.17, exact fractions, or by hand."""

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from ocec.functional.paired_tests import mcnemar_exact, wilson_interval


def make_answers(both, only_b, only_a, neither):
    """Return who is right on how many images, in mixed order."""
    a = np.repeat([True, False, True, False], [both, only_b, only_a, neither])
    b = np.repeat([True, True, False, False], [both, only_b, only_a, neither])
    order = np.random.default_rng(0).permutation(len(a))
    return a[order], b[order]


@pytest.mark.parametrize(
    ('only_b', 'only_a'),
    [(0, 1), (1, 0), (0, 8), (3, 9), (9, 3), (5, 5), (5, 6), (40, 70), (5000, 5200)],
)
def test_p_values_match_scipy(only_b, only_a):
    a, b = make_answers(13, only_b, only_a, 4)
    exact, mid = (mcnemar_exact(a, b, mid_p=mid_p) for mid_p in (False, True))
    assert exact[1:] == mid[1:] == (only_b, only_a)
    expected = binomtest(only_b, only_b + only_a).pvalue
    assert exact.p_value == pytest.approx(expected, rel=1e-8)
    # half of the chance of what was seen, on each of the two sides
    seen = binom.pmf(only_b, only_b + only_a, 0.5)
    lower = binom.cdf(min(only_a, only_b), only_b + only_a, 0.5)
    assert mid.p_value == pytest.approx(2 * lower - seen, rel=1e-8)
    assert 0 < mid.p_value <= exact.p_value <= 1


def test_p_value_by_hand():
    # 2 of 12: 2 * (1 + 12 + 66) / 4096, and less 66 / 4096
    a, b = make_answers(0, 2, 10, 0)
    assert mcnemar_exact(a, b).p_value == pytest.approx(158 / 4096)
    assert mcnemar_exact(a, b, mid_p=True).p_value == pytest.approx(92 / 4096)


def test_p_value_by_exact_fractions():
    a, b = make_answers(0, 400, 520, 0)
    chance = Fraction(2 * sum(math.comb(920, k) for k in range(401)), 2**920)
    assert mcnemar_exact(a, b).p_value == pytest.approx(float(chance), rel=1e-9)


@pytest.mark.parametrize('mid_p', [False, True])
def test_classifiers_that_never_differ(mid_p):
    for counts in ((5, 0, 0, 3), (0, 0, 0, 0)):
        assert mcnemar_exact(*make_answers(*counts), mid_p=mid_p) == (1.0, 0, 0)


@pytest.mark.filterwarnings('error')
def test_a_million_images():
    a, b = make_answers(0, 499_000, 501_000, 0)
    expected = binomtest(499_000, 10**6).pvalue
    assert mcnemar_exact(a, b).p_value == pytest.approx(expected, rel=1e-6)
    assert mcnemar_exact(*make_answers(0, 0, 10**6, 0)).p_value == 0.0


def test_numbers_0_and_1_are_answers_too():
    a, b = make_answers(3, 2, 7, 1)
    assert mcnemar_exact(a.astype(int), b.astype(float)) == mcnemar_exact(a, b)


@pytest.mark.parametrize(
    ('a', 'b', 'shapes'),
    [
        (np.zeros(2), np.zeros(3), r'\(2,\) and \(3,\)'),
        (np.zeros((2, 1)), np.zeros((2, 1)), r'\(2, 1\) and \(2, 1\)'),
    ],
)
def test_other_shapes_are_refused(a, b, shapes):
    with pytest.raises(ValueError, match=rf'both must be \(N,\), got {shapes}'):
        mcnemar_exact(a, b)


@pytest.mark.parametrize('level', [0.5, 0.95, 0.999])
@pytest.mark.parametrize(
    ('successes', 'total'),
    [(0, 1), (1, 1), (0, 10), (10, 10), (3, 10), (99, 100), (123_456, 10**6)],
)
def test_interval_matches_scipy(successes, total, level):
    expected = binomtest(successes, total).proportion_ci(level, method='wilson')
    found = wilson_interval(successes, total, level)
    assert found == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= found[0] <= successes / total <= found[1] <= 1


def test_none_and_all():
    # z^2 / (n + z^2) with z = 1.96
    z2 = 1.959963984540054**2
    assert wilson_interval(0, 10) == (0.0, pytest.approx(z2 / (10 + z2)))
    assert wilson_interval(10, 10) == (pytest.approx(10 / (10 + z2)), 1.0)
    for total in range(1, 100):
        assert wilson_interval(0, total)[0] == 0.0
        assert wilson_interval(total, total)[1] == 1.0


@pytest.mark.filterwarnings('error')
def test_no_trial():
    assert all(math.isnan(bound) for bound in wilson_interval(0, 0))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((-1, 3), r'successes must be in \[0, 3\], got -1'),
        ((4, 3), r'successes must be in \[0, 3\], got 4'),
        ((1, 3, 0.0), r'level must be in \(0, 1\), got 0.0'),
        ((1, 3, 1.0), r'level must be in \(0, 1\), got 1.0'),
    ],
)
def test_wrong_input_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        wilson_interval(*arguments)
