import errno
import hashlib
import os
import random

import numpy as np
import pytest
import torch

from ocec.engine import checkpoint_io
from ocec.functional import file_ops


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


def test_a_file_that_is_not_the_one_its_digest_is_of_is_refused(tmp_path):
    path = tmp_path / 'a.pth'
    checkpoint_io.save_atomically({'x': torch.zeros(1000)}, path)
    content = bytearray(path.read_bytes())
    content[2000] ^= 1
    path.write_bytes(content)
    found = hashlib.sha256(content).hexdigest()
    expected = (tmp_path / 'a.pth.sha256').read_text().split()[0]
    message = (
        f'a.pth: damaged checkpoint: its SHA-256 is {found}, and a.pth.sha256 beside '
        f'it says {expected}. Copy both again, or name another; if you have changed'
    )
    with pytest.raises(ValueError, match=message):
        checkpoint_io.load_safely(path)
    (tmp_path / 'a.pth.sha256').unlink()
    assert checkpoint_io.load_safely(path)['x'].shape == (1000,)


def test_a_full_disk_leaves_the_old_file_with_its_digest(tmp_path, monkeypatch):
    path = tmp_path / 'a.pth'
    checkpoint_io.save_atomically({'n': 1}, path)

    def write(*args):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(file_ops, 'write', write)
    with pytest.raises(
        OSError, match=r'a.pth cannot be written: No .* It needs 4.0 MB'
    ):
        checkpoint_io.save_atomically({'x': torch.zeros(1_000_000)}, path)
    assert checkpoint_io.load_safely(path) == {'n': 1}
    assert sorted(p.name for p in tmp_path.iterdir()) == ['a.pth', 'a.pth.sha256']


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


def test_what_is_no_dict_is_no_checkpoint(tmp_path):
    torch.save([1, 2], tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'a\.pth: no checkpoint: it holds a list'):
        checkpoint_io.load_safely(tmp_path / 'a.pth')


def test_an_expanded_number_is_refused(tmp_path):
    torch.save({'w': torch.zeros(1).expand(2**20, 2**20)}, tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'a\.pth: .* tensors of 4,398,046,511,104 b'):
        checkpoint_io.load_safely(tmp_path / 'a.pth')
