"""Expected pairs: a loop over every pair. Expected cells: OpenCV's INTER_AREA."""

import warnings
from itertools import combinations

import cv2
import numpy as np
import pytest

from ocec.functional.perceptual_hash import (
    correlate_pairs,
    dhash,
    iter_near_pairs,
    near_pairs,
)


def random_hashes(num, num_centres, num_flips, seed=0):
    """Hashes in clusters: num_flips random bits away from a few centres."""
    rng = np.random.default_rng(seed)
    centre = rng.integers(0, 2**64, num_centres, dtype=np.uint64)
    hash_N = rng.choice(centre, num)
    for _ in range(num_flips):
        hash_N = hash_N ^ (np.uint64(1) << rng.integers(0, 64, num).astype(np.uint64))
    return hash_N


def pairs_by_loop(hash_N, max_distance, part_N=None):
    values = [int(h) for h in hash_N]
    return [
        [i, j]
        for i, j in combinations(range(len(values)), 2)
        if (values[i] ^ values[j]).bit_count() <= max_distance
        and (part_N is None or part_N[i] != part_N[j])
    ]


# the hash


@pytest.mark.parametrize('size', [(40, 72), (20, 36), (5, 9)])
def test_bits_are_the_differences_of_cells_of_equal_area(size):
    rng = np.random.default_rng(1)
    gray_NHW = rng.integers(0, 256, (20, *size), dtype=np.uint8)
    for gray_HW, value in zip(gray_NHW, dhash(gray_NHW), strict=True):
        # sizes that 5 and 9 divide: OpenCV's mean is that of whole pixels
        cells = cv2.resize(
            gray_HW.astype(np.float64), (9, 5), interpolation=cv2.INTER_AREA
        )
        bits = [cells[y, x + 1] > cells[y, x] for y in range(4) for x in range(8)]
        bits += [cells[y + 1, x] > cells[y, x] for y in range(4) for x in range(8)]
        packed = np.packbits(bits).view(np.uint64)[0]
        assert int(packed ^ value).bit_count() == 0


def test_a_size_that_is_no_multiple_shares_pixels_between_cells():
    # 10 columns in 9 cells: cut each into 9, so that a cell is 10 of those
    row = np.array([0, 0, 90, 0, 0, 10, 0, 200, 0, 3])
    fine = np.repeat(row, 9).reshape(9, 10).sum(axis=1)
    expected = np.tile(fine[1:] > fine[:-1], 4)
    gray = np.tile(row.astype(np.uint8), (7, 1))[None]
    bits = np.unpackbits(dhash(gray).view(np.uint8))
    assert bits[:32].tolist() == expected.tolist()
    assert not bits[32:].any()  # all rows are equal


@pytest.mark.parametrize('size', [(1, 1), (3, 2), (17, 31)])
def test_a_picture_of_one_grey_level_is_zero(size):
    gray_NHW = np.stack([np.full(size, level, np.uint8) for level in (0, 77, 255)])
    assert dhash(gray_NHW).tolist() == [0, 0, 0]


def test_exposure_and_contrast_do_not_matter():
    rng = np.random.default_rng(2)
    gray_NHW = rng.integers(0, 100, (5, 24, 40), dtype=np.uint8)
    assert dhash(gray_NHW * 2 + 30).tolist() == dhash(gray_NHW).tolist()


def test_no_pictures_have_no_hashes():
    assert dhash(np.empty((0, 8, 8), np.uint8)).shape == (0,)


@pytest.mark.parametrize(
    ('gray', 'got'),
    [
        (np.zeros((4, 4), np.uint8), r'uint8 \(4, 4\)'),
        (np.zeros((2, 4, 4), np.float32), r'float32 \(2, 4, 4\)'),
        (np.zeros((2, 0, 4), np.uint8), r'uint8 \(2, 0, 4\)'),
    ],
)
def test_what_is_no_stack_of_grey_pictures_is_refused(gray, got):
    message = rf'gray must be uint8 of shape \(N, H, W\) with pixels, got {got}'
    with pytest.raises(ValueError, match=message):
        dhash(gray)


# the pairs


