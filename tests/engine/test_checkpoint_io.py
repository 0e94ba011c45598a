import hashlib
import os
import random

import numpy as np
import pytest
import torch

from ocec.engine import checkpoint_io


def test_a_checkpoint_comes_back_and_its_digest_is_that_of_sha256sum(tmp_path):
    path = tmp_path / 'new' / 'a.pth'
    digest = checkpoint_io.save_atomically({'x': torch.arange(3), 'n': 1}, path)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert checkpoint_io.digest_path(path).read_text() == f'{digest}  a.pth\n'
    loaded = checkpoint_io.load_safely(path)
    assert loaded['n'] == 1
    assert torch.equal(loaded['x'], torch.arange(3))


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / 'a.pth'
    checkpoint_io.save_atomically({'n': 1}, path)
    with pytest.raises(Exception, match='pickle'):
        checkpoint_io.save_atomically({'n': lambda: 0}, path)
    assert checkpoint_io.load_safely(path) == {'n': 1}
    assert sorted(p.name for p in tmp_path.iterdir()) == ['a.pth', 'a.pth.sha256']


class RunsCode:
    def __reduce__(self):
        return os.mkdir, (str(RunsCode.target),)


def test_code_in_a_checkpoint_does_not_run_unless_trusted(tmp_path):
    RunsCode.target = tmp_path / 'was_here'
    path = tmp_path / 'evil.pth'
    torch.save({'x': RunsCode()}, path)
    with pytest.raises(ValueError, match='could run code.*--trust-checkpoint'):
        checkpoint_io.load_safely(path)
    assert not RunsCode.target.exists()
    checkpoint_io.load_safely(path, trust=True)
    assert RunsCode.target.exists()


def test_missing_and_damaged_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='a.pth: no such checkpoint'):
        checkpoint_io.load_safely(tmp_path / 'a.pth')
    good = tmp_path / 'good.pth'
    checkpoint_io.save_atomically({'x': torch.zeros(1000)}, good)
    torn = tmp_path / 'torn.pth'
    content = good.read_bytes()
    # cut off at any place, also within the list of contents at the end
    for size in (0, 10, 2000, len(content) - 500, len(content) - 1):
        torn.write_bytes(content[:size])
        message = r'torn.pth: damaged checkpoint: (?s:.*)\. Copy it again, or name'
        with pytest.raises(ValueError, match=message):
            checkpoint_io.load_safely(torn)


def test_remove_takes_the_digest_along_and_forgives_a_missing_file(tmp_path):
    path = tmp_path / 'a.pth'
    checkpoint_io.save_atomically({}, path)
    checkpoint_io.remove_checkpoint(path)
    checkpoint_io.remove_checkpoint(path)
    assert list(tmp_path.iterdir()) == []


def draw():
    return random.random(), np.random.rand(), torch.rand(1).item(), random.gauss(0, 1)


def test_random_state_survives_a_checkpoint(tmp_path):
    random.seed(1)
    np.random.seed(2)
    torch.manual_seed(3)
    np.random.randn()  # leaves a cached normal number behind
    random.gauss(0, 1)
    path = tmp_path / 'rng.pth'
    checkpoint_io.save_atomically(checkpoint_io.rng_state(), path)
    expected = draw(), np.random.randn()
    draw()
    checkpoint_io.set_rng_state(checkpoint_io.load_safely(path))
    assert (draw(), np.random.randn()) == expected
