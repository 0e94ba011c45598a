from types import SimpleNamespace

import pytest
import torch
from mmengine.runner import EpochBasedTrainLoop as MMEngineLoop
from torch.utils.data import DataLoader

from ocec.datasets.samplers import DefaultSampler
from ocec.engine.train_loop import EpochBasedTrainLoop, ValidationStopped
from ocec.registry import LOOPS


class Rows(list):
    metainfo = {}
    pipeline = None


class Runner:
    """Notes what is called; ``on`` maps a moment to a function of the loop."""

    def __init__(self, on=()):
        self.seed, self.val_loop = 5, SimpleNamespace(run=self.validate)
        self.visualizer = SimpleNamespace(dataset_meta=None)
        self.model = SimpleNamespace(train=lambda: None, train_step=self.train_step)
        self.optim_wrapper = None
        self.calls, self.on = [], dict(on)

    def call_hook(self, name, **kwargs):
        self.calls.append(name)
        if name in self.on:
            self.on[name](self.loop)

    def train_step(self, batch, optim_wrapper):
        self.calls.append(batch)

    def validate(self):
        self.call_hook('validation')


def make(runner, rows=6, **settings):
    dataset = Rows(range(rows))
    sampler = DefaultSampler(dataset, shuffle=False, seed=1)
    settings_of_loader = {'collate_fn': list, 'generator': torch.Generator()}
    loader = DataLoader(dataset, 2, sampler=sampler, **settings_of_loader)
    runner.loop = EpochBasedTrainLoop(runner, loader, **settings)
    return runner.loop


def stop(loop):
    loop.is_stopped = True


def test_configs_get_this_one():
    assert LOOPS.get('EpochBasedTrainLoop') is EpochBasedTrainLoop


def test_the_moments_of_a_whole_run_are_those_of_mmengine_and_one_more():
    runner = Runner()
    make(runner, max_epochs=2, val_interval=2).run()
    ours = [call for call in runner.calls if call != 'between_batches']
    assert runner.calls.count('between_batches') == 6
    loop, runner = runner.loop, Runner()
    runner.loop = MMEngineLoop(runner, loop.dataloader, max_epochs=2, val_interval=2)
    runner.loop.run()
    assert ours == runner.calls


def test_a_run_that_is_stopped_goes_on_with_the_next_batch():
    runner = Runner({'between_batches': lambda loop: loop._iter == 2 and stop(loop)})
    loop = make(runner, max_epochs=2)
    loop.run()
    assert runner.calls[-2:] == ['after_train_iter', 'between_batches']
    state = loop.state_dict()
    assert state == {
        'seen': 4,
        'begun_with': 1,
        'is_validation_due': False,
        'seed': 5,
        'sampler_seed': 1,
    }
    other = Runner()
    loop = make(other, max_epochs=2)
    loop._iter = 2
    loop.load_state_dict({**state, 'seed': 9})
    assert (loop.seed, loop.max_iters) == (9, 6)
    loop.run()
    batches = [call for call in other.calls if isinstance(call, list)]
    assert batches == [[4, 5], [0, 1], [2, 3], [4, 5]]
    assert other.calls.count('validation') == 2
    assert loop.state_dict()['seen'] == 0


def test_one_stopped_after_the_last_batch_closes_the_epoch_when_it_goes_on():
    runner = Runner({'between_batches': lambda loop: loop._iter == 3 and stop(loop)})
    loop = make(runner, max_epochs=1)
    loop.run()
    assert 'after_train_epoch' not in runner.calls
    other = Runner()
    resumed = make(other, max_epochs=1)
    resumed._iter = 3
    resumed.load_state_dict(loop.state_dict())
    resumed.run()
    assert other.calls == [
        'before_train',
        'before_train_epoch',
        'after_train_epoch',
        'validation',
        'after_train',
    ]


def test_a_validation_that_is_left_is_done_first_by_the_resumed_run():
    def leave(loop):
        torch.rand(3)
        raise ValidationStopped

    runner = Runner({'validation': leave, 'after_stopped_validation': stop})
    loop = make(runner, max_epochs=1)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    loop.run()
    assert torch.equal(torch.get_rng_state(), before)
    assert runner.calls[-2:] == ['validation', 'after_stopped_validation']
    state = loop.state_dict()
    assert (state['seen'], state['is_validation_due']) == (0, True)
    other = Runner()
    resumed = make(other, max_epochs=1)
    resumed._epoch, resumed._iter = 1, 3
    resumed.load_state_dict(state)
    resumed.run()
    assert other.calls == ['before_train', 'validation', 'after_train']
    assert not resumed.is_validation_due


@pytest.mark.parametrize(('epoch', 'iteration', 'expected'), [(1, 7, 13), (3, 9, 9)])
def test_iterations_of_other_ranks_stay_and_ours_come(epoch, iteration, expected):
    # 3 batches an epoch: what was trained, and what is left
    loop = make(Runner(), max_epochs=3)
    loop._epoch, loop._iter = epoch, iteration
    loop.load_state_dict({})
    assert loop.max_iters == expected