@pytest.mark.parametrize('max_distance', [0, 1, 3, 6, 12, 63])
@pytest.mark.parametrize('parts', [None, 3])
def test_pairs_are_those_of_a_loop(max_distance, parts):
    hash_N = random_hashes(120, num_centres=15, num_flips=3)
    part_N = None if parts is None else np.arange(120) % parts
    pairs_P2 = near_pairs(hash_N, max_distance, part_N=part_N, max_same=200)
    assert pairs_P2.tolist() == pairs_by_loop(hash_N, max_distance, part_N)
    assert pairs_P2.dtype == np.int64
    assert pairs_P2.shape[1] == 2


def test_large_buckets_are_compared_in_tiles(monkeypatch):
    monkeypatch.setattr('ocec.functional.perceptual_hash.TILE', 7)
    hash_N = random_hashes(60, num_centres=2, num_flips=4)
    assert near_pairs(hash_N, 5).tolist() == pairs_by_loop(hash_N, 5)
    pieces = list(iter_near_pairs(hash_N, 5))
    assert len(pieces) > 10
    assert max(map(len, pieces)) <= 7 * 7


@pytest.mark.parametrize('num', [0, 1])
def test_too_few_rows_have_no_pairs(num):
    assert near_pairs(np.zeros(num, np.uint64), 3).shape == (0, 2)


def test_rows_of_one_hash_do_not_explode():
    # 1,000 black pictures have 499,500 pairs
    hash_N = np.concatenate([np.zeros(1000, np.uint64), np.uint64([3, 2**63 + 2**40])])
    with pytest.warns(UserWarning, match='990 rows have the hash of more than 10 oth'):
        pairs_P2 = near_pairs(hash_N, 2, max_same=10)
    # 10 with each other, 990 with the first, and 10 with each of the two neighbours
    assert len(pairs_P2) == 45 + 990 + 20
    assert pairs_P2[pairs_P2[:, 1] == 999].tolist() == [[0, 999]]
    # still one cluster: every row is linked to row 0
    assert set(pairs_P2[pairs_P2[:, 0] == 0, 1]) == set(range(1, 1002))


def test_rows_of_one_hash_are_thinned_out_within_their_part():
    part_N = np.array([0] * 50 + [1] * 3)
    with pytest.warns(UserWarning, match='49 rows .* 2 others .2 such hashes'):
        pairs_P2 = near_pairs(np.zeros(53, np.uint64), 0, part_N=part_N, max_same=2)
    assert pairs_P2.tolist() == [[0, 50], [0, 51], [1, 50], [1, 51]]


def test_few_rows_of_one_hash_are_no_reason_to_warn():
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert len(near_pairs(np.zeros(5, np.uint64), 0, max_same=5)) == 10


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        ({'hash_N': np.zeros(3)}, r'hash must be uint64 .*, got float64 \(3,\)'),
        ({'hash_N': np.zeros((1, 2), np.uint64)}, r'got uint64 \(1, 2\)'),
        ({'max_distance': -1}, r'max_distance must be in \[0, 63\], got -1'),
        ({'max_distance': 64}, r'max_distance must be in \[0, 63\], got 64'),
        ({'part_N': np.zeros(2)}, r'part must have .* got \(2,\) and \(3,\)'),
        ({'max_same': 0}, 'max_same must be >= 1, got 0'),
    ],
)
def test_bad_arguments_are_named(kwargs, message):
    with pytest.raises(ValueError, match=message):
        near_pairs(**{'hash_N': np.zeros(3, np.uint64), **kwargs})


# the confirmation


def test_correlation_is_numpys():
    rng = np.random.default_rng(3)
    gray_NHW = rng.integers(0, 256, (6, 12, 24), dtype=np.uint8)
    gray_NHW[4] = 255 - gray_NHW[3]
    pairs_P2 = np.array([[0, 1], [3, 4], [5, 2], [1, 1]])
    flat = gray_NHW.reshape(6, -1)
    expected = [np.corrcoef(flat[i], flat[j])[0, 1] for i, j in pairs_P2]
    found = correlate_pairs(gray_NHW, pairs_P2)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.dtype == np.float32
    assert found[1] == pytest.approx(-1)


def test_a_constant_picture_correlates_with_nothing():
    gray_NHW = np.stack([np.full((4, 4), 9), np.arange(16).reshape(4, 4)])
    pairs_P2 = np.array([[0, 1], [0, 0]])
    assert correlate_pairs(gray_NHW.astype(np.uint8), pairs_P2).tolist() == [0, 0]
