import bdb
import sys
import threading
from types import SimpleNamespace

import pytest

from ocec.apis.train import train
from ocec.engine.hang_watch import HangWatch
from ocec.engine.hooks import WatchdogHook
from ocec.engine.hooks.watchdog_hook import is_on_stack


def names_of_threads():
    return [thread.name for thread in threading.enumerate()]


def test_every_batch_of_every_loop_is_a_sign(tmp_path, write_config, monkeypatch):
    signs = []

    def note(self, place, *, arm=False):
        signs.append((place, arm))
        assert 'hang watch' in names_of_threads()

    monkeypatch.setattr(HangWatch, 'beat', note)
    train(write_config('train_cfg = dict(max_epochs=1)'), work_dir=tmp_path / 'run')
    # 32 pictures to train on and 16 to validate, 16 in a batch
    assert signs == [
        ('the beginning of epoch 1', False),
        ('batch 1 of train', True),
        ('batch 2 of train', True),
        ('the end of epoch 1', False),
        ('batch 1 of val', True),
        ('the end of a validation', False),
    ]


class Runner:
    def train(self):
        return is_on_stack(self, threading.get_ident())


def test_a_run_that_has_ended_is_not_on_the_stack():
    runner, other = Runner(), Runner()
    assert runner.train()
    assert not is_on_stack(runner, threading.get_ident())
    other.train = lambda: is_on_stack(runner, threading.get_ident())
    assert not other.train()


def test_a_run_halted_in_a_debugger_is_not_watched(monkeypatch):
    answers = []

    class Debugger(bdb.Bdb):
        def user_line(self, frame):
            answers.append(is_on_stack(runner, threading.get_ident()))
            self.set_continue()

    class Halted(Runner):
        def train(self):
            Debugger().set_trace()
            return super().train()

    runner = Halted()
    before = sys.gettrace()
    try:
        assert runner.train()
    finally:
        sys.settrace(before)
    assert answers == [False]


def test_a_second_run_is_watched_alone(tmp_path):
    hook = WatchdogHook()
    runner = SimpleNamespace(work_dir=tmp_path)
    num_before = names_of_threads().count('hang watch')
    hook.before_run(runner)
    first = hook._watch
    hook.before_run(runner)  # the first was ended by an exception
    assert hook._watch is not first
    hook.after_run(runner)
    for thread in threading.enumerate():
        if thread.name == 'hang watch':
            thread.join(10)
    assert names_of_threads().count('hang watch') <= num_before


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'timeout': 0}, 'timeout must be > 0, got 0'),
        ({'silence': 5}, 'silence must be >= 10, got 5'),
    ],
)
def test_arguments_out_of_range(settings, message):
    with pytest.raises(ValueError, match=message):
        WatchdogHook(**settings)
