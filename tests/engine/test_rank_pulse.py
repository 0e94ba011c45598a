import os
import socket
import threading

import pytest
from torch.distributed import DistNetworkError, DistStoreError, HashStore

from ocec.engine import rank_pulse
from ocec.engine.rank_pulse import ALARM, RankPulse, start_pulse


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def make(clock, world_size=3):
    store = HashStore()
    return store, [
        RankPulse(store, r, world_size, clock=clock) for r in range(world_size)
    ]


def beat(clock, pulses, seconds):
    """Let time pass, with an exchange of these ranks every two seconds."""
    for _ in range(0, seconds, 2):
        clock.now += 2
        for pulse in pulses:
            pulse.exchange()


def test_a_silent_rank_is_named(clock):
    _, pulses = make(clock)
    beat(clock, pulses, 10)
    assert [pulse.silent(1.5) for pulse in pulses] == [[], [], []]
    beat(clock, pulses[:2], 20)
    assert pulses[0].silent(22) == []
    expected = [(2, socket.gethostname(), os.getpid())]
    assert pulses[0].silent(17) == pulses[1].silent(17) == expected


def test_a_rank_that_has_finished_may_be_silent(clock):
    _, pulses = make(clock)
    beat(clock, pulses, 4)
    pulses[2].end()
    beat(clock, pulses[:2], 30)
    assert pulses[0].silent(10) == []


def test_after_a_pause_of_its_own_everybody_begins_anew(clock):
    _, pulses = make(clock)
    beat(clock, pulses, 4)
    clock.now += 300  # stopped, or the store did not answer
    assert pulses[0].silent(10) == []
    pulses[0].exchange()
    assert pulses[0].silent(10) == []
    beat(clock, pulses[:1], 12)
    assert [rank for rank, _, _ in pulses[0].silent(10)] == [1, 2]


def test_an_alarm_reaches_the_others(clock):
    store, pulses = make(clock)
    pulses[1].raise_alarm('rank 1 hangs')
    assert store.check([ALARM])
    pulses[0].exchange()
    assert pulses[0].alarm == 'rank 1 hangs'
    assert pulses[1].alarm is None


def test_one_process_has_no_others():
    assert start_pulse() is None


def test_a_store_that_answers_too_late_is_asked_again(clock, monkeypatch):
    monkeypatch.setattr(rank_pulse, 'INTERVAL', 0.01)
    _, [pulse, _] = make(clock, 2)
    answers = [DistStoreError('wait timeout after 60000ms'), None]
    has_gone_on = threading.Event()

    def exchange():
        if answers:
            answer = answers.pop(0)
            if answer is not None:
                raise answer
            return
        has_gone_on.set()
        raise DistNetworkError('Broken pipe')

    monkeypatch.setattr(pulse, 'exchange', exchange)
    # ends when the store is gone
    pulse._run()
    assert has_gone_on.is_set()
