import pytest
from mmengine.dataset import DefaultSampler as MMEngineDefaultSampler

from ocec.datasets.samplers import DefaultSampler, default_sampler
from ocec.registry import DATA_SAMPLERS


@pytest.mark.parametrize('world_size', [1, 2, 3])
@pytest.mark.parametrize('shuffle', [False, True])
@pytest.mark.parametrize('round_up', [False, True])
@pytest.mark.parametrize('num_rows', [1, 2, 7, 40])
def test_the_order_is_that_of_mmengine(
    monkeypatch, world_size, shuffle, round_up, num_rows
):
    monkeypatch.setattr(default_sampler, 'CHUNK', 3)
    for rank in range(world_size):
        monkeypatch.setattr(
            'mmengine.dataset.sampler.get_dist_info',
            lambda rank=rank: (rank, world_size),
        )
        settings = {'shuffle': shuffle, 'seed': 5, 'round_up': round_up}
        ours = DefaultSampler(range(num_rows), **settings)
        theirs = MMEngineDefaultSampler(range(num_rows), **settings)
        for epoch in (0, 4):
            ours.set_epoch(epoch)
            theirs.set_epoch(epoch)
            assert list(ours) == list(theirs)
            assert len(ours) == len(theirs) == len(list(ours))


def test_configs_get_this_one():
    assert DATA_SAMPLERS.get('DefaultSampler') is DefaultSampler
