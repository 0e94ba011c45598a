import json

import pytest

from ocec.engine.checkpoint_io import save_atomically
from ocec.engine.last_checkpoint import last_good_checkpoint


@pytest.fixture
def work_dir(tmp_path):
    for number, name in enumerate(('epoch_9.pth', 'epoch_1.pth', 'epoch_2.pth')):
        save_atomically({'number': number}, tmp_path / name)
    # epoch_9 is of an earlier run in the folder
    files = ['epoch_1.pth', 'gone.pth', 'epoch_2.pth']
    (tmp_path / 'checkpoints.json').write_text(json.dumps({'files': files}))
    (tmp_path / 'last_checkpoint').write_text('/where/it/was/epoch_2.pth')
    return tmp_path


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_it_is_the_one_named_also_of_a_folder_that_was_moved(work_dir):
    assert last_good_checkpoint(work_dir) == work_dir / 'epoch_2.pth'


def test_nothing_was_saved(tmp_path):
    assert last_good_checkpoint(tmp_path) is None


def test_a_damaged_one_gives_way_to_the_one_before(work_dir, capsys):
    damage(work_dir / 'epoch_2.pth')
    assert last_good_checkpoint(work_dir) == work_dir / 'epoch_1.pth'
    out = capsys.readouterr().out
    assert 'epoch_2.pth: damaged checkpoint: its SHA-256 is' in out
    assert 'epoch_1.pth is taken instead' in out


def test_so_does_one_that_is_gone_or_torn_without_a_digest(work_dir):
    (work_dir / 'epoch_2.pth').unlink()
    assert last_good_checkpoint(work_dir) == work_dir / 'epoch_1.pth'
    (work_dir / 'epoch_2.pth').write_bytes(b'PK torn')
    (work_dir / 'epoch_2.pth.sha256').unlink()
    assert last_good_checkpoint(work_dir) == work_dir / 'epoch_1.pth'


def test_all_are_damaged(work_dir):
    for name in ('epoch_1.pth', 'epoch_2.pth'):
        damage(work_dir / name)
    message = r'can be read:\n.*epoch_2.pth: (?s:.*)epoch_1.pth: (?s:.*)Begin anew'
    with pytest.raises(ValueError, match=message):
        last_good_checkpoint(work_dir)
