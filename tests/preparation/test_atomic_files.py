import os

import pytest

from ocec.preparation.atomic_files import new_file, new_files


def content(folder):
    return {p.name: p.read_bytes() for p in folder.rglob('*') if p.is_file()}


def test_files_appear_together_at_the_end(tmp_path):
    folder = tmp_path / 'new'
    with new_files([folder / 'a', folder / 'b']) as files:
        for number, file in enumerate(files):
            file.write(b'12'[number : number + 1])
            assert not (folder / 'a').exists()
    assert content(tmp_path) == {'a': b'1', 'b': b'2'}
    (tmp_path / 'plain').write_bytes(b'')
    modes = {path.stat().st_mode for path in (folder / 'a', tmp_path / 'plain')}
    assert len(modes) == 1


def test_one_file_is_open_at_a_time(tmp_path):
    opened = []
    with new_files([tmp_path / str(i) for i in range(3)]) as files:
        for file in files:
            opened.append(file)
            assert [file.closed for file in opened] == [True] * (len(opened) - 1) + [
                False
            ]
    assert opened[-1].closed


def test_files_that_nobody_asked_for_are_empty(tmp_path):
    with new_files([tmp_path / 'a', tmp_path / 'b']) as files:
        next(files).write(b'1')
    assert content(tmp_path) == {'a': b'1', 'b': b''}


@pytest.mark.parametrize('error', [RuntimeError, KeyboardInterrupt])
def test_what_goes_wrong_leaves_the_old_file(tmp_path, error):
    (tmp_path / 'a').write_bytes(b'old')

    def write_half():
        with new_file(tmp_path / 'a') as file:
            file.write(b'new')
            raise error

    with pytest.raises(error):
        write_half()
    assert content(tmp_path) == {'a': b'old'}


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    (tmp_path / 'a').write_bytes(b'old')

    def full(handle):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match='No space left'), new_file(tmp_path / 'a') as f:
        f.write(b'new')
    assert content(tmp_path) == {'a': b'old'}
