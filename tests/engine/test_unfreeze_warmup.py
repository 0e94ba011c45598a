from types import SimpleNamespace

import pytest
import torch
from torch import nn

from ocec.engine.unfreeze_warmup import UnfreezeWarmup

BATCHES = 4


@pytest.fixture
def params():
    return [nn.Parameter(torch.zeros(1)) for _ in range(4)]


@pytest.fixture
def runner(params):
    groups = [{'params': params[:2], 'lr': 1.0}, {'params': params[2:], 'lr': 0.1}]
    optimizer = torch.optim.SGD(groups)
    return SimpleNamespace(
        iter=0,
        train_dataloader=range(BATCHES),
        optim_wrapper=SimpleNamespace(optimizer=optimizer),
    )


def rates(warmup, runner, made_at):
    """Rates of both groups in each of 12 iterations; a scheduler halves them at 8."""
    groups = runner.optim_wrapper.optimizer.param_groups
    found = []
    for runner.iter in range(12):
        if runner.iter == 8:
            for group in groups:
                group['lr'] /= 2
        own = [group['lr'] for group in groups]
        warmup.lower(runner, [at for at in made_at if at <= runner.iter])
        found.append([group['lr'] for group in groups])
        warmup.restore(runner)
        assert [group['lr'] for group in groups] == own
    return torch.tensor(found).T.tolist()


def test_only_what_was_unfrozen_is_warmed_up(params, runner):
    warmup = UnfreezeWarmup(1, 'unfrozen')
    warmup.find_groups(runner.optim_wrapper.optimizer, [params[:2]])
    first, second = rates(warmup, runner, [5])
    ramp = [1.0] * 5 + [0.25, 0.5, 0.75] + [0.5] * 4
    assert first == pytest.approx(ramp)
    assert second == pytest.approx([0.1] * 8 + [0.05] * 4)


def test_everything_is_warmed_up(params, runner):
    warmup = UnfreezeWarmup(0.5, 'all')
    warmup.find_groups(runner.optim_wrapper.optimizer, [params[:1], params[1:2]])
    first, second = rates(warmup, runner, [2, 10])
    share = [1, 1, 0.5, 1, 1, 1, 1, 1, 0.5, 0.5, 0.25, 0.5]
    assert first == pytest.approx(share)
    assert second == pytest.approx([0.1 * value for value in share])


def test_a_later_step_does_not_end_an_earlier_warmup(params, runner):
    warmup = UnfreezeWarmup(1, 'unfrozen')
    warmup.find_groups(runner.optim_wrapper.optimizer, [params[:2], params[2:]])
    first, second = rates(warmup, runner, [0, 2])
    assert first[:4] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert second[2:6] == pytest.approx([0.025, 0.05, 0.075, 0.1])


def test_no_warmup(params, runner):
    warmup = UnfreezeWarmup(0, 'unfrozen')
    # no group of its own is needed
    warmup.find_groups(runner.optim_wrapper.optimizer, [params[1:2]])
    assert rates(warmup, runner, [3])[0] == [1.0] * 8 + [0.5] * 4


def test_groups_that_are_shared(params, runner):
    warmup = UnfreezeWarmup(1, 'unfrozen')
    message = (
        r"warmup_of='unfrozen': what unfreeze\[1\] frees shares a parameter group, .*"
        r"constructor='LayerWiseLR' and unfreeze whole stages, or warmup_of='all'"
    )
    with pytest.raises(ValueError, match=message):
        warmup.find_groups(runner.optim_wrapper.optimizer, [params[:2], [params[2]]])


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ((-1, 'all'), 'warmup_epochs must be >= 0, got -1'),
        ((1, 'new'), "warmup_of must be 'unfrozen' or 'all', got 'new'"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        UnfreezeWarmup(*arguments)
