"""Disks that fail, for trainings and caches."""

import errno
import os
import random
import signal
import time

import pytest

from ocec.functional import file_ops

DELAY = 0.05
ERRORS = {'full': errno.ENOSPC, 'broken': errno.EIO}


class Disk:
    """Calls of the file layer, of which some fail.

    Args:
        kind: ``full`` or ``broken``, where a call fails, in a write after half of it;
            ``short``, where a write takes half; ``slow``; ``deadly``, where the process
            is killed at a call, in a write after half of it; ``good``.
        seed: of the choice of calls.
        share: of the calls that fail.
        at: number of the call that is deadly, from 1.
        counts: file that grows by one byte for each call that failed.
    """

    def __init__(self, kind, *, seed=0, share=0.02, at=None, counts=None):
        self.kind, self.share, self.at, self.counts = kind, share, at, counts
        self.random = random.Random(seed)
        self.num_calls = 0

    def put_in_place(self, patch=setattr):
        for name in ('write', 'write_at', 'sync', 'rename'):
            patch(file_ops, name, getattr(self, name))

    def strikes(self):
        self.num_calls += 1
        if self.kind == 'deadly':
            return self.num_calls == self.at
        if self.kind == 'good' or self.random.random() >= self.share:
            return False
        if self.counts is not None:
            with open(self.counts, 'ab', buffering=0) as stream:
                stream.write(b'.')
        return True

    def fail(self, *names):
        if self.kind == 'deadly':
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind in ERRORS:
            number = ERRORS[self.kind]
            raise OSError(number, os.strerror(number), *names)
        time.sleep(DELAY)

    def write(self, descriptor, content):
        return self.write_some(lambda part: os.write(descriptor, part), content)

    def write_at(self, descriptor, content, place):
        return self.write_some(lambda part: os.pwrite(descriptor, part, place), content)

    def write_some(self, write, content):
        if not self.strikes():
            return write(content)
        if self.kind == 'slow':
            time.sleep(DELAY)
            return write(content)
        # some of it gets to the disk in any case
        done = write(content[: max(len(content) // 2, 1)])
        if self.kind != 'short':
            self.fail()
        return done

    def sync(self, descriptor):
        if self.kind != 'short' and self.strikes():
            self.fail()
        os.fsync(descriptor)

    def rename(self, old, new):
        if self.kind != 'short' and self.strikes():
            self.fail(old, None, new)
        os.replace(old, new)


@pytest.fixture
def make_disk():
    """Return the class of disks that fail."""
    return Disk


@pytest.fixture(scope='session')
def report():
    """Collect lines of a table, shown at the end with ``pytest -s``."""
    lines = []
    yield lines
    print('\n' + '\n'.join(lines))
