import errno
import os

import pytest

from ocec.functional import file_ops


def fail_with(number):
    def fail(*args):
        raise OSError(number, os.strerror(number))

    return fail


def write_a_byte(descriptor, content):
    return os.write(descriptor, content[:1])


def test_a_file_is_replaced_whole_also_where_the_system_takes_parts(
    tmp_path, monkeypatch
):
    path = tmp_path / 'a'
    path.write_bytes(b'old')
    monkeypatch.setattr(file_ops, 'write', write_a_byte)
    file_ops.replace_file(path, b'new content')
    assert path.read_bytes() == b'new content'
    assert [p.name for p in tmp_path.iterdir()] == ['a']


@pytest.mark.parametrize('operation', ['write', 'sync', 'rename'])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path, monkeypatch, operation
):
    path, about = tmp_path / 'a', tmp_path / 'a.about'
    path.write_bytes(b'old')
    monkeypatch.setattr(file_ops, operation, fail_with(errno.EIO))
    with pytest.raises(OSError, match='/a cannot be written: Input/output error') as e:
        file_ops.replace_file(path, b'new')
    assert e.value.errno == errno.EIO
    assert path.read_bytes() == b'old'
    assert not about.exists()
    assert [p.name for p in tmp_path.iterdir()] == ['a']


def test_what_is_said_of_the_old_content_goes_with_it(tmp_path, monkeypatch):
    path, about = tmp_path / 'a', tmp_path / 'a.about'
    path.write_bytes(b'old')
    about.write_text('old')
    monkeypatch.setattr(file_ops, 'write', fail_with(errno.EIO))
    with pytest.raises(OSError, match='cannot be written'):
        file_ops.replace_file(path, b'new', outdated=[about])
    assert about.exists()
    monkeypatch.undo()
    file_ops.replace_file(path, b'new', outdated=[about])
    assert not about.exists()


def test_a_full_disk_says_how_much_is_needed_and_free(tmp_path, monkeypatch):
    monkeypatch.setattr(file_ops, 'write', fail_with(errno.ENOSPC))
    message = r'No space left on device. It needs 2.5 MB, [\d,]+\.\d MB are free there'
    with pytest.raises(OSError, match=message):
        file_ops.replace_file(tmp_path / 'a', bytes(2_500_000))


def test_what_is_added_is_added_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / 'a'
    file_ops.append_to_file(path, b'one\n', durably=True)
    left = [3]

    def write_three_bytes(descriptor, content):
        if not left[0]:
            raise OSError(errno.ENOSPC, 'full')
        left[0] -= 1
        return os.write(descriptor, content[:1])

    monkeypatch.setattr(file_ops, 'write', write_three_bytes)
    with pytest.raises(OSError, match='full'):
        file_ops.append_to_file(path, b'two\n')
    assert path.read_bytes() == b'one\n'
    monkeypatch.undo()
    file_ops.append_to_file(path, b'two\n')
    assert path.read_bytes() == b'one\ntwo\n'


def test_a_torn_last_line_is_ended_first(tmp_path):
    path = tmp_path / 'a'
    path.write_bytes(b'one\ntw')
    file_ops.append_to_file(path, b'three\n')
    assert path.read_bytes() == b'one\ntw\nthree\n'


def test_only_what_a_killed_process_left_is_removed(tmp_path):
    for name in ('.a.pth.12.tmp', '.a.tmp', 'b.12.tmp', '.hidden'):
        (tmp_path / name).touch()
    file_ops.remove_leftovers(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {'.a.tmp', 'b.12.tmp', '.hidden'}


@pytest.mark.parametrize('number', [errno.EINVAL, errno.ENOTSUP])
def test_a_folder_that_cannot_be_synced_is_no_failure(tmp_path, monkeypatch, number):
    def sync(descriptor):
        if os.path.isdir(f'/proc/self/fd/{descriptor}'):
            raise OSError(number, 'not here')

    monkeypatch.setattr(file_ops, 'sync', sync)
    file_ops.replace_file(tmp_path / 'a', b'new')
    assert (tmp_path / 'a').read_bytes() == b'new'


def test_a_folder_that_cannot_be_forced_to_disk_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(file_ops, 'sync', fail_with(errno.EIO))
    with pytest.raises(OSError, match=f'{tmp_path} cannot be written: ') as caught:
        file_ops.sync_folder(tmp_path)
    assert caught.value.errno == errno.EIO
