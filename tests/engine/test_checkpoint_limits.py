import struct
import zipfile

import pytest
import torch

from ocec.engine import checkpoint_limits
from ocec.engine.checkpoint_limits import check_archive, check_content


@pytest.fixture
def saved(tmp_path):
    def save(checkpoint, name='a.pth', **options):
        torch.save(checkpoint, tmp_path / name, **options)
        return tmp_path / name

    return save


CHECKPOINT = {
    'state_dict': {'w': torch.ones(300, 300)},
    'meta': {'epoch': 3, 'cfg': 'a = 1', 'list': [1, (2, {3})]},
}


@pytest.mark.parametrize('is_zip', [True, False])
def test_a_checkpoint_passes(saved, is_zip):
    path = saved(CHECKPOINT, _use_new_zipfile_serialization=is_zip)
    check_archive(path)
    check_content(CHECKPOINT, path)


def test_a_packed_archive_is_refused(saved, tmp_path):
    with (
        zipfile.ZipFile(saved(CHECKPOINT)) as stored,
        zipfile.ZipFile(tmp_path / 'b.pth', 'w', zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in stored.namelist():
            packed.writestr(name, stored.read(name))
    with pytest.raises(ValueError, match=r'b\.pth: damaged .* bytes that unpacks to'):
        check_archive(tmp_path / 'b.pth')


def test_a_broken_end_is_told(saved):
    path = saved(CHECKPOINT)
    content = path.read_bytes()
    # the first entry of the list of members
    path.write_bytes(content.replace(b'PK\x01\x02', b'PK\x01\xff', 1))
    with pytest.raises(ValueError, match=r'a\.pth: damaged checkpoint'):
        check_archive(path)


def test_one_disk_of_several_is_refused(tmp_path):
    path = tmp_path / 'a.pth'
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('a/data.pkl', b'.')
    content = bytearray(path.read_bytes())
    end = content.rindex(b'PK\x05\x06')  # end of central directory
    # 64-bit locator before it (signature, disk, offset, disks): disk 1 of 2
    locator = struct.pack('<4sLQL', b'PK\x06\x07', 1, 0, 2)
    path.write_bytes(content[:end] + locator + content[end:])
    with pytest.raises(ValueError, match=r'a\.pth: damaged checkpoint: .*disk'):
        check_archive(path)


def test_a_list_that_holds_itself_is_refused(saved):
    endless = []
    endless.append(endless)
    with pytest.raises(ValueError, match='nested more than 100 levels'):
        check_content({'meta': endless}, saved({}))


def test_a_chain_of_pairs_is_counted_as_what_it_stands_for(saved):
    laughs = [0]
    for _ in range(40):
        laughs = [laughs, laughs]
    with pytest.raises(ValueError, match=r'a\.pth: .*more than 10,000,000 values'):
        check_content(laughs, saved({}))


def test_an_expanded_number_is_refused(saved, monkeypatch):
    expanded = torch.zeros(1).expand(1000, 1000)
    path = saved({'w': expanded})
    check_content({'w': expanded}, path)
    monkeypatch.setattr(checkpoint_limits, 'SMALL_BYTES', 10**6)
    with pytest.raises(ValueError, match='tensors of 4,000,000 bytes in a file of'):
        check_content({'w': expanded}, path)
