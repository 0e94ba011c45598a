"""Expected partners: a loop over all pairs with numpy's corrcoef."""

import numpy as np
import pytest

from ocec.functional.perceptual_hash import dhash
from ocec.preparation import near_duplicates as module
from ocec.preparation.check_pictures import PICTURE_DTYPE, digest_of
from ocec.preparation.near_duplicates import find_near_duplicates, pairs_to_show


def facts_of(thumb_NHW):
    facts_N = np.zeros(len(thumb_NHW), PICTURE_DTYPE)
    facts_N['height'], facts_N['width'] = 12, 24
    facts_N['hash'] = dhash(thumb_NHW)
    for facts, thumb in zip(facts_N, thumb_NHW, strict=True):
        facts['digest'] = digest_of(thumb[..., None])
    return facts_N


def smooth(num, seed=0):
    """Different pictures: sums of a few waves."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:12, :24]
    images = np.zeros((num, 12, 24))
    for _ in range(4):
        a, b, c = rng.uniform(-0.8, 0.8, (3, num, 1, 1))
        images += np.sin(a * x + b * y + 9 * c)
    return (127 + 30 * images).clip(0, 255).astype(np.uint8)


def noisy(thumb_NHW, seed=1):
    noise = np.random.default_rng(seed).normal(0, 4, thumb_NHW.shape)
    return (thumb_NHW + noise).clip(0, 255).astype(np.uint8)


@pytest.fixture
def scene():
    """20 pictures in train; in val noisy ones of 0-4, mirrored ones of 5-7, 3 new."""
    train = smooth(20)
    val = [noisy(train[:5]), noisy(train[5:8, :, ::-1], 2), smooth(3, seed=9)]
    thumb_NHW = np.concatenate([train, *val])
    part_N = np.array([0] * 20 + [1] * 11)
    return facts_of(thumb_NHW), thumb_NHW, part_N


def best_by_loop(thumb_NHW, part_N, least):
    best = {}
    for i in np.flatnonzero(part_N >= 0):
        for j in np.flatnonzero(part_N >= 0):
            if part_N[i] != part_N[j]:
                for mirrored in (False, True):
                    other = thumb_NHW[j][:, ::-1] if mirrored else thumb_NHW[j]
                    r = np.corrcoef(thumb_NHW[i].ravel(), other.ravel())[0, 1]
                    if r >= least and r > best.get(i, (0,))[0]:
                        best[i] = (r, j, mirrored)
    return best


@pytest.mark.parametrize('chunk', [1, 100_000])
def test_partners_are_those_of_a_loop(scene, monkeypatch, chunk):
    monkeypatch.setattr(module, 'PAIRS_PER_CHUNK', chunk)
    facts_N, thumb_NHW, part_N = scene
    # a wide net of hashes, so that only the correlation decides
    near = find_near_duplicates(facts_N, thumb_NHW, part_N, max_distance=40)
    expected = best_by_loop(thumb_NHW, part_N, 0.96)
    assert np.flatnonzero(near.partner_N >= 0).tolist() == sorted(expected)
    for row, (r, partner, mirrored) in expected.items():
        assert near.partner_N[row] == partner
        assert near.mirrored_N[row] == mirrored
        assert near.correlation_N[row] == pytest.approx(r, abs=1e-5)
    assert (near.correlation_N[near.partner_N < 0] == 0).all()
    assert near.notes == ()


def test_the_usual_limits_find_frames_and_mirror_images(scene):
    near = find_near_duplicates(*scene)
    assert near.partner_N[20:].tolist() == [*range(8), -1, -1, -1]
    assert near.mirrored_N[20:].tolist() == [False] * 5 + [True] * 3 + [False] * 3
    assert near.num_pairs == 8


def test_rows_of_no_part_unreadable_and_plain_ones_are_left_out(scene):
    facts_N, thumb_NHW, part_N = scene
    part_N[20] = -1
    facts_N['height'][21] = 0
    thumb_NHW[[2, 22]] = 99  # both plain: equal, but nothing to correlate
    facts_N['hash'] = dhash(thumb_NHW)
    near = find_near_duplicates(facts_N, thumb_NHW, part_N)
    assert near.partner_N[[20, 21, 22]].tolist() == [-1, -1, -1]
    assert near.partner_N[[23, 24]].tolist() == [3, 4]


def test_each_copy_has_its_partner(scene):
    facts_N, thumb_NHW, part_N = scene
    # 200 copies of picture 0 in train and 150 of its noisy version in val
    again = np.array([0] * 200 + [20] * 150)
    facts_N = np.concatenate([facts_N, facts_N[again]])
    thumb_NHW = np.concatenate([thumb_NHW, thumb_NHW[again]])
    part_N = np.concatenate([part_N, part_N[again]])
    near = find_near_duplicates(facts_N, thumb_NHW, part_N)
    assert set(near.partner_N[31:231]) == {20}
    assert set(near.partner_N[231:]) == {0}
    assert near.num_pairs == 8
    assert near.notes == ()


def test_too_many_of_one_hash_are_told():
    # 70 versions of one picture in each part that differ in a pixel too little to hash
    thumb_NHW = np.repeat(smooth(1), 140, axis=0)
    facts_N = facts_of(thumb_NHW)
    facts_N['digest'][:, 0] = np.arange(140)
    near = find_near_duplicates(facts_N, thumb_NHW, np.arange(140) % 2)
    [note] = near.notes
    assert note.startswith('Of more than 64 different pictures of one split with one ')
    assert (near.partner_N >= 0).sum() == 128


def test_parts_may_be_one_or_none(scene):
    facts_N, thumb_NHW, part_N = scene
    for parts in (np.zeros_like(part_N), np.full_like(part_N, -1)):
        near = find_near_duplicates(facts_N, thumb_NHW, parts)
        assert (near.partner_N == -1).all()
        assert near.num_pairs == 0
        assert pairs_to_show(near, 5).shape == (0, 2)


@pytest.mark.parametrize('value', [0, -0.5, 1.01, float('nan')])
def test_a_correlation_out_of_range_is_refused(scene, value):
    message = rf'min_correlation must be in \(0, 1\], got {value}'
    with pytest.raises(ValueError, match=message):
        find_near_duplicates(*scene, min_correlation=value)


def test_pairs_to_show_run_from_the_most_to_the_least_similar(scene):
    near = find_near_duplicates(*scene)
    every = pairs_to_show(near, 100)
    assert sorted(every.tolist()) == [[row, 20 + row] for row in range(8)]
    similar = near.correlation_N[every[:, 1]]
    assert (np.diff(similar) <= 0).all()
    some = pairs_to_show(near, 3)
    assert some.tolist()[0] == every.tolist()[0]
    assert some.tolist()[2] == every.tolist()[7]
