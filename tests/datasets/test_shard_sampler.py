from types import SimpleNamespace

import numpy as np
import pytest

from ocec.datasets import shard_sampler as module
from ocec.datasets.shard_sampler import ShardBatchSampler, ShardSampler


def dataset_of(num_samples=97, *, lanes=2, buffer_rows=16, name='a.parquet'):
    """A dataset of chunks of 7 samples, two to a row group, four to a file."""

    class Dataset:
        first_index_C = np.append(np.arange(0, num_samples, 7), num_samples)
        num_chunks = len(first_index_C) - 1
        chunks = SimpleNamespace(
            file_C=np.arange(num_chunks) // 4,
            number_of_row_group_C=np.arange(num_chunks) // 2,
            first_row_C=first_index_C,
            files=(name, 'b.parquet'),
        )

        def __len__(self):
            return num_samples

    Dataset.lanes, Dataset.buffer_rows = lanes, buffer_rows
    return Dataset()


@pytest.fixture
def make_ranks(monkeypatch):
    """Return a factory: the batch samplers of all ranks of a run."""

    def make(ranks, dataset=None, *, batch_size=8, drop_last=False, **settings):
        samplers = []
        dataset = dataset or dataset_of()
        for rank in range(ranks):
            monkeypatch.setattr(module, 'get_dist_info', lambda r=rank: (r, ranks))
            sampler = ShardSampler(dataset, **{'seed': 5, **settings})
            samplers.append(ShardBatchSampler(sampler, batch_size, drop_last))
        return samplers

    return make


def flat(batches):
    return [sample for batch in batches for sample in batch]


@pytest.mark.parametrize('ranks', [1, 3, 8])
@pytest.mark.parametrize('whole_files', [True, False])
def test_the_ranks_read_every_sample_once(make_ranks, ranks, whole_files):
    samplers = make_ranks(ranks, whole_files=whole_files)
    batches = [list(sampler) for sampler in samplers]
    assert {len(of_rank) for of_rank in batches} == {len(samplers[0])}
    seen = flat(flat(batches))
    assert set(seen) == set(range(97))
    assert len(seen) == -(-97 // ranks) * ranks  # fewer than one per rank comes twice


def test_an_epoch_has_its_own_order_and_always_the_same(make_ranks):
    (sampler,) = make_ranks(1)
    orders = []
    for epoch in (0, 1, 0):
        sampler.sampler.set_epoch(epoch)
        orders.append(flat(sampler))
    assert orders[0] == orders[2]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])
    (other,) = make_ranks(1, seed=6)
    assert flat(other) != orders[0]


def test_files_stay_together_or_row_groups_do(make_ranks):
    dataset = dataset_of(112, lanes=1, buffer_rows=1)
    (by_file,) = make_ranks(1, dataset)
    (by_group,) = make_ranks(1, dataset, whole_files=False)
    # a window of one sample shuffles nothing: 28 samples of a file, 14 of a row group
    files = np.array(flat(by_file)).reshape(-1, 28)
    assert (np.diff(files, axis=1) == 1).all()
    groups = np.array(flat(by_group)).reshape(-1, 14)
    assert (np.diff(groups, axis=1) == 1).all()
    assert sorted(groups[:, 0].tolist()) != groups[:, 0].tolist()
    assert (np.diff(groups[:, 0].reshape(-1, 2), axis=1) != 14).any()


def test_without_shuffling_the_samples_are_in_order(make_ranks):
    samplers = make_ranks(2, dataset_of(lanes=1), shuffle=False)
    assert flat(flat(map(list, samplers))) == [*range(97), 0]


def test_without_a_batch_sampler_it_is_one_lane(make_ranks):
    samplers = make_ranks(2)
    seen = [list(sampler.sampler) for sampler in samplers]
    assert [len(of_rank) for of_rank in seen] == [49, 49]
    assert len(samplers[0].sampler) == 49
    assert set(flat(seen)) == set(range(97))


def test_the_last_short_batch_can_be_left_out(make_ranks):
    (sampler,) = make_ranks(1, drop_last=True)
    assert len(sampler) == len(list(sampler)) == 12
    assert {len(batch) for batch in sampler} == {8}


@pytest.mark.parametrize('num_steps', [0, 1, 4])
def test_a_resumed_epoch_goes_on_where_it_was(make_ranks, num_steps):
    samplers = make_ranks(3)
    whole = [list(sampler) for sampler in samplers]
    for sampler in samplers:
        sampler.sampler.go_on(num_steps * 8 * 3, 3)
    assert [list(s) for s in samplers] == [batches[num_steps:] for batches in whole]
    assert len(samplers[0]) == len(whole[0])  # of the whole epoch


@pytest.mark.parametrize(('before', 'after'), [(3, 2), (2, 3), (4, 1)])
def test_other_ranks_share_what_is_left_of_an_epoch(make_ranks, before, after):
    num_steps = 2
    seen = flat(flat(list(s)[:num_steps] for s in make_ranks(before)))
    samplers = make_ranks(after)
    for sampler in samplers:
        sampler.sampler.go_on(num_steps * 8 * before, before)
    left = [flat(sampler) for sampler in samplers]
    assert len({len(of_rank) for of_rank in left}) == 1
    assert set(seen) | set(flat(left)) == set(range(97))
    assert len(seen) + len(flat(left)) < 97 + before + after
    for sampler in samplers:  # the next epoch is whole again
        sampler.sampler.go_on(0, after)
    assert set(flat(flat(map(list, samplers)))) == set(range(97))


def test_ranks_that_read_different_files_are_told(monkeypatch):
    theirs = module._describe(dataset_of(90, name='other.parquet'))
    monkeypatch.setattr(module, 'all_gather_object', lambda mine: [mine, theirs])
    with pytest.raises(
        ValueError,
        match='the ranks read different data: rank 0 has 97 images of a.parquet and 1 '
        'more, rank 1 has 90 of other.parquet and 1 more; every machine needs',
    ):
        ShardSampler(dataset_of())


def test_another_dataset_is_refused():
    with pytest.raises(
        ValueError, match='needs an EyeParquetStream, got a list: use D'
    ):
        ShardSampler([1, 2])


def test_another_sampler_is_refused():
    with pytest.raises(ValueError, match='needs sampler=.*ShardSampler.*, got a list'):
        ShardBatchSampler([1], 4)
