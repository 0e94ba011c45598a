import os
import subprocess
import sys

import pytest

from ocec.search import liveness
from ocec.search.liveness import SILENCE_SECONDS, describe_worker, is_alive, start_time


def test_this_process_lives():
    worker = describe_worker()
    assert worker['pid'] == os.getpid()
    assert is_alive(worker)
    assert is_alive({**worker, 'seen': 0})  # its pid is looked at, not its beat


def test_a_process_that_has_ended_does_not_live():
    child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)
    worker = {**describe_worker(), 'pid': child.pid, 'started': start_time(child.pid)}
    assert is_alive(worker)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(worker)  # it still waits to be reaped
    child.wait()
    assert not is_alive(worker)


def test_another_process_with_the_same_pid_is_not_taken_for_it():
    assert not is_alive({**describe_worker(), 'started': 'long ago'})


@pytest.mark.parametrize(('silent', 'alive'), [(0, True), (SILENCE_SECONDS + 1, False)])
def test_a_process_elsewhere_counts_by_its_beat(silent, alive):
    worker = {**describe_worker(), 'host': 'elsewhere', 'seen': 1000.0}
    assert is_alive(worker, now=1000.0 + silent) == alive


def test_without_proc_the_signal_tells(monkeypatch, tmp_path):
    monkeypatch.setattr(liveness, 'Path', lambda _: tmp_path / 'a' / 'b')
    assert start_time(os.getpid()) == 'unknown'
    child = subprocess.Popen([sys.executable, '-c', ''])
    child.wait()
    assert start_time(child.pid) is None
