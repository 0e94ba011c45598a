"""Expected statistics: mean and variance of the batches by torch."""

import pytest
import torch
from torch import nn

from ocec.apis import batch_norm_statistics
from ocec.apis.batch_norm_statistics import estimate_batch_norm, even_batches


class Net(nn.Module):
    def __init__(self, norm=True):
        super().__init__()
        self.norm = nn.BatchNorm2d(2, momentum=0.1) if norm else nn.Identity()
        self.dropout = nn.Dropout(0.5)
        self.calls = 0

    def data_preprocessor(self, batch, training):
        assert training is False
        return {'inputs': batch['inputs'].float()}

    def forward(self, inputs, mode):
        assert mode == 'tensor'
        assert not self.dropout.training
        self.calls += 1
        return self.dropout(self.norm(inputs))


def test_statistics_are_those_of_all_batches():
    generator = torch.Generator().manual_seed(0)
    batches = [torch.randn(6, 2, 4, 4, generator=generator) + k for k in range(3)]
    model = Net()
    model.norm.running_mean.fill_(50)
    assert estimate_batch_norm(model, [{'inputs': x} for x in batches]) == 1
    means = torch.stack([x.mean((0, 2, 3)) for x in batches])
    variances = torch.stack([x.var((0, 2, 3)) for x in batches])
    torch.testing.assert_close(model.norm.running_mean, means.mean(0))
    torch.testing.assert_close(model.norm.running_var, variances.mean(0))
    assert model.norm.momentum == 0.1
    assert not model.norm.training


def test_without_batch_norms_nothing_is_read():
    model = Net(norm=False)
    assert estimate_batch_norm(model, [{'inputs': torch.ones(1)}]) == 0
    assert model.calls == 0


@pytest.mark.parametrize('tracks', [True, False])
def test_a_norm_that_keeps_no_statistics_is_left(tracks):
    model = Net()
    model.norm = nn.BatchNorm2d(2, track_running_stats=tracks)
    batches = [{'inputs': torch.randn(4, 2, 3, 3)}]
    assert estimate_batch_norm(model, batches) == tracks


class Numbers:
    """Images of one value each, from ``first`` on."""

    def __init__(self, first, num):
        self.values = torch.arange(first, first + num)

    def __len__(self):
        return len(self.values)

    def __getitems__(self, indices):
        return {'inputs': self.values[indices].view(-1, 1, 1, 1)}


def test_each_batch_holds_equally_many_of_each_dataset(monkeypatch):
    monkeypatch.setattr(batch_norm_statistics, 'BATCH_SIZE', 4)
    datasets = [Numbers(0, 100), Numbers(100, 10)]
    batches = [b['inputs'].flatten() for b in even_batches(datasets, seed=1)]
    assert [len(batch) for batch in batches] == [8, 8, 4]
    for batch in batches:
        assert int((batch >= 100).sum()) == len(batch) // 2
    drawn = torch.cat(batches).tolist()
    assert sorted(x for x in drawn if x >= 100) == list(range(100, 110))
    small = [x for x in drawn if x < 100]
    # none twice, and not the first ones
    assert len(set(small)) == 10
    assert max(small) > 20
    again = torch.cat([b['inputs'].flatten() for b in even_batches(datasets, seed=1)])
    assert again.tolist() == drawn
