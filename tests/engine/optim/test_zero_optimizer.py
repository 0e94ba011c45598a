import copy
import multiprocessing

import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from torch import nn

from ocec.engine.optim.zero_optimizer import (
    ZeroRedundancyOptimizer,
    gather_optimizer_state,
)
from ocec.registry import OPTIMIZERS

SETTINGS = {'lr': 0.1, 'weight_decay': 0.1}


def build_net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))


def groups_of(net):
    return [
        {'params': list(net[0].parameters()), 'lr': 0.05},
        {'params': list(net[2].parameters())},
    ]


def train(net, optimizer, steps):
    for step in steps:
        optimizer.zero_grad()
        x_BD = torch.randn(16, 4, generator=torch.Generator().manual_seed(step))
        net(x_BD).square().mean().backward()
        for group in optimizer.param_groups:
            group['lr'] *= 0.9  # as a schedule does
        optimizer.step()


def train_as(rank, folder):
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{folder}/rendezvous', rank=rank, world_size=2
    )
    net = build_net()
    optimizer = ZeroRedundancyOptimizer(groups_of(net), 'AdamW', **SETTINGS)
    wrapper = OptimWrapper(optimizer)
    train(net, optimizer, range(3))
    gather_optimizer_state(wrapper)
    result = {'kept': len(optimizer.optim.state)}
    if rank == 0:
        state = copy.deepcopy(wrapper.state_dict())
        torch.save({'net': net.state_dict(), 'optimizer': state}, folder / 'saved.pth')
    torch.distributed.barrier()
    train(net, optimizer, range(3, 5))
    result['whole'] = net.state_dict()
    saved = torch.load(folder / 'saved.pth', weights_only=True)
    resumed = build_net()
    resumed.load_state_dict(saved['net'])
    optimizer = ZeroRedundancyOptimizer(groups_of(resumed), 'AdamW', **SETTINGS)
    OptimWrapper(optimizer).load_state_dict(saved['optimizer'])
    train(resumed, optimizer, range(3, 5))
    result['resumed'] = resumed.state_dict()
    torch.save(result, folder / f'{rank}.pth')
    torch.distributed.destroy_process_group()


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """What two ranks have saved that train alone for five steps."""
    path = tmp_path_factory.mktemp('zero')
    # fork: spawned children would take seconds to import torch again
    context = multiprocessing.get_context('fork')
    children = [context.Process(target=train_as, args=(rank, path)) for rank in (0, 1)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    return path


def equal(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def test_two_ranks_end_where_the_optimizer_itself_does(folder):
    net = build_net()
    train(net, torch.optim.AdamW(groups_of(net), **SETTINGS), range(5))
    for rank in (0, 1):
        found = torch.load(folder / f'{rank}.pth', weights_only=True)
        assert equal(found['whole'], net.state_dict())


def test_each_rank_keeps_its_share_and_the_checkpoint_all(folder):
    kept = [torch.load(folder / f'{r}.pth', weights_only=True)['kept'] for r in (0, 1)]
    assert all(0 < number < 4 for number in kept)
    assert sum(kept) == 4  # two weights, two biases
    saved = torch.load(folder / 'saved.pth', weights_only=True)['optimizer']
    assert sorted(saved['state']) == [0, 1, 2, 3]
    assert [group['lr'] for group in saved['param_groups']] == pytest.approx(
        [0.05 * 0.9**3, 0.1 * 0.9**3]
    )


def test_a_resumed_run_ends_where_the_whole_one_does(folder):
    for rank in (0, 1):
        found = torch.load(folder / f'{rank}.pth', weights_only=True)
        assert equal(found['resumed'], found['whole'])


def test_the_checkpoint_suits_the_optimizer_itself(folder):
    saved = torch.load(folder / 'saved.pth', weights_only=True)
    net = build_net()
    net.load_state_dict(saved['net'])
    optimizer = torch.optim.AdamW(groups_of(net), **SETTINGS)
    optimizer.load_state_dict(saved['optimizer'])
    train(net, optimizer, range(3, 5))
    whole = torch.load(folder / '0.pth', weights_only=True)['whole']
    assert equal(net.state_dict(), whole)


def test_an_optimizer_that_is_not_divided_is_left_alone():
    net = build_net()
    wrapper = OptimWrapper(torch.optim.SGD(net.parameters(), lr=0.1))
    gather_optimizer_state(wrapper)
    assert wrapper.state_dict()['state'] == {}


def test_it_comes_before_that_of_mmengine():
    with DefaultScope.overwrite_default_scope('ocec'):
        assert OPTIMIZERS.get('ZeroRedundancyOptimizer') is ZeroRedundancyOptimizer


def test_one_process_is_refused():
    with pytest.raises(ValueError, match='there is one process: start several with'):
        ZeroRedundancyOptimizer(build_net().parameters(), 'SGD', lr=0.1)


@pytest.mark.parametrize('name', ['Adam1', 'lr_scheduler', 'Tensor'])
def test_another_optimizer_is_refused(name):
    with pytest.raises(ValueError, match=f'must name an optimizer .*, got {name!r}'):
        ZeroRedundancyOptimizer(build_net().parameters(), name)
