import numpy as np
import pytest

from ocec.datasets.shard_order import (
    ListedSamples,
    RankShare,
    ShuffledShards,
    count_batches,
    lane_ends,
    rest_of_ranks,
)

# three files of 2, 1 and 2 chunks with 3, 2 | 4 | 0, 1 samples
FIRST_INDEX_C = np.array([0, 3, 5, 9, 9, 10])
UNIT_C = np.array([0, 0, 1, 2, 2])
EVERY = [(1, 1, 1), (1, 4, 3), (3, 4, 1), (3, 4, 2), (4, 3, 5), (64, 8, 4)]


def line_of(num_samples, chunk=7, per_file=3, seed=0):
    first = np.append(np.arange(0, num_samples, chunk), num_samples)
    units = np.arange(len(first) - 1) // per_file
    return ShuffledShards(first, units, np.random.default_rng(seed))


def shares_of(line, ranks, batch_size, lanes, window=10, seed=(1, 2), **settings):
    return [
        RankShare(line, rank, ranks, batch_size, lanes, window, seed, **settings)
        for rank in range(ranks)
    ]


def test_files_are_shuffled_and_their_samples_are_in_sequence():
    orders = set()
    for seed in range(20):
        line = ShuffledShards(FIRST_INDEX_C, UNIT_C, np.random.default_rng(seed))
        assert len(line) == 10
        samples = line.take(0, 10).tolist()
        files = [[0, 1, 2, 3, 4], [5, 6, 7, 8], [9]]
        order = sorted(range(3), key=lambda file: samples.index(files[file][0]))
        assert samples == [sample for file in order for sample in files[file]]
        orders.add(tuple(order))
    assert len(orders) == 6  # all orders of three files, of 20 draws


def test_without_a_generator_the_order_stays():
    line = ShuffledShards(FIRST_INDEX_C, UNIT_C)
    assert line.take(0, 10).tolist() == list(range(10))


@pytest.mark.parametrize(
    'line', [ShuffledShards(FIRST_INDEX_C, UNIT_C), ListedSamples(np.arange(10))]
)
def test_behind_its_end_a_line_begins_anew(line):
    assert line.take(8, 13).tolist() == [8, 9, 0, 1, 2]


@pytest.mark.parametrize(('ranks', 'batch_size', 'lanes'), EVERY)
@pytest.mark.parametrize('num_samples', [1, 50, 97])
def test_every_sample_comes_once(num_samples, ranks, batch_size, lanes):
    line = line_of(num_samples)
    shares = shares_of(line, ranks, batch_size, lanes)
    sizes = {len(np.concatenate(list(share.batches()))) for share in shares}
    assert sizes == {-(-num_samples // ranks)}  # all ranks take as many steps
    seen = np.concatenate([np.concatenate(list(share.batches())) for share in shares])
    # those that fill up the ranks are the first of the line
    num_more = len(seen) - num_samples
    expected = np.append(np.arange(num_samples), line.take(0, num_more))
    assert sorted(seen.tolist()) == sorted(expected.tolist())


@pytest.mark.parametrize(('ranks', 'batch_size', 'lanes'), EVERY)
def test_all_batches_but_the_last_are_full(ranks, batch_size, lanes):
    for share in shares_of(line_of(97), ranks, batch_size, lanes):
        sizes = [len(batch) for batch in share.batches()]
        assert len(sizes) == len(share)
        assert sizes[:-1] == [batch_size] * (len(sizes) - 1)
        assert sum(sizes) == share.num_samples


def test_drop_last_leaves_the_short_batch_out():
    whole, cut = (
        list(shares_of(line_of(97), 1, 8, 3, drop_last=drop)[0].batches())
        for drop in (False, True)
    )
    assert len(whole) == 13
    assert len(cut) == 12
    assert all((a == b).all() for a, b in zip(cut, whole, strict=False))


@pytest.mark.parametrize(('ranks', 'batch_size', 'lanes'), EVERY)
def test_batches_from_the_middle_are_those_of_the_whole(ranks, batch_size, lanes):
    share = shares_of(line_of(97), ranks, batch_size, lanes)[-1]
    whole = [batch.tolist() for batch in share.batches()]
    for first in range(len(whole) + 1):
        assert [batch.tolist() for batch in share.batches(first)] == whole[first:]


def test_each_lane_stays_in_its_own_stretch():
    share = shares_of(ShuffledShards(np.arange(41), np.zeros(40, int)), 2, 4, 2)[1]
    batches = list(share.batches())
    # rank 1 of 2 has 20..39; 5 batches of 4: lane 0 has three of them, lane 1 two
    assert {x for batch in batches[::2] for x in batch.tolist()} == set(range(20, 32))
    assert {x for batch in batches[1::2] for x in batch.tolist()} == set(range(32, 40))


def test_samples_are_shuffled_within_windows_only():
    share = shares_of(line_of(100, seed=3), 1, 5, 1, window=20)[0]
    samples = np.concatenate(list(share.batches())).reshape(5, 20)
    expected = share.line.take(0, 100).reshape(5, 20)
    assert np.array_equal(np.sort(samples, 1), np.sort(expected, 1))
    assert ((samples != expected).sum(1) > 10).all()


def test_windows_of_the_lanes_begin_by_turns():
    share = shares_of(line_of(400), 1, 5, 2, window=20)[0]
    begins = [
        [share._window_at(lane, place, 200)[1] for place in range(0, 60, 5)]
        for lane in range(2)
    ]
    # the first window of lane 0 has half as many
    assert begins[0] == [0, 0, 10, 10, 10, 10, 30, 30, 30, 30, 50, 50]
    assert begins[1] == [0, 0, 0, 0, 20, 20, 20, 20, 40, 40, 40, 40]


def test_without_a_seed_nothing_is_shuffled():
    line = ShuffledShards(FIRST_INDEX_C, UNIT_C)
    share = shares_of(line, 1, 4, 1, seed=None)[0]
    expected = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert [batch.tolist() for batch in share.batches()] == expected


@pytest.mark.parametrize(('ranks', 'batch_size', 'lanes'), [(1, 4, 2), (3, 4, 2)])
@pytest.mark.parametrize('first', [0, 1, 5])
def test_the_rest_of_all_ranks_is_what_they_have_not_seen(
    ranks, batch_size, lanes, first
):
    line = line_of(97)
    shares = shares_of(line, ranks, batch_size, lanes)
    seen = [
        batch.tolist() for share in shares for batch in list(share.batches())[:first]
    ]
    rest = rest_of_ranks(shares, first)
    left = rest.take(0, len(rest)).tolist()
    assert len(set(left)) == len(left)
    # what fills up the ranks may have been seen by one and be left for another
    assert set(left) | {x for batch in seen for x in batch} == set(range(97))
    twice = set(left) & {x for batch in seen for x in batch}
    assert len(twice) < ranks


def test_numbers_of_batches():
    assert count_batches(10, 4, drop_last=False) == 3
    assert count_batches(10, 4, drop_last=True) == 2
    assert count_batches(0, 4, drop_last=False) == 0


@pytest.mark.parametrize(
    ('num_samples', 'lanes', 'expected'),
    # batches of 4: 0, 4, 8 and 12 are the beginnings
    [
        (16, 2, [8, 16]),
        (13, 2, [8, 13]),  # batches 0, 2 | 1, 3 of one sample
        (10, 2, [6, 10]),  # batches 0, 2 of two samples | 1
        (3, 2, [3, 3]),
        (0, 2, [0, 0]),
    ],
)
def test_lanes_hold_whole_batches(num_samples, lanes, expected):
    assert lane_ends(num_samples, 4, lanes).tolist() == expected
