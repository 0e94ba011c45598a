"""Expected batches: written out by hand, or those of one process without workers."""

import numpy as np
import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, IterableDataset

from ocec.datasets.samplers import DefaultSampler
from ocec.engine.train_batches import TrainBatches


class Numbers(Dataset):
    """Each sample is its index and what is drawn while it is read."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        return index, torch.rand(1).item(), np.random.rand()


class Plain(Numbers):
    pipeline = None


def make(dataset, batch_size=4, sampler=None, **settings):
    sampler = sampler or DefaultSampler(dataset, shuffle=False, seed=0)
    # as the runner does: a loader without one draws from the global generator
    settings['generator'] = torch.Generator()
    return DataLoader(dataset, batch_size, sampler=sampler, collate_fn=list, **settings)


def read(loader, *place, seed=7):
    return [(n, batch) for n, batch in TrainBatches(loader, seed).of_epoch(*place)]


def indices(batches):
    return [[sample[0] for sample in batch] for _, batch in batches]


def test_workers_and_a_later_start_change_nothing():
    expected = read(make(Numbers(18)), 3)
    assert indices(expected) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11],
                                 [12, 13, 14, 15], [16, 17]]  # fmt: skip
    torch.rand(5)
    workers = make(Numbers(18), num_workers=2, persistent_workers=True)
    assert read(workers, 3) == expected
    assert read(make(Numbers(18)), 3, 8) == expected[2:]
    assert read(make(Numbers(18), num_workers=1), 3, 8) == expected[2:]


def test_every_batch_epoch_and_seed_draws_anew():
    batches = [
        *read(make(Numbers(8)), 0),
        *read(make(Numbers(8)), 1),
        *read(make(Numbers(8)), 0, seed=8),
    ]
    drawn = {sample[1] for _, batch in batches for sample in batch}
    assert len(drawn) == 24


def test_reading_leaves_the_random_numbers_of_the_model_alone():
    torch.manual_seed(0)
    expected = torch.rand(3).tolist()
    torch.manual_seed(0)
    found = []
    for _ in TrainBatches(make(Numbers(12)), 7).of_epoch(0):
        found.append(torch.rand(1).item())
    assert found == expected


def test_a_plain_dataset_is_not_seeded():
    torch.manual_seed(0)
    expected = torch.rand(4).tolist()
    torch.manual_seed(0)
    [(_, batch)] = read(make(Plain(4)), 0)
    assert [sample[1] for sample in batch] == pytest.approx(expected)


@pytest.mark.parametrize(
    ('seen', 'begun_with', 'numbers', 'expected'),
    [
        # begun by one as now, but not at the border of a batch
        (6, 1, [2, 3], [[6, 7, 8, 9], [10, 11]]),
        # begun by two: what both have seen is the beginning of the epoch
        (8, 2, [3], [[8, 9, 10, 11]]),
        # a last batch of one takes another image along
        (7, 2, [2, 3], [[7, 8, 9, 10], [10, 11]]),
        (11, 3, [3], [[11, 11]]),
        (12, 2, [], []),
        (13, 2, [], []),
    ],
)
def test_the_rest_of_an_epoch_that_others_began(seen, begun_with, numbers, expected):
    # of 13 rows: the loader of a run leaves the last one out
    loader = make(Plain(12))
    loader_of_13 = make(Plain(12), batch_size=4)
    assert len(loader_of_13) == 3
    found = read(loader, 0, seen, begun_with)
    assert indices(found) == expected
    del numbers


def test_a_sampler_that_cannot_go_on_is_skipped_through():
    class Backwards:
        def __iter__(self):
            return iter(range(11, -1, -1))

        def __len__(self):
            return 12

    loader = make(Plain(12), sampler=Backwards())
    assert indices(read(loader, 0, 4)) == [[7, 6, 5, 4], [3, 2, 1, 0]]


def test_other_ranks_and_such_a_sampler_are_told(log_records):
    loader = make(Plain(12), sampler=torch.utils.data.SequentialSampler(range(12)))
    found = read(loader, 0, 8, 2)
    assert indices(found) == [[8, 9, 10, 11]]
    assert 'SequentialSampler cannot divide the rest of an epoch over 1 ranks' in (
        log_records[-1].getMessage()
    )


def test_a_dataset_that_iterates_is_read_as_it_comes():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(range(5))

    loader = DataLoader(Stream(), 2, collate_fn=list)
    assert read(loader, 0) == [(0, [0, 1]), (1, [2, 3]), (2, [4])]


def test_a_sampler_of_batches_of_ones_own():
    dataset = Plain(6)
    batches = BatchSampler(DefaultSampler(dataset, shuffle=False, seed=0), 2, True)
    loader = DataLoader(dataset, batch_sampler=batches, collate_fn=list)
    assert indices(read(loader, 0, 2)) == [[2, 3], [4, 5]]
