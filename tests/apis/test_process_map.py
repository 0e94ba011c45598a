import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ocec.apis.process_map import map_in_processes

# each item tells its process, then takes long enough to be interrupted
SCRIPT = """
import os, time
from ocec.apis.process_map import map_in_processes

def work(item):
    os.write(1, f'{os.getpid()}\\n'.encode())  # in one piece: two workers write
    time.sleep(0.3)
    return item

if __name__ == '__main__':
    for _ in map_in_processes(work, range(100), jobs=2):
        pass
"""


@pytest.mark.parametrize('jobs', [1, 2])
def test_results_keep_the_order_of_the_items(jobs):
    squares = [number**2 for number in range(20)]
    assert list(map_in_processes(math.isqrt, squares, jobs=jobs)) == list(range(20))


def test_no_items_give_no_results():
    assert list(map_in_processes(math.isqrt, [])) == []


@pytest.mark.parametrize('jobs', [1, 2])
def test_errors_of_the_function_come_through(jobs):
    results = map_in_processes(math.isqrt, [4, -1, 9], jobs=jobs)
    assert next(results) == 2
    with pytest.raises(ValueError, match='nonnegative'):
        next(results)


def test_too_few_jobs_are_refused_at_once():
    with pytest.raises(ValueError, match='jobs must be >= 1, got 0'):
        map_in_processes(math.isqrt, [1], jobs=0)


@pytest.fixture
def running_map(tmp_path):
    """A script with two workers at work, and the ids of its workers."""
    script = tmp_path / 'script.py'
    script.write_text(SCRIPT)
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {'PYTHONPATH': root},
        start_new_session=True,
        # a shell in the background ignores Ctrl-C, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    workers: set[int] = set()
    while len(workers) < 2:  # one may start late
        workers.add(int(process.stdout.readline()))
    yield process, workers
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def is_running(pid):
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    except FileNotFoundError:
        return False
    return state != 'Z'


@pytest.mark.skipif(not Path('/proc/self/stat').exists(), reason='needs /proc')
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_their_parent(running_map, number):
    process, workers = running_map
    assert process.pid not in workers
    if number == signal.SIGINT:  # a terminal sends it to every process
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    assert process.wait(timeout=10) != 0
    deadline = time.monotonic() + 5
    while any(map(is_running, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, workers))
