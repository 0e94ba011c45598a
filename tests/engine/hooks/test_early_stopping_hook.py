import logging
from types import SimpleNamespace

import pytest

from ocec.engine.hooks import EarlyStoppingHook

NAN, INF = float('nan'), float('inf')


class Runner:
    """What the hook needs of a runner."""

    def __init__(self, resume=False):
        self.train_loop = SimpleNamespace(stop_training=False)
        self.logger = logging.getLogger('test_early_stopping_hook')
        self._resume = resume


def validations_until_stop(hook, values, runner=None):
    runner = runner or Runner()
    for number, value in enumerate(values, start=1):
        hook.after_val_epoch(runner, {hook.monitor: value})
        if runner.train_loop.stop_training:
            return number
    return None


@pytest.mark.parametrize(
    ('patience', 'arguments', 'values', 'stop'),
    [
        # best at 2; 3 and 4 are not better
        (2, {}, [0.5, 0.7, 0.6, 0.7, 0.9], 4),
        # 4 is better and starts the count anew; 5, 6, 7 are not
        (3, {}, [0.5, 0.4, 0.4, 0.6, 0.6, 0.6, 0.6, 1.0], 7),
        (1, {}, [0.5, 0.5], 2),
        (2, {}, [0.1, 0.2, 0.3, 0.4], None),
        # NaN and inf are no improvement, not even over nothing
        (2, {}, [NAN, NAN], 2),
        (2, {}, [INF, 0.5, 0.6, INF, NAN], 5),
        # gains of 0.05 do not count, their sum from the best does
        (2, {'min_delta': 0.08}, [0.50, 0.55, 0.60, 0.65, 0.66], 5),
        (2, {'rule': 'less'}, [0.5, 0.4, 0.3, 0.4, 0.5], 5),
    ],
)
def test_patience(patience, arguments, values, stop):
    hook = EarlyStoppingHook('eye/f1', patience, **arguments)
    assert validations_until_stop(hook, values) == stop


def test_a_loss_is_better_when_less():
    hook = EarlyStoppingHook('eye/loss', 2)
    assert validations_until_stop(hook, [0.5, 0.4, 0.3, 0.35, 0.3]) == 5


def test_the_log_says_why(log_records):
    from mmengine.logging import MMLogger

    runner = Runner()
    runner.logger = MMLogger.get_current_instance()
    hook = EarlyStoppingHook('eye/f1', 2)
    validations_until_stop(hook, [0.75, 0.5, 0.25], runner)
    assert [record.getMessage() for record in log_records] == [
        'early stopping: eye/f1 has not been better than 0.75 for 2 validations'
    ]


@pytest.mark.parametrize('cut', [0, 1, 2, 3])
def test_a_checkpoint_carries_the_count(cut):
    values, patience = [0.7, 0.5, 0.6, 0.4, 0.9], 3
    first = EarlyStoppingHook('eye/f1', patience)
    assert validations_until_stop(first, values[:cut]) is None
    checkpoint = {}
    first.before_save_checkpoint(Runner(), checkpoint)
    second, runner = EarlyStoppingHook('eye/f1', patience), Runner(resume=True)
    second.after_load_checkpoint(runner, checkpoint)
    second.before_train(runner)
    assert not runner.train_loop.stop_training
    # 0.7 is the best; the third after it stops: validation 4 of all
    assert validations_until_stop(second, values[cut:], runner) == 4 - cut


def test_a_resumed_run_that_had_stopped_stays_stopped():
    first = EarlyStoppingHook('eye/f1', 1)
    validations_until_stop(first, [0.7, 0.6])
    checkpoint = {}
    first.before_save_checkpoint(Runner(), checkpoint)
    second, runner = EarlyStoppingHook('eye/f1', 1), Runner(resume=True)
    second.after_load_checkpoint(runner, checkpoint)
    second.before_train(runner)
    assert runner.train_loop.stop_training


def test_weights_that_are_only_loaded_bring_no_count():
    first = EarlyStoppingHook('eye/f1', 1)
    validations_until_stop(first, [0.7, 0.6])
    checkpoint = {}
    first.before_save_checkpoint(Runner(), checkpoint)
    second, runner = EarlyStoppingHook('eye/f1', 1), Runner(resume=False)
    second.after_load_checkpoint(runner, checkpoint)
    second.before_train(runner)
    assert not runner.train_loop.stop_training
    # 0.6 would not beat a stored 0.7
    assert validations_until_stop(second, [0.6], runner) is None


def test_a_checkpoint_of_a_run_without_the_hook_can_be_resumed():
    hook, runner = EarlyStoppingHook('eye/f1', 1), Runner(resume=True)
    hook.after_load_checkpoint(runner, {'state_dict': {}})
    assert validations_until_stop(hook, [0.1, 0.1], runner) == 2


def test_unknown_metric():
    hook = EarlyStoppingHook('eye/f2', 1)
    message = (
        r"EarlyStoppingHook\.monitor='eye/f2' is not a validation metric; "
        r"there are \['eye/auc', 'eye/f1'\]"
    )
    with pytest.raises(KeyError, match=message):
        hook.after_val_epoch(Runner(), {'eye/f1': 1.0, 'eye/auc': 1.0})


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'patience': 0}, 'patience must be > 0, got 0'),
        ({'patience': -2}, 'patience must be > 0, got -2'),
        ({'patience': 1, 'min_delta': -0.1}, 'min_delta must be >= 0, got -0.1'),
        (
            {'patience': 1, 'rule': 'more'},
            r"rule must be one of \('greater', 'less'\), got 'more'",
        ),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        EarlyStoppingHook('eye/f1', **arguments)
