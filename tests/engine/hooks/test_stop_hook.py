"""The hook with a runner that does what it needs; tests/e2e trains for real."""

from types import SimpleNamespace

import pytest
from mmengine.logging import MMLogger

from ocec.engine.hooks import CheckpointHook
from ocec.engine.hooks.stop_hook import StopHook
from ocec.engine.stop_signal import StopSignal
from ocec.engine.train_loop import ValidationStopped


class Saver(CheckpointHook):
    saved = 0

    def save_now(self, runner):
        self.saved += 1


@pytest.fixture
def runner():
    return SimpleNamespace(
        epoch=1,
        iter=7,
        hooks=[Saver()],
        updates=True,
        optim_wrapper=SimpleNamespace(should_update=lambda: True),
        train_loop=SimpleNamespace(is_stopped=False),
        val_dataloader=range(3),
        logger=MMLogger.get_current_instance(),
    )


@pytest.fixture
def hook(runner):
    hook = StopHook(StopSignal())
    hook.before_train(runner)
    return hook


def ask(hook):
    assert hook.stop.is_armed
    hook.stop.receive(15)


def test_nobody_asks(hook, runner):
    hook.between_batches(runner)
    hook.before_val_epoch(runner)
    for number in range(3):
        hook.after_val_iter(runner, number)
    assert (runner.hooks[0].saved, runner.train_loop.is_stopped) == (0, False)


def test_it_saves_and_stops_at_the_next_step(hook, runner, log_records):
    ask(hook)
    runner.optim_wrapper.should_update = lambda: False
    hook.between_batches(runner)
    assert not runner.train_loop.is_stopped
    runner.optim_wrapper.should_update = lambda: True
    hook.between_batches(runner)
    assert (runner.hooks[0].saved, runner.train_loop.is_stopped) == (1, True)
    message = 'SIGTERM: saved and stopped in epoch 2, step 7'
    assert log_records[-1].getMessage() == message


def test_a_validation_is_left_and_then_saved(hook, runner):
    hook.before_val_epoch(runner)
    hook.after_val_iter(runner, 0)
    ask(hook)
    with pytest.raises(ValidationStopped):
        hook.after_val_iter(runner, 1)
    hook.after_stopped_validation(runner)
    assert (runner.hooks[0].saved, runner.train_loop.is_stopped) == (1, True)


def test_a_second_validation_of_one_epoch_is_not_left(hook, runner):
    hook.before_val_epoch(runner)
    for number in range(3):
        hook.after_val_iter(runner, number)
    ask(hook)
    for number in range(3):
        hook.after_val_iter(runner, number)


def test_without_a_checkpoint_hook_it_stops_and_says_so(hook, runner, log_records):
    runner.hooks = []
    ask(hook)
    hook.between_batches(runner)
    assert runner.train_loop.is_stopped
    assert 'nothing is saved, as the config has no CheckpointHook' in (
        log_records[-1].getMessage()
    )


def test_a_checkpoint_that_cannot_be_written_is_an_error(hook, runner):
    runner.hooks[0]._failure = 'disk full'
    ask(hook)
    with pytest.raises(OSError, match='the last checkpoint is not saved: disk full'):
        hook.between_batches(runner)


def test_a_loop_that_is_not_ours_is_interrupted(hook, runner):
    runner.train_loop = object()
    hook.after_train_iter(runner, 0)
    ask(hook)
    with pytest.raises(KeyboardInterrupt):
        hook.after_train_iter(runner, 0)
