from types import SimpleNamespace

import pytest
import torch
from mmengine.registry import DefaultScope
from torch import nn

from ocec.engine.hooks import EMAHook
from ocec.engine.hooks import ema_hook as module
from ocec.engine.optim import OptimWrapper


@pytest.fixture(autouse=True)
def _scope():
    """What default_scope of a config does: mmengine builds the average."""
    with DefaultScope.overwrite_default_scope('ocec'):
        yield


def start(accumulative_counts=1, batches=4, **arguments):
    """Return a hook and what it needs of a runner; the model is one weight, 0."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    optim_wrapper = OptimWrapper(
        torch.optim.SGD(model.parameters(), lr=1.0), accumulative_counts
    )
    optim_wrapper.initialize_count_status(model, 0, batches)
    runner = SimpleNamespace(
        model=model,
        optim_wrapper=optim_wrapper,
        iter=0,
        epoch=0,
        max_iters=batches,
        max_epochs=1,
        _resume=False,
    )
    hook = EMAHook(**arguments)
    hook.before_run(runner)
    hook.before_train(runner)
    return hook, runner


def train_batch(hook, runner):
    """One batch whose loss has gradient -1: each step adds 1 to the weight."""
    runner.optim_wrapper.update_params(-runner.model.weight.sum())
    hook.after_train_iter(runner, batch_idx=runner.iter)
    runner.iter += 1


def averaged(hook):
    return hook.ema_model.module.weight.item()


@pytest.mark.parametrize(
    ('accumulative_counts', 'batches', 'steps'),
    [(1, 4, 4), (2, 4, 2), (3, 7, 3)],  # 7 batches: 3 + 3 + the rest
)
def test_one_update_per_optimizer_step(accumulative_counts, batches, steps):
    hook, runner = start(accumulative_counts, batches, decay=0.15)
    for _ in range(batches):
        train_batch(hook, runner)
    # decays min(0.15, (1 + n) / (10 + n)): 0.1, then 0.15
    weight = average = 0.0
    for n in range(steps):
        # mmengine divides the loss by the batches of a step, also of the last one
        weight += 1.0
        decay = min(0.15, (1 + n) / (10 + n))
        average = decay * average + (1 - decay) * weight
    assert runner.model.weight.item() == pytest.approx(weight)
    assert averaged(hook) == pytest.approx(average)
    assert hook.ema_model.steps == steps


@pytest.mark.parametrize('phase', ['val', 'test'])
def test_the_averaged_weights_are_those_that_are_looked_at(phase):
    hook, runner = start(decay=0.5)
    train_batch(hook, runner)
    train_batch(hook, runner)
    # 0.9 of 1, then 9/11 of 2 and 2/11 of that
    average = 9 / 11 * 2 + 2 / 11 * 0.9
    getattr(hook, f'before_{phase}_epoch')(runner)
    assert runner.model.weight.item() == pytest.approx(average)
    getattr(hook, f'after_{phase}_epoch')(runner)
    assert runner.model.weight.item() == pytest.approx(2.0)
    assert averaged(hook) == pytest.approx(average)


def test_batch_norm_statistics_are_swapped_too():
    model = nn.BatchNorm1d(1)
    runner = SimpleNamespace(model=model)
    hook = EMAHook()
    hook.before_run(runner)
    model.running_mean.fill_(5.0)
    hook.before_val_epoch(runner)
    assert model.running_mean.item() == 0.0
    hook.after_val_epoch(runner)
    assert model.running_mean.item() == 5.0


def saved(hook, runner):
    state = {name: value.clone() for name, value in runner.model.state_dict().items()}
    checkpoint = {'state_dict': state}
    hook.before_save_checkpoint(runner, checkpoint)
    return checkpoint


def test_a_checkpoint_holds_the_average_as_its_weights():
    hook, runner = start()
    train_batch(hook, runner)
    checkpoint = saved(hook, runner)
    # decay of the first update is 0.1
    assert checkpoint['state_dict']['weight'].item() == pytest.approx(0.9)
    assert checkpoint['ema_state_dict']['module.weight'].item() == pytest.approx(1.0)
    assert checkpoint['ema_state_dict']['steps'] == 1
    # saving leaves the running models as they are
    assert runner.model.weight.item() == pytest.approx(1.0)
    assert averaged(hook) == pytest.approx(0.9)


def test_resume_gives_back_both_and_the_place_on_the_ramp():
    hook, runner = start()
    train_batch(hook, runner)
    checkpoint = saved(hook, runner)
    other, resumed = start()
    resumed._resume = True
    other.after_load_checkpoint(resumed, checkpoint)
    resumed.model.load_state_dict(checkpoint['state_dict'])
    assert resumed.model.weight.item() == pytest.approx(1.0)
    train_batch(other, resumed)
    # decay of the second update is 2/11
    assert averaged(other) == pytest.approx(9 / 11 * 2 + 2 / 11 * 0.9)


def test_loaded_weights_begin_a_new_average():
    hook, runner = start()
    hook.after_load_checkpoint(
        runner, {'state_dict': {'weight': torch.tensor([[7.0]])}}
    )
    assert averaged(hook) == 7.0
    assert hook.ema_model.steps == 0


def test_before_begin_iter_the_average_is_the_model():
    hook, runner = start(begin_iter=3)
    train_batch(hook, runner)
    train_batch(hook, runner)
    assert averaged(hook) == pytest.approx(2.0)
    train_batch(hook, runner)
    assert averaged(hook) == pytest.approx(0.1 * 2 + 0.9 * 3)


def test_ranks_share_the_averaged_statistics(monkeypatch):
    shared = []
    monkeypatch.setattr(module, 'average_buffers', shared.append)
    hook, runner = start()
    hook.after_train_epoch(runner)
    assert shared == [hook.ema_model]


def test_decay_is_checked():
    with pytest.raises(ValueError, match=r'decay must be in \[0, 1\), got 1.5'):
        start(decay=1.5)
