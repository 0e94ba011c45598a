import errno
import hashlib

import numpy as np
import pytest

from ocec.datasets import image_file
from ocec.datasets import pixel_digests as module
from ocec.datasets.image_file import ImageFile
from ocec.datasets.pixel_digests import FILE_NAME, pixel_digests
from ocec.functional import file_ops


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (20, 4, 6, 3), dtype=np.uint8)


def test_each_picture_has_the_hash_of_its_pixels(images, tmp_path, monkeypatch):
    monkeypatch.setattr(module, '_CHUNK', 7)
    digest_N2 = pixel_digests(images, tmp_path)
    for image, digest in zip(images, digest_N2, strict=True):
        expected = hashlib.blake2b(image.tobytes(), digest_size=16).digest()
        assert digest.tobytes() == expected


def test_one_colour_is_zero(images, tmp_path):
    images[3] = 0
    images[4] = 200
    images[5] = (10, 20, 30)  # one colour, but the bytes are not all equal
    digest_N2 = pixel_digests(images, tmp_path)
    assert np.flatnonzero(~digest_N2.any(axis=1)).tolist() == [3, 4, 5]


def test_the_second_time_reads_the_file(images, tmp_path, monkeypatch):
    first = pixel_digests(images, tmp_path)
    monkeypatch.setattr(module, 'digest_images', None)
    np.testing.assert_array_equal(pixel_digests(images, tmp_path), first)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize('content', [b'', b'text', 'cut', 'other rows'])
def test_a_file_that_does_not_fit_is_written_anew(images, tmp_path, content):
    path = tmp_path / FILE_NAME
    expected = np.array(pixel_digests(images, tmp_path))
    if content == 'cut':
        content = path.read_bytes()[:-8]
    if content == 'other rows':
        np.save(path, expected[:-1])
    else:
        path.write_bytes(content)
    np.testing.assert_array_equal(pixel_digests(images, tmp_path), expected)
    np.testing.assert_array_equal(np.load(path), expected)


def test_a_folder_that_cannot_be_written_is_no_obstacle(images, tmp_path):
    gone = tmp_path / 'gone'
    assert pixel_digests(images, gone).any()
    assert not gone.exists()


def test_pictures_are_read_chunk_by_chunk_and_hashes_stay_in_the_file(
    images, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, '_CHUNK', 7)
    expected = pixel_digests(images, tmp_path / 'none')
    np.save(tmp_path / 'images.npy', images)
    monkeypatch.setattr(image_file, 'MAX_MAPPED_BYTES', 0)
    opened = ImageFile(tmp_path / 'images.npy')
    for _ in range(2):
        digest_N2 = pixel_digests(opened, tmp_path)
        assert isinstance(digest_N2, np.memmap)
        np.testing.assert_array_equal(digest_N2, expected)


def test_a_disk_that_is_full_is_no_obstacle(images, tmp_path, monkeypatch):
    expected = pixel_digests(images, tmp_path / 'none')

    def fail(*args):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(file_ops, 'rename', fail)
    np.testing.assert_array_equal(pixel_digests(images, tmp_path), expected)
    assert list(tmp_path.iterdir()) == []


def test_no_pictures(tmp_path):
    assert pixel_digests(np.empty((0, 4, 6, 3), np.uint8), tmp_path).shape == (0, 2)
