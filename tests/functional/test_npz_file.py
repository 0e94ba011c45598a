import io
import struct
import zipfile

import numpy as np
import pytest

from ocec.functional import npz_file
from ocec.functional.npz_file import read_arrays

ARRAYS = {
    'x': np.arange(12, dtype=np.uint8).reshape(2, 6),
    'fortran': np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    'id': np.array(['a', 'bcd']),
    'none': np.zeros((0, 2), np.int32),
    'scalar': np.float32(1.5),
}


def npy(header: str, content: bytes = b'', magic: bytes = b'\x93NUMPY\x01\x00'):
    text = (header + '\n').encode()
    return magic + struct.pack('<H', len(text)) + text + content


def write_zip(path, members: dict[str, bytes], method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, 'w', method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize('save', [np.savez, np.savez_compressed])
def test_arrays_are_those_of_numpy(tmp_path, save):
    path = tmp_path / 'a.npz'
    save(path, **ARRAYS)
    found = read_arrays(path)
    with np.load(path) as expected:
        assert list(found) == expected.files
        for name in expected.files:
            assert found[name].dtype == expected[name].dtype
            np.testing.assert_array_equal(found[name], expected[name])
            assert found[name].flags.writeable


def test_some_arrays_can_be_chosen(tmp_path):
    np.savez(tmp_path / 'a.npz', **ARRAYS)
    found = read_arrays(tmp_path / 'a.npz', lambda names: names[:1])
    assert list(found) == ['x']


def test_what_is_no_npz_is_refused(tmp_path):
    np.save(tmp_path / 'a.npy', ARRAYS['x'])
    with pytest.raises(ValueError, match=r'a\.npy: not an npz'):
        read_arrays(tmp_path / 'a.npy')
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / 'none.npz')


U8 = "{'descr': '|u1', 'fortran_order': False, 'shape': (%s,), }"


@pytest.mark.parametrize(
    ('members', 'message'),
    [
        ({'x.txt': b'1'}, "holds 'x.txt', which is no array"),
        ({'x.npy': npy(U8 % 3, b'12')}, r'the array x of shape \(3\) and uint8 has 2'),
        ({'x.npy': npy(U8 % 10**18)}, 'the array x of shape .* has 0 bytes'),
        ({'x.npy': npy(U8 % -1)}, 'the array x of shape .* has 0 bytes'),
        ({'x.npy': b'nothing'}, 'the array x has no readable header: .*magic'),
        ({'x.npy': npy('{' * 5000)}, 'the array x has no readable header'),
        ({'x.npy': npy("{'descr': 'zz'}")}, 'the array x has no readable header'),
        (
            {'x.npy': npy("{'descr': '|O', 'fortran_order': False, 'shape': (), }")},
            'the array x holds pickled objects, which could run code and are refused',
        ),
    ],
)
def test_what_is_wrong_is_told_with_file_and_array(tmp_path, members, message):
    path = write_zip(tmp_path / 'a.npz', members)
    with pytest.raises(ValueError, match=rf'a\.npz: {message}'):
        read_arrays(path)


def test_two_arrays_of_one_name_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / 'a.npz', 'w') as archive:
        archive.writestr('x.npy', npy(U8 % 1, b'1'))
        with pytest.warns(UserWarning, match='Duplicate'):
            archive.writestr('x.npy', npy(U8 % 1, b'2'))
    with pytest.raises(ValueError, match='holds the array x twice'):
        read_arrays(tmp_path / 'a.npz')


def test_other_ways_of_packing_are_refused(tmp_path):
    path = write_zip(
        tmp_path / 'a.npz', {'x.npy': npy(U8 % 1, b'1')}, zipfile.ZIP_BZIP2
    )
    with pytest.raises(ValueError, match='the array x is packed in a way'):
        read_arrays(path)


def test_a_cut_off_file_is_told(tmp_path):
    np.savez(tmp_path / 'a.npz', **ARRAYS)
    content = (tmp_path / 'a.npz').read_bytes()
    (tmp_path / 'a.npz').write_bytes(content[:-30])
    with pytest.raises(ValueError, match=r'a\.npz: not a readable npz, truncated'):
        read_arrays(tmp_path / 'a.npz')


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / 'a.npz', x=np.zeros(10**6, np.uint8))
    assert read_arrays(tmp_path / 'a.npz')['x'].size == 10**6
    monkeypatch.setattr(npz_file, 'SMALL_BYTES', 10**5)
    with pytest.raises(ValueError, match=r'a\.npz: declares 1,000,128 bytes of arrays'):
        read_arrays(tmp_path / 'a.npz')


def test_a_changed_byte_is_noticed(tmp_path):
    np.savez(tmp_path / 'a.npz', x=ARRAYS['x'])
    content = bytearray((tmp_path / 'a.npz').read_bytes())
    content[content.index(bytes(range(12)))] ^= 1
    (tmp_path / 'a.npz').write_bytes(io.BytesIO(content).getvalue())
    with pytest.raises(ValueError, match='Bad CRC-32'):
        read_arrays(tmp_path / 'a.npz')
