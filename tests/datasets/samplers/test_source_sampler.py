"""Expected counts: by hand."""

from collections import Counter

import numpy as np
import pytest

from ocec.datasets.samplers import SourceSampler, source_sampler
from ocec.datasets.samplers.source_sampler import spread_evenly
from ocec.registry import DATA_SAMPLERS


class Mix:
    """Images 0-29 are of a, a third of them open; 30-39 of b, half of them."""

    metainfo = {'classes': ('closed', 'open')}
    index_ranges = {'a': range(30), 'b': range(30, 40)}
    labels = np.array([0, 0, 1] * 10 + [0, 1] * 5)

    def __len__(self):
        return 40


@pytest.fixture
def on_ranks(monkeypatch):
    """Return the draws of each of some ranks."""

    def draw(world_size, epoch=0, **kwargs):
        drawn = []
        for rank in range(world_size):
            monkeypatch.setattr(
                source_sampler, 'get_dist_info', lambda rank=rank: (rank, world_size)
            )
            sampler = SourceSampler(Mix(), **kwargs)
            sampler.set_epoch(epoch)
            drawn.append(list(sampler))
            assert len(drawn[-1]) == len(sampler)
        return drawn

    return draw


def batches_of(drawn, size):
    return [drawn[start : start + size] for start in range(0, len(drawn), size)]


def from_b(indices):
    return sum(index >= 30 for index in indices)


def messages(log_records):
    return [record.getMessage() for record in log_records]


# the shares


@pytest.mark.parametrize('world_size', [1, 2, 3])
@pytest.mark.parametrize('size', [4, 8, 20])
def test_every_batch_of_every_rank_has_exactly_its_share(on_ranks, world_size, size):
    shares = {'a': 1, 'b': 3}
    for drawn in on_ranks(world_size, shares=shares, num_samples=120, seed=3):
        for batch in batches_of(drawn, size):
            assert from_b(batch) == 0.75 * len(batch)


def test_a_batch_that_cannot_be_divided_alternates(on_ranks):
    [drawn] = on_ranks(1, shares={'a': 0.25, 'b': 0.75}, num_samples=600, seed=0)
    counts = Counter(from_b(batch) for batch in batches_of(drawn, 6))
    assert set(counts) == {4, 5}  # 4.5 each
    assert counts[4] == counts[5] == 50


def test_classes_are_balanced_inside_each_source(on_ranks):
    [drawn] = on_ranks(
        1, shares={'a': 0.25, 'b': 0.75}, class_balanced=True, num_samples=80, seed=0
    )
    for batch in batches_of(drawn, 8):
        kinds = Counter((index >= 30, int(Mix.labels[index])) for index in batch)
        assert kinds == {(0, 0): 1, (0, 1): 1, (1, 0): 3, (1, 1): 3}


def test_without_shares_each_image_comes_once(on_ranks):
    [drawn] = on_ranks(1, seed=0)
    assert sorted(drawn) == list(range(40))
    assert drawn != list(range(40))
    # and spread: 1 of 4 is of b
    assert [from_b(batch) for batch in batches_of(drawn, 4)] == [1] * 10


def test_an_image_comes_again_only_after_all_others(on_ranks):
    [drawn] = on_ranks(1, shares={'a': 0.5, 'b': 0.5}, num_samples=100, seed=1)
    assert set(Counter(i for i in drawn if i >= 30).values()) == {5}
    assert set(Counter(i for i in drawn if i < 30).values()) == {1, 2}
    [first, second, *_] = batches_of([i for i in drawn if i >= 30], 10)
    assert sorted(first) == sorted(second)
    assert first != second


def test_an_epoch_that_shows_one_source_once(on_ranks):
    [drawn] = on_ranks(1, shares={'a': 0.25, 'b': 0.75}, num_samples='b', seed=0)
    assert len(drawn) == 14  # 10 / 0.75 rounded up
    assert {i for i in drawn if i >= 30} == set(range(30, 40))


# first A, then B


def test_first_a_then_both_then_b(on_ranks):
    stages = {
        'shares': {'a': 1},
        'schedule': [
            {'begin': 2, 'shares': {'a': 1, 'b': 1}},
            {'begin': 5, 'shares': {'b': 1}},
        ],
        'num_samples': 20,
        'seed': 0,
    }
    counts = [from_b(on_ranks(1, epoch, **stages)[0]) for epoch in range(7)]
    assert counts == [0, 0, 10, 10, 10, 20, 20]


def test_the_length_of_an_epoch_is_that_of_the_last_stage(on_ranks):
    schedule = [{'begin': 1, 'shares': {'a': 1, 'b': 1}}]
    [drawn] = on_ranks(1, shares={'a': 1}, schedule=schedule, num_samples='b', seed=0)
    assert len(drawn) == 20


# ranks and epochs


