"""Hands hostile files to readers in a process of its own."""

import json
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PATIENCE_S = 600  # the machine may be busy; what is tested is processor time
MAX_CPU_S = 5.0


class Worker:
    """Starts the process when it is needed, and again when it has died."""

    def __init__(self, folder):
        self.folder, self.process = folder, None
        # what libraries print; read when the process does not start
        self.log = (folder / 'worker.log').open('ab')

    def ask(self, reader, path):
        if self.process is None:
            self._start()
        line = json.dumps({'reader': reader, 'path': str(path)}) + '\n'
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()
        answer = self._answer()
        if not answer:
            self.stop()
            pytest.fail(f'{reader} of {path} ended the process, or hangs')
        return json.loads(answer)

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
        self.process = None

    def _start(self):
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / 'worker.py'), str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log.fileno(),
            env={**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONDONTWRITEBYTECODE': '1'},
        )
        assert self._answer() == b'ready\n', (self.folder / 'worker.log').read_text()

    def _answer(self):
        found, _, _ = select.select([self.process.stdout], [], [], PATIENCE_S)
        return self.process.stdout.readline() if found else b''


@pytest.fixture(scope='session')
def worker(tmp_path_factory):
    worker = Worker(tmp_path_factory.mktemp('worker'))
    yield worker
    worker.stop()


@pytest.fixture
def canary(tmp_path):
    """A file that hostile ones try to make."""
    return tmp_path / 'canary'


@pytest.fixture
def read(worker, canary):
    """Return a function that reads a file, and asserts that nothing else was done.

    What it returns: ``error``, ``kinds`` (its classes) and ``value``.
    """

    def ask(reader, path):
        answer = worker.ask(reader, path)
        assert not canary.exists()
        assert answer['events'] == []
        assert answer['cpu_s'] < MAX_CPU_S
        return answer

    return ask


@pytest.fixture
def assert_refused(read):
    """Return a function that asserts an error of our own that names the file."""

    def ask(reader, path, named=None):
        answer = read(reader, path)
        assert answer['error'] is not None, answer['value']
        assert set(answer['kinds']) & {'ValueError', 'FileNotFoundError'}, answer
        assert 'UnicodeError' not in answer['kinds'], answer
        assert (named or path.name) in answer['error']
        assert len(answer['error']) < 2000
        return answer['error']

    return ask
