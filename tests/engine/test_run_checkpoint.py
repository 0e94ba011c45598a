import errno
import hashlib
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from ocec.engine.run_checkpoint import checkpoint_of, resumed_state, save_run
from ocec.functional import file_ops


@pytest.fixture
def runner():
    model = nn.Linear(2, 1)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    dataset = SimpleNamespace(metainfo={'classes': ['a', 'b']})
    return SimpleNamespace(
        model=model,
        epoch=1,
        iter=7,
        seed=3,
        experiment_name='run',
        train_dataloader=SimpleNamespace(dataset=dataset),
        train_loop=SimpleNamespace(state_dict=lambda: {'seen': 5}),
        optim_wrapper=optimizer,
        param_schedulers=[torch.optim.lr_scheduler.StepLR(optimizer, 1)],
    )


def test_it_holds_all_that_a_run_goes_on_from(runner, tmp_path):
    checkpoint = checkpoint_of(runner, {'epoch': 2}, 'lr = 1')
    time = checkpoint['meta'].pop('time')
    assert len(time) == len('20260101_000000')
    assert checkpoint['meta'] == {
        'epoch': 2,
        'iter': 7,
        'cfg': 'lr = 1',
        'seed': 3,
        'experiment_name': 'run',
        'dataset_meta': {'classes': ['a', 'b']},
    }
    assert checkpoint['train_loop'] == {'seen': 5}
    assert len(checkpoint['param_schedulers']) == 1
    # nothing in it that could run code
    torch.save(checkpoint, tmp_path / 'a.pth')
    loaded = torch.load(tmp_path / 'a.pth', weights_only=True)
    assert torch.equal(loaded['state_dict']['weight'], runner.model.weight)
    first = runner.optim_wrapper.state_dict()['state'][0]
    assert torch.equal(loaded['optimizer']['state'][0]['exp_avg'], first['exp_avg'])


def test_a_loop_without_a_state_and_a_run_without_schedules(runner):
    runner.train_loop, runner.param_schedulers = SimpleNamespace(), None
    checkpoint = checkpoint_of(runner, {}, '')
    assert checkpoint['meta']['epoch'] == 1
    assert checkpoint['train_loop'] == {}
    assert checkpoint['param_schedulers'] == []


def test_random_states_of_as_many_ranks_are_taken_over(log_records):
    checkpoint = {'rng': ['a', 'b'], 'ranks': [{}, {}], 'train_loop': {'seen': 3}}
    assert resumed_state(checkpoint, 1, 2) == {
        'ranks': [{}, {}],
        'train_loop': {'seen': 3},
        'rng': 'b',
    }
    assert log_records == []
    assert 'rng' not in resumed_state(checkpoint, 0, 1)
    assert 'of 2 ranks, this run has 1: it goes on' in log_records[0].getMessage()


def test_hooks_add_their_own_and_all_ranks_learn_of_a_full_disk(
    runner, tmp_path, monkeypatch
):
    hooked = []
    runner.hooks, runner.call_hook = [], lambda name, checkpoint: hooked.append(name)
    digest = save_run(runner, tmp_path / 'a.pth', {}, '')
    assert digest == hashlib.sha256((tmp_path / 'a.pth').read_bytes()).hexdigest()
    assert hooked == ['before_save_checkpoint']
    [state] = torch.load(tmp_path / 'a.pth', weights_only=True)['rng']
    assert torch.equal(state['torch'], torch.get_rng_state())

    def fail(*args):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(file_ops, 'write', fail)
    with pytest.raises(OSError, match='a.pth cannot be written: No space') as caught:
        save_run(runner, tmp_path / 'a.pth', {}, '')
    assert caught.value.errno == errno.ENOSPC
    # the one before it is as it was
    assert digest == hashlib.sha256((tmp_path / 'a.pth').read_bytes()).hexdigest()