@pytest.mark.parametrize('class_balanced', [True, False])
def test_ranks_share_what_is_drawn(on_ranks, class_balanced):
    settings = {'seed': 5, 'epoch': 2, 'class_balanced': class_balanced}
    settings |= {'shares': {'a': 3, 'b': 1}, 'num_samples': 80}
    ranks = on_ranks(2, **settings)
    [alone] = on_ranks(1, **settings)
    assert Counter(ranks[0] + ranks[1]) == Counter(alone)
    # b has 10 images and 20 draws, which no rank has for itself
    assert set(Counter(i for i in alone if i >= 30).values()) == {2}
    assert ranks[0] != ranks[1]


def test_an_epoch_is_drawn_anew_but_always_the_same(on_ranks):
    [first], [again], [next_one], [other] = (
        on_ranks(1, epoch, seed=seed, shares={'a': 1, 'b': 1})
        for epoch, seed in ((3, 0), (3, 0), (4, 0), (3, 10))
    )
    assert first == again
    assert first != next_one
    assert first != other


def test_what_does_not_divide_evenly_is_drawn_by_all_ranks(on_ranks):
    assert [len(d) for d in on_ranks(3, num_samples=40, seed=0)] == [14] * 3


# words


def test_the_log_tells_shares_passes_and_the_weight_that_balances(log_records):
    SourceSampler(
        Mix(),
        shares={'a': 0.25, 'b': 0.75},
        schedule=[{'begin': 4, 'shares': {'b': 2}}],
        num_samples=120,
        seed=0,
    )
    # 0.25 / 3 + 0.75 / 2 = 0.4583 of the draws are open; 0.5417 / 0.4583 = 1.18
    assert messages(log_records) == [
        'SourceSampler: from epoch 1, 120 draws per epoch: 25.0 % a (each of its 30 '
        'images 1 x), 75.0 % b (each of its 10 images 9 x); 45.8 % of the draws are '
        "open, which pos_weight='auto' does not know: to balance a loss, give it "
        'pos_weight=1.18',
        'SourceSampler: from epoch 5, 120 draws per epoch: 100.0 % b (each of its 10 '
        "images 12 x); 50.0 % of the draws are open, which pos_weight='auto' does not "
        'know: to balance a loss, give it pos_weight=1',
    ]


def test_a_config_builds_it():
    config = {'type': 'SourceSampler', 'shares': {'b': 1}, 'dataset': Mix(), 'seed': 0}
    assert from_b(list(DATA_SAMPLERS.build(config))) == 40


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (
            {'shares': {'c': 1}},
            r"shares: \['c'\] are no sources; there are \['a', 'b'\]",
        ),
        ({'shares': {'a': -1, 'b': 2}}, 'shares must be finite and >= 0, got'),
        ({'shares': {'a': float('nan')}}, 'shares must be finite and >= 0, got'),
        ({'shares': {'a': 0}}, 'shares: nothing would be drawn'),
        ({'num_samples': 0}, 'num_samples must be > 0, got 0'),
        (
            {'num_samples': 'b', 'shares': {'a': 1}},
            r"num_samples='b' is no source that is drawn at the end; there are \['a'\]",
        ),
        ({'schedule': [{'epoch': 1}]}, r"got the keys \['epoch'\]"),
        (
            {'schedule': [{'begin': 0, 'shares': {'a': 1}}]},
            r'begin must rise from above 0, got \[0\]',
        ),
        (
            {'schedule': [{'begin': b, 'shares': {'a': 1}} for b in (5, 3)]},
            r'begin must rise from above 0, got \[5, 3\]',
        ),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        SourceSampler(Mix(), seed=0, **settings)


def test_a_source_of_one_class(monkeypatch):
    monkeypatch.setattr(Mix, 'labels', np.array([0, 1] * 15 + [0] * 10))
    with pytest.raises(
        ValueError, match='none of the 10 images of b is open. Add some'
    ):
        SourceSampler(Mix(), class_balanced=True, seed=0)


def test_a_dataset_without_sources():
    with pytest.raises(
        ValueError, match='SourceSampler: list has no sources; use Mixed'
    ):
        SourceSampler([1, 2], seed=0)


# spreading


@pytest.mark.parametrize(
    'shares', [[0.5, 0.5], [0.1, 0.2, 0.7], [0.125, 0.125, 0.375, 0.375], [0.0, 1.0]]
)
def test_whole_numbers_are_exact_after_any_such_number_of_draws(shares):
    streams = spread_evenly(shares, 4000)
    for end in range(40, 4001, 40):
        counts = np.bincount(streams[:end], minlength=len(shares))
        assert counts == pytest.approx(np.array(shares) * end, abs=1e-9)


def test_two_streams_are_never_one_draw_off():
    streams = spread_evenly([0.3, 0.7], 1000)
    first = np.cumsum(streams == 0)
    assert np.abs(first - 0.3 * np.arange(1, 1001)).max() < 1
