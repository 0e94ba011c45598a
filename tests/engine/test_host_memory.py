import subprocess
import sys

import numpy as np
import pytest
import torch

from ocec.engine import host_memory

# page faults of blocks that are taken again after they were freed; the module is run
# by its path, because the package would take seconds to import
SCRIPT = """
import resource, runpy, sys

keep_freed_memory = runpy.run_path(sys.argv[1])['keep_freed_memory']
if sys.argv[2] == 'keep':
    assert keep_freed_memory() is True

def take():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [b'x' * (64 << 20) for _ in range(2)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

take()
print(take())
"""


def page_faults(mode):
    command = [sys.executable, '-c', SCRIPT, host_memory.__file__, mode]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_freed_blocks_are_used_again():
    if not host_memory.keep_freed_memory():
        pytest.skip('for Linux with glibc >= 2.35')
    # 128 MiB are 32768 pages of 4 KiB, or 64 of 2 MiB
    assert page_faults('default') >= 60
    assert page_faults('keep') < 10


def test_other_systems_are_left_alone(monkeypatch):
    def refuse(name):
        raise AssertionError('no C library may be opened')

    monkeypatch.setattr(host_memory.sys, 'platform', 'darwin')
    monkeypatch.setattr(host_memory.ctypes, 'CDLL', refuse)
    assert host_memory.keep_freed_memory() is False


def test_a_c_library_without_mallopt(monkeypatch):
    # musl has none
    monkeypatch.setattr(host_memory.ctypes, 'CDLL', lambda name: object())
    assert host_memory.keep_freed_memory() is False


@pytest.mark.parametrize('refused', [host_memory.M_MMAP_THRESHOLD, -1])
def test_a_refusal_is_told(monkeypatch, refused):
    class Library:
        def mallopt(self, name, value):
            return int(name != refused)

    monkeypatch.setattr(host_memory.ctypes, 'CDLL', lambda name: Library())
    assert host_memory.keep_freed_memory() is False


@pytest.mark.skipif(torch.cuda.is_available(), reason='counts the memory of the GPU')
def test_the_peak_covers_what_was_taken_and_given_back():
    before = host_memory.peak_memory_mb()
    block = np.ones(32 << 20)  # 256 MB
    grown = host_memory.peak_memory_mb()
    del block
    assert grown >= max(before, 256)
    assert host_memory.peak_memory_mb() >= grown
