"""With a clock that is turned by hand; real processes are in tests/e2e."""

import os
import signal
import socket
import threading

import pytest

from ocec.engine import hang_watch
from ocec.engine.hang_watch import HangWatch


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


class Pulse:
    """Signs of life as a test wants them."""

    def __init__(self, alarm=None, silent=()):
        self.alarm, self.found = alarm, list(silent)
        self.raised, self.has_ended = [], False

    def silent(self, seconds):
        return self.found

    def raise_alarm(self, reason):
        self.raised.append(reason)

    def end(self):
        self.has_ended = True


@pytest.fixture
def make(tmp_path):
    def build(**settings):
        settings = {
            'timeout': 30,
            'silence': 20,
            'pulse': None,
            'is_running': lambda: True,
            'end': lambda code: None,
            'clock': Clock(),
            **settings,
        }
        return HangWatch(tmp_path, 0, **settings), settings['clock']

    return build


def wait(watch, clock, seconds):
    """Look every second; return the first answer."""
    for _ in range(seconds):
        clock.now += 1
        if (problem := watch.look()) is not None:
            return problem
    return None


def test_no_step_for_too_long(make):
    watch, clock = make()
    watch.beat('batch 1 of train', arm=True)
    assert wait(watch, clock, 29) is None
    watch.beat('batch 2 of train', arm=True)
    assert wait(watch, clock, 30) is None
    assert wait(watch, clock, 1) == (
        'rank 0 has made no step for 30 s, the last sign was batch 2 of train'
    )


def test_what_comes_before_the_first_step_does_not_count(make):
    watch, clock = make()
    watch.beat('the beginning of epoch 1')
    assert wait(watch, clock, 500) is None


def test_a_process_that_was_paused_counts_anew(make):
    watch, clock = make()
    watch.beat('batch 1 of train', arm=True)
    wait(watch, clock, 29)
    clock.now += 1000
    assert watch.look() is None
    assert wait(watch, clock, 29) is None
    assert wait(watch, clock, 2) is not None


def test_another_rank_is_silent(make):
    watch, clock = make(pulse=Pulse(silent=[(3, 'node7', 42)]))
    assert watch.look() == 'no sign of life for 20 s of rank 3 (process 42 on node7)'


def test_another_rank_raises_the_alarm(make):
    watch, clock = make(pulse=Pulse(alarm='rank 2 has made no step'))
    assert watch.look() == 'rank 2 has made no step'


def test_all_stacks_are_written_and_the_process_ends(make, tmp_path, capsys):
    codes = []
    watch, clock = make(end=codes.append)

    def innermost_function():
        watch._give_up('rank 0 has made no step for 30 s')

    innermost_function()
    assert codes == [1]
    text = (tmp_path / 'hang_rank0.txt').read_text()
    assert 'rank 0 has made no step for 30 s\n' in text.splitlines(keepends=True)[0]
    assert 'in innermost_function' in text
    shown = capsys.readouterr().err
    assert 'in innermost_function' in shown
    assert shown.splitlines()[-1] == (
        'error: rank 0 has made no step for 30 s. The stacks of all threads are in '
        f'{tmp_path / "hang_rank0.txt"}'
    )


def test_others_are_told_and_woken_first(make, monkeypatch):
    events = []
    here = socket.gethostname()
    pulse = Pulse(silent=[(1, here, 41), (2, 'elsewhere', 42)])
    pulse.raise_alarm = lambda reason: events.append(reason)
    monkeypatch.setattr(os, 'kill', lambda *call: events.append(call))
    monkeypatch.setattr(hang_watch.time, 'sleep', lambda s: events.append(s))
    watch, _ = make(pulse=pulse, end=events.append)
    watch._give_up('a')
    expected = ['a', (41, signal.SIGCONT), hang_watch.SECONDS_FOR_OTHERS, 1]
    assert events == expected


def test_who_is_told_does_not_tell_again(make, monkeypatch):
    monkeypatch.setattr(hang_watch.time, 'sleep', pytest.fail)
    pulse = Pulse(alarm='a')
    watch, _ = make(pulse=pulse)
    watch._give_up('a')
    assert pulse.raised == []


@pytest.mark.parametrize('is_running', [False, True])
def test_the_thread_ends_only_a_run_that_goes_on(make, monkeypatch, is_running):
    monkeypatch.setattr(hang_watch, 'TICK', 0.01)
    monkeypatch.setattr(hang_watch, 'SECONDS_FOR_OTHERS', 0)
    ended, asked = threading.Event(), threading.Event()

    def ask():
        asked.set()
        return is_running

    watch, clock = make(
        end=lambda code: ended.set(), is_running=ask, pulse=Pulse(alarm='a')
    )
    watch.start()
    assert asked.wait(10)
    assert ended.wait(10 if is_running else 0.2) == is_running


def test_a_run_that_is_being_ended_does_not_go_on(make, monkeypatch):
    watch, _ = make(pulse=Pulse(alarm='a'))
    watch._give_up('a')
    went_on = []

    def go_on():
        watch.beat('batch 3 of train', arm=True)
        went_on.append(True)

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    assert went_on == []


def test_stopping_tells_the_others(make):
    pulse = Pulse()
    watch, _ = make(pulse=pulse)
    watch.start()
    watch.stop()
    assert pulse.has_ended


def test_a_disk_that_takes_no_stacks_does_not_keep_the_process(
    make, tmp_path, monkeypatch, capfd
):
    monkeypatch.setattr(hang_watch, 'SECONDS_FOR_OTHERS', 0)
    (tmp_path / 'hang_rank0.txt').mkdir()
    codes = []
    watch, _ = make(end=codes.append)
    watch._give_up('no step')
    assert codes == [1]
    printed = capfd.readouterr().err
    assert 'Is a directory' in printed
    assert 'test_a_disk_that_takes_no_stacks' in printed  # the stacks
