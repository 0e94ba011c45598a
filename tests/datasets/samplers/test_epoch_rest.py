"""Expected draws: by hand, or the rest of the draws of a whole epoch."""

from collections import Counter

import numpy as np
import pytest
import torch

from ocec.datasets.samplers import DefaultSampler, SourceSampler, WeightedSampler
from ocec.datasets.samplers.epoch_rest import share_of_rank


class Mix:
    index_ranges = {'a': range(8), 'b': range(8, 24)}
    labels = np.arange(24) % 2
    metainfo = {'classes': ('closed', 'open')}

    def __len__(self):
        return 24


@pytest.mark.parametrize(
    ('seen', 'ranks', 'expected'),
    [
        (0, 1, [[5, 6, 7, 8, 9]]),
        (2, 1, [[7, 8, 9]]),
        (0, 2, [[5, 7, 9], [6, 8, 5]]),
        (3, 2, [[8], [9]]),
        (4, 3, [[9], [5], [6]]),
        (5, 2, [[], []]),
        (6, 2, [[], []]),
    ],
)
def test_ranks_get_the_rest_by_turns(seen, ranks, expected):
    order_D = torch.arange(5, 10)
    found = [
        share_of_rank(order_D, seen=seen, rank=rank, ranks=ranks).tolist()
        for rank in range(ranks)
    ]
    assert found == expected


SAMPLERS = [
    lambda: DefaultSampler(Mix(), shuffle=True, seed=3),
    lambda: WeightedSampler(Mix(), seed=3),
    lambda: SourceSampler(Mix(), shares={'a': 0.5, 'b': 0.5}, seed=3),
]


@pytest.fixture
def draw(monkeypatch):
    """Return the draws of each of some ranks, from some place of the epoch on."""

    def draw(make, ranks, *place):
        drawn = []
        for rank in range(ranks):
            for module in (
                'mmengine.dataset.sampler',
                'ocec.datasets.samplers.weighted_sampler',
                'ocec.datasets.samplers.source_sampler',
            ):
                monkeypatch.setattr(
                    f'{module}.get_dist_info', lambda rank=rank: (rank, ranks)
                )
            sampler = make()
            sampler.set_epoch(2)
            if place:
                sampler.go_on(*place)
            drawn.append(list(sampler))
        return drawn

    return draw


@pytest.mark.parametrize('make', SAMPLERS)
@pytest.mark.parametrize('ranks', [1, 2, 3])
def test_the_same_ranks_draw_what_they_would_have_drawn(draw, make, ranks):
    whole = draw(make, ranks)
    for steps in (0, 1, 5):
        rest = draw(make, ranks, steps * ranks, ranks)
        assert rest == [drawn[steps:] for drawn in whole]


@pytest.mark.parametrize('make', SAMPLERS)
@pytest.mark.parametrize(('before', 'after'), [(1, 2), (2, 1), (2, 3), (3, 2)])
def test_other_ranks_draw_all_that_is_left(draw, make, before, after):
    whole = Counter(index for drawn in draw(make, before) for index in drawn)
    taken = Counter(i for drawn in draw(make, before) for i in drawn[:3])
    rest = draw(make, after, 3 * before, before)
    assert len({len(drawn) for drawn in rest}) == 1
    found = taken + Counter(index for drawn in rest for index in drawn)
    # nothing is lost; what fills the ranks up comes again
    assert not whole - found
    assert (found - whole).total() < after
