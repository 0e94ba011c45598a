import os
import signal
import subprocess
import sys
import threading

import pytest

from ocec.engine.stop_signal import SIGNALS, StopSignal, stop_on_signals

TWICE = """
import os, signal, sys
from ocec.engine.stop_signal import stop_on_signals
with stop_on_signals() as stop:
    stop.is_armed = True
    for name in sys.argv[1:]:
        os.kill(os.getpid(), getattr(signal, name))
print(stop.name)
"""


def run(*names, **environment):
    environment = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, '-c', TWICE, *names],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize('number', SIGNALS)
def test_the_first_signal_is_a_wish(number, capfd):
    before = signal.getsignal(number)
    with stop_on_signals() as stop:
        stop.is_armed = True
        assert (stop.asked, stop.name) == (None, '')
        os.kill(os.getpid(), number)
        assert (stop.asked, stop.name) == (number, number.name)
    assert signal.getsignal(number) is before
    assert f'{number.name}: the run saves and stops after this step' in (
        capfd.readouterr().err
    )


@pytest.mark.parametrize(
    ('names', 'code'),
    [(('SIGINT', 'SIGINT'), 130), (('SIGUSR1', 'SIGTERM'), 143)],
)
def test_the_second_ends_the_process_at_once(names, code):
    assert run(*names).returncode == code


def test_what_a_launcher_passes_on_is_not_the_second():
    done = run('SIGINT', 'SIGINT', TORCHELASTIC_RUN_ID='none')
    assert (done.returncode, done.stdout) == (0, 'SIGINT\n')


def test_before_there_is_something_to_save_the_first_ends_it():
    with pytest.raises(KeyboardInterrupt):
        StopSignal().receive(signal.SIGINT)
    with pytest.raises(SystemExit) as ended:
        StopSignal().receive(signal.SIGTERM)
    assert ended.value.code == 143


def test_other_threads_change_no_handler():
    before, seen = signal.getsignal(signal.SIGTERM), []

    def enter():
        with stop_on_signals() as stop:
            seen.extend([stop.asked, signal.getsignal(signal.SIGTERM)])

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [None, before]
