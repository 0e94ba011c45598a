import logging
from types import SimpleNamespace

import pytest

from ocec.apis.sweep_hook import SweepHook


def make_runner(epoch):
    return SimpleNamespace(
        epoch=epoch,
        max_epochs=3,
        train_loop=SimpleNamespace(stop_training=False),
        logger=logging.getLogger('test'),
    )


def test_each_epoch_is_reported_and_the_answer_ends_the_training():
    told = []

    def report(epoch, value):
        told.append((epoch, value))
        return value < 0.5

    hook = SweepHook('eye/f1', report)
    first, second = make_runner(1), make_runner(2)
    hook.after_val_epoch(first, {'eye/f1': 0.6})
    assert not hook.is_pruned
    hook.after_val_epoch(second, {'eye/f1': 0.4})
    assert told == [(1, 0.6), (2, 0.4)]
    assert (first.train_loop.stop_training, second.train_loop.stop_training) == (
        False,
        True,
    )
    assert hook.is_pruned


def test_a_training_that_has_ended_is_not_given_up():
    hook, runner = SweepHook('eye/f1', lambda epoch, value: True), make_runner(3)
    hook.after_val_epoch(runner, {'eye/f1': 0.6})
    assert not hook.is_pruned
    assert not runner.train_loop.stop_training


def test_a_metric_that_is_missing_or_not_finite_is_told():
    hook = SweepHook('eye/f1', lambda epoch, value: False)
    with pytest.raises(KeyError, match="'eye/f1' is not a validation metric"):
        hook.after_val_epoch(make_runner(1), {'eye/auc': 1.0})
    with pytest.raises(FloatingPointError, match='eye/f1 is nan in epoch 2'):
        hook.after_val_epoch(make_runner(2), {'eye/f1': float('nan')})
