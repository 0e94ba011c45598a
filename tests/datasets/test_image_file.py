import errno
import gc
import os
import pickle

import numpy as np
import pytest

from ocec.datasets import image_file as module
from ocec.datasets.image_file import ImageFile, image_writer, write_npy_header
from ocec.functional import file_ops

SHAPE = (30, 4, 6, 3)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, SHAPE, dtype=np.uint8)


@pytest.fixture(params=['mapped', 'read'])
def opened(request, images, tmp_path, monkeypatch):
    """File of ``images``, below and above the limit of mapping."""
    limit = images.nbytes - (request.param == 'read')
    monkeypatch.setattr(module, 'MAX_MAPPED_BYTES', limit)
    np.save(tmp_path / 'images.npy', images)
    return ImageFile(tmp_path / 'images.npy')


# reading


def test_pictures_come_in_the_order_asked_for(opened, images):
    rows = np.array([29, 0, 7, 7, 3])
    found = opened[rows]
    np.testing.assert_array_equal(found, images[rows])
    assert found.dtype == np.uint8
    assert found.flags.c_contiguous
    assert len(opened) == 30
    assert opened.shape == SHAPE
    assert opened[np.array([], np.int64)].shape == (0, 4, 6, 3)


def test_what_was_read_may_be_changed(opened, images):
    opened[np.array([2, 3])][:] = 0
    np.testing.assert_array_equal(opened[np.array([2, 3])], images[2:4])


@pytest.mark.parametrize(
    'rows', [slice(0, 30), slice(28, 40), slice(3, 9), slice(5, 5), slice(-2, None)]
)
def test_a_slice_is_that_of_the_array(opened, images, rows):
    np.testing.assert_array_equal(opened[rows], images[rows])


def test_a_worker_process_opens_its_own(opened, images):
    content = pickle.dumps(opened)
    assert len(content) < 500
    np.testing.assert_array_equal(pickle.loads(content)[4:9], images[4:9])


def test_a_removed_file_can_still_be_read(opened, images):
    opened.path.unlink()
    np.testing.assert_array_equal(opened[np.array([29])], images[29:])


def test_only_a_small_file_is_mapped(images, tmp_path, monkeypatch):
    np.save(tmp_path / 'images.npy', images)

    def is_mapped():
        with open('/proc/self/maps') as stream:
            return str(tmp_path / 'images.npy') in stream.read()

    small = ImageFile(tmp_path / 'images.npy')
    assert is_mapped()
    del small
    gc.collect()
    monkeypatch.setattr(module, 'MAX_MAPPED_BYTES', images.nbytes - 1)
    large = ImageFile(tmp_path / 'images.npy')
    assert not is_mapped()
    descriptor = large._descriptor
    del large
    gc.collect()
    with pytest.raises(OSError, match='Bad file descriptor'):
        os.fstat(descriptor)


def test_a_file_that_became_shorter_is_an_error(images, tmp_path, monkeypatch):
    monkeypatch.setattr(module, 'MAX_MAPPED_BYTES', 0)
    path = tmp_path / 'images.npy'
    np.save(path, images)
    opened = ImageFile(path)
    os.truncate(path, path.stat().st_size - 1)
    np.testing.assert_array_equal(opened[np.array([28])], images[28:29])
    with pytest.raises(OSError, match=f'{path}: cut off before the end of picture 29'):
        opened[np.array([0, 29])]


# writing


def test_blocks_in_any_order_make_the_file(images, tmp_path):
    path = tmp_path / 'images.npy'
    with image_writer(path, SHAPE) as write:
        write(20, images[20:])
        write(0, images[:7])
    expected = images.copy()
    expected[7:20] = 0  # never written: black
    found = np.load(path)
    np.testing.assert_array_equal(found, expected)
    np.save(tmp_path / 'numpy.npy', expected)
    assert path.read_bytes() == (tmp_path / 'numpy.npy').read_bytes()


def test_a_write_in_pieces_is_completed(images, tmp_path, monkeypatch):
    pwrite = os.pwrite
    monkeypatch.setattr(
        file_ops, 'write_at', lambda d, data, at: pwrite(d, data[:100], at)
    )
    with image_writer(tmp_path / 'images.npy', SHAPE) as write:
        write(0, images)
    np.testing.assert_array_equal(np.load(tmp_path / 'images.npy'), images)


@pytest.mark.parametrize('operation', ['write_at', 'sync'])
def test_a_broken_disk_is_told_with_the_file(images, tmp_path, monkeypatch, operation):
    def fail(*args):
        raise OSError(errno.EIO, 'Input/output error')

    path = tmp_path / 'images.npy'
    monkeypatch.setattr(file_ops, operation, fail)
    with (
        pytest.raises(OSError, match=f'{path} cannot be written: Input/output error'),
        image_writer(path, SHAPE) as write,
    ):
        write(0, images)


def test_no_pictures(tmp_path):
    path = tmp_path / 'images.npy'
    with image_writer(path, (0, 4, 6, 3)) as write:
        write(0, np.empty((0, 4, 6, 3), np.uint8))
    assert ImageFile(path)[0:10].shape == (0, 4, 6, 3)


@pytest.mark.parametrize(
    ('code', 'is_error'),
    [(errno.ENOSPC, True), (errno.EOPNOTSUPP, False), (errno.EINVAL, False)],
)
def test_space_is_taken_before_anything_is_written(
    images, tmp_path, monkeypatch, code, is_error
):
    def fail(descriptor, start, length):
        assert (start, length) == (0, os.fstat(descriptor).st_size)
        raise OSError(code, os.strerror(code))

    path = tmp_path / 'images.npy'
    monkeypatch.setattr(os, 'posix_fallocate', fail)
    if is_error:
        with (
            pytest.raises(OSError, match='No space left'),
            image_writer(path, SHAPE),
        ):
            raise AssertionError('got as far as writing')
        return
    with image_writer(path, SHAPE) as write:
        write(0, images)
    np.testing.assert_array_equal(np.load(path), images)


@pytest.mark.parametrize('dtype', [np.uint8, np.uint64])
def test_the_header_is_that_of_numpy(tmp_path, dtype):
    array = np.arange(12, dtype=dtype).reshape(6, 2)
    with open(tmp_path / 'own.npy', 'wb') as stream:
        write_npy_header(stream, array.dtype, array.shape)
        stream.write(array)
    np.save(tmp_path / 'numpy.npy', array)
    own, expected = (tmp_path / n for n in ('own.npy', 'numpy.npy'))
    assert own.read_bytes() == expected.read_bytes()
