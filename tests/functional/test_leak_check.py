"""Expected codes: dictionaries filled in a loop."""

from collections import defaultdict

import numpy as np
import pytest

from ocec.functional.leak_check import codes_in_several_parts, codes_of_digests


@pytest.mark.parametrize('seed', range(3))
def test_codes_are_those_of_a_loop(seed):
    rng = np.random.default_rng(seed)
    code_N, part_N = rng.integers(-1, 30, 60), rng.integers(-1, 3, 60)
    parts = defaultdict(set)
    for code, part in zip(code_N.tolist(), part_N.tolist(), strict=True):
        if code >= 0 and part >= 0:
            parts[code].add(part)
    expected = sorted(code for code, found in parts.items() if len(found) > 1)
    assert expected
    assert codes_in_several_parts(code_N, part_N).tolist() == expected


def test_a_code_in_three_parts_comes_once():
    code_N, part_N = np.array([5, 5, 5, 5]), np.array([0, 1, 2, 0])
    assert codes_in_several_parts(code_N, part_N).tolist() == [5]


def test_what_is_not_known_is_in_no_part():
    code_N, part_N = np.array([-1, -1, 4, 4]), np.array([0, 1, 0, -1])
    assert codes_in_several_parts(code_N, part_N).tolist() == []


def test_no_rows_have_no_codes():
    empty = np.empty(0, np.int64)
    assert len(codes_in_several_parts(empty, empty)) == 0
    assert len(codes_of_digests(np.empty((0, 2), np.uint64), np.empty(0, bool))) == 0


def test_shapes_must_agree():
    message = r'code and part must have one shape, got \(2,\) and \(3,\)'
    with pytest.raises(ValueError, match=message):
        codes_in_several_parts(np.zeros(2, int), np.zeros(3, int))


def test_digests_are_equal_in_both_halves():
    digest_N2 = np.array([[1, 2], [1, 3], [4, 2], [1, 2], [0, 0], [0, 0]], np.uint64)
    usable_N = np.array([True, True, True, True, True, False])
    code_N = codes_of_digests(digest_N2, usable_N)
    assert code_N[0] == code_N[3]
    assert len({code_N[0], code_N[1], code_N[2], code_N[4]}) == 4
    assert code_N[5] == -1
    assert (code_N[:5] >= 0).all()
