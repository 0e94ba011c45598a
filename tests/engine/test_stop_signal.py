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

WORKERS = """
import os, subprocess, sys, time
from functools import partial
from torch.utils.data import DataLoader
from ocec.engine.stop_signal import begin_worker, stop_on_signals

class Slow:
    def __len__(self):
        return 100
    def __getitem__(self, index):
        time.sleep(0.01)
        return index

begin = partial(begin_worker, lambda number: print('begun', number, flush=True))
loader = DataLoader(Slow(), num_workers=2, worker_init_fn=begin)
os.setsid()
with stop_on_signals() as stop:
    stop.is_armed = True
    batches = iter(loader)
    # one of each worker: both have begun
    read = [int(next(batches)), int(next(batches))]
    # by another process, as a scheduler does
    subprocess.run(['bash', '-c', f'kill -{sys.argv[1][3:]} 0'])
    read += [int(batch) for batch in batches]
    workers = batches._workers
    print(stop.name, read == list(range(100)))
    for worker in workers:
        worker.join(60)
batches = iter(loader)
next(batches)
# as torch and multiprocessing do with workers that are left at the end
for worker in batches._workers:
    worker.terminate()
for worker in batches._workers:
    worker.join(60)
print([worker.exitcode for worker in batches._workers], flush=True)
os._exit(0)
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


@pytest.mark.parametrize('name', ['SIGTERM', 'SIGINT', 'SIGUSR1'])
def test_data_workers_live_on_when_all_processes_get_the_signal(name):
    done = subprocess.run(
        [sys.executable, '-c', WORKERS, name],
        capture_output=True,
        text=True,
        timeout=120,
    )
    lines = done.stdout.splitlines()
    assert sorted(lines[:2]) == ['begun 0', 'begun 1'], done.stderr
    assert lines[2] == f'{name} True'
    assert lines[-1] == '[0, 0]'
    # said by the parent only
    assert done.stderr.count('once more ends it at once') == 1
