from types import SimpleNamespace

import pytest
import torch
from torch import nn

from ocec.engine import rank_state
from ocec.engine.rank_state import own_state, restore_own_state


def make(updates=True):
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = SimpleNamespace(ema_model=nn.BatchNorm1d(2))
    return SimpleNamespace(
        model=model,
        hooks=[average],
        train_loop=SimpleNamespace(is_in_epoch=True),
        optim_wrapper=SimpleNamespace(should_update=lambda: updates),
    )


@pytest.fixture
def two_ranks(monkeypatch):
    monkeypatch.setattr(rank_state, 'get_dist_info', lambda: (0, 2))


def test_one_process_has_only_random_numbers_of_its_own():
    assert set(own_state(make())) == {'rng'}


def test_within_an_epoch_each_rank_has_its_statistics(two_ranks):
    runners = [make(), make()]
    for number, runner in enumerate(runners):
        runner.model[1].running_mean.fill_(number)
        runner.hooks[0].ema_model.running_var.fill_(number + 5)
    states = [own_state(runner) for runner in runners]
    for rank in range(2):
        fresh = make()
        restore_own_state(fresh, states, rank)
        assert fresh.model[1].running_mean.tolist() == [rank, rank]
        assert fresh.hooks[0].ema_model.running_var.tolist() == [rank + 5, rank + 5]


def test_between_epochs_they_are_equal_and_not_stored(two_ranks):
    runner = make()
    runner.train_loop.is_in_epoch = False
    assert set(own_state(runner)) == {'rng'}


def accumulate(runner, value):
    for parameter in runner.model.parameters():
        parameter.grad = torch.full_like(parameter, value)


def test_accumulated_gradients_come_back(monkeypatch):
    runners = [make(updates=False), make(updates=False)]
    for number, runner in enumerate(runners):
        accumulate(runner, 1.0 + number)
    runners[1].model[0].bias.grad = None  # frozen
    states = [own_state(runner) for runner in runners]
    fresh = make()
    monkeypatch.setattr(rank_state, 'get_dist_info', lambda: (1, 2))
    restore_own_state(fresh, states, 1)
    assert fresh.model[0].weight.grad.unique().tolist() == [2.0]
    assert fresh.model[0].bias.grad is None
    # on one rank: the mean, which is what the exchange would have made
    monkeypatch.setattr(rank_state, 'get_dist_info', lambda: (0, 1))
    fresh = make()
    restore_own_state(fresh, states, 0)
    assert fresh.model[0].weight.grad.unique().tolist() == [1.5]
    assert fresh.model[0].bias.grad.unique().tolist() == [1.0]
