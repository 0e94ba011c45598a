"""Expected rates: torch.optim.lr_scheduler.OneCycleLR, step by step."""

import pytest
import torch
from torch.optim.lr_scheduler import OneCycleLR as TorchOneCycleLR

from ocec.engine.checkpoint_io import load_safely, save_atomically
from ocec.engine.schedulers import OneCycleLR
from ocec.registry import PARAM_SCHEDULERS

STEPS = 20


def sgd():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)


def walk(optimizer, scheduler, steps):
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        scheduler.step()
    return found


def expected_rates():
    optimizer = sgd()
    scheduler = TorchOneCycleLR(
        optimizer, max_lr=1e-3, total_steps=STEPS, cycle_momentum=False
    )
    found = []
    for step in range(STEPS):
        found.append(optimizer.param_groups[0]['lr'])
        optimizer.step()
        if step + 1 < STEPS:  # torch refuses a step too many
            scheduler.step()
    return found


def test_it_is_the_one_that_configs_get():
    assert PARAM_SCHEDULERS.get('OneCycleLR') is OneCycleLR


@pytest.mark.parametrize('cut', [0, 3, 12])
@pytest.mark.parametrize('strategy', ['cos', 'linear'])
def test_a_checkpoint_can_be_read_and_resumed_exactly(tmp_path, cut, strategy):
    arguments = dict(eta_max=1e-3, total_steps=STEPS, anneal_strategy=strategy)
    whole = sgd()
    expected = walk(whole, OneCycleLR(whole, **arguments), STEPS)
    if strategy == 'cos':
        assert expected == pytest.approx(expected_rates(), rel=1e-9)
    first = sgd()
    scheduler = OneCycleLR(first, **arguments)
    assert walk(first, scheduler, cut) == expected[:cut]
    state = {'optimizer': first.state_dict(), 'scheduler': scheduler.state_dict()}
    save_atomically(state, tmp_path / 'state.pth')
    state = load_safely(tmp_path / 'state.pth')
    second = sgd()
    resumed = OneCycleLR(second, **arguments)
    second.load_state_dict(state['optimizer'])
    resumed.load_state_dict(state['scheduler'])
    assert walk(second, resumed, STEPS - cut) == expected[cut:]
