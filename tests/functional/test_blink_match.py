import math
from itertools import permutations

import numpy as np
import pytest

from ocec.functional.blink_match import match_closures


def test_errors_and_shares_by_hand():
    found = [(1.0, 1.2), (3.1, 3.4), (9.0, 9.1)]
    true = [(1.0, 1.3), (3.0, 3.4), (5.0, 5.2), (7.0, 7.2)]
    match = match_closures(found, true)
    assert match.pairs == [(0, 0), (1, 1)]
    assert (match.precision, match.recall) == (pytest.approx(2 / 3), 0.5)
    assert match.start_error_s == pytest.approx(0.05)  # (0 + 0.1) / 2
    assert match.end_error_s == pytest.approx(-0.05)  # (-0.1 + 0) / 2


def test_each_is_matched_once():
    # two found ones in a true one: the larger counts, the other is false
    match = match_closures([(1.0, 1.1), (1.15, 2.0)], [(1.0, 2.0)], min_overlap=0.05)
    assert match.pairs == [(1, 0)]
    assert (match.precision, match.recall) == (0.5, 1.0)


def test_touching_is_not_overlapping():
    assert match_closures([(1.0, 2.0)], [(2.0, 3.0)]).pairs == []
    assert match_closures([(1.0, 1.0)], [(1.0, 1.0)]).pairs == []


def test_empty_sides():
    nothing = match_closures([], [])
    assert math.isnan(nothing.precision)
    assert math.isnan(nothing.recall)
    assert match_closures([], [(0.0, 1.0)]).recall == 0
    assert match_closures([(0.0, 1.0)], []).precision == 0


@pytest.mark.parametrize('seed', range(5))
def test_as_many_matches_as_the_best_assignment_of_blinks_apart(seed):
    rng = np.random.default_rng(seed)
    starts = np.arange(4) * 2.0
    true = [(s, s + 0.3) for s in starts]
    found = [(s, s + 0.3) for s in starts + rng.normal(0, 0.15, 4)]
    iou = [[max(0.0, 0.3 - abs(f[0] - t[0])) for t in true] for f in found]
    iou = np.array(iou) / (0.6 - np.array(iou))
    best = max(
        sum(iou[f, t] >= 0.3 for f, t in enumerate(order))
        for order in permutations(range(4))
    )
    assert len(match_closures(found, true).pairs) == best


def test_an_overlap_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r'min_overlap must be in \(0, 1\], got 0'):
        match_closures([], [], min_overlap=0)
