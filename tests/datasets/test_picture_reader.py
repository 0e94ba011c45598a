import pickle
import struct
import zlib

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from ocec.datasets.eye_table import read_eye_table
from ocec.datasets.picture_reader import PictureReader


def plain(*bgr):
    return cv2.imencode('.png', np.full((12, 20, 3), bgr, np.uint8))[1].tobytes()


def read_all(*files):
    reader = PictureReader(read_eye_table(files))
    return [reader.read(row) for row in range(len(reader.table))]


def test_pictures_of_all_files_have_native_size_in_bgr(make_eye_parquet):
    files = [make_eye_parquet(num_rows=n, seed=n) for n in (3, 0, 5)]
    encoded = [
        row for f in files for row in pq.read_table(f)['image_bytes'].to_pylist()
    ]
    images = read_all(*files)
    assert len(images) == 8
    assert len({image.shape for image in images}) > 1
    for image, row in zip(images, encoded, strict=True):
        expected = cv2.imdecode(np.frombuffer(row, np.uint8), cv2.IMREAD_COLOR)
        np.testing.assert_array_equal(image, expected)


def test_embedded_bytes_come_first_then_the_path_beside_the_file(
    make_eye_parquet, tmp_path
):
    picture = tmp_path / 'set' / 'pictures' / 'one.png'
    picture.parent.mkdir(parents=True)
    picture.write_bytes(plain(1, 2, 3))
    file = make_eye_parquet(
        tmp_path / 'set' / 'eyes.parquet',
        num_rows=3,
        image_bytes=[plain(4, 5, 6), None, None],
        image_path=['pictures/one.png', 'pictures/one.png', r'pictures\one.png'],
    )
    no_bytes = make_eye_parquet(
        tmp_path / 'set' / 'more.parquet',
        num_rows=1,
        image_bytes=None,
        image_path=['pictures/one.png'],
    )
    colours = [image[0, 0].tolist() for image in read_all(file, no_bytes)]
    assert colours == [[4, 5, 6], [1, 2, 3], [1, 2, 3], [1, 2, 3]]


def test_a_grey_picture_has_three_channels(make_eye_parquet):
    grey = cv2.imencode('.png', np.full((12, 20), 9, np.uint8))[1].tobytes()
    (image,) = read_all(make_eye_parquet(num_rows=1, image_bytes=[grey]))
    assert image.shape == (12, 20, 3)
    assert (image == 9).all()


def test_a_worker_process_can_get_a_copy(make_eye_parquet):
    reader = PictureReader(read_eye_table([make_eye_parquet(num_rows=2)]))
    copy = pickle.loads(pickle.dumps(reader))
    np.testing.assert_array_equal(copy.read(1), reader.read(1))


def huge_png():
    """Encode a header of 40,000 x 40,000 pixels."""
    encoded = plain(0, 0, 0)
    header = b'IHDR' + struct.pack('>II', 40_000, 40_000) + encoded[24:29]
    checksum = struct.pack('>I', zlib.crc32(header))
    return encoded[:12] + header + checksum + encoded[33:]


@pytest.mark.parametrize(
    ('image_bytes', 'image_path', 'problem'),
    [
        (b'', None, 'the picture cannot be decoded'),
        (b'text', None, 'the picture cannot be decoded'),
        (huge_png(), None, 'the picture has 40000x40000 pixels'),
        (None, 'gone.png', '.*/gone.png: No such file'),
        (None, '../one.png', '.*/one.png: lies outside the folder'),
        (None, '', 'neither image_bytes nor image_path'),
        (None, None, 'neither image_bytes nor image_path'),
    ],
)
def test_what_cannot_be_read_names_file_and_row(
    make_eye_parquet, image_bytes, image_path, problem
):
    good = make_eye_parquet(num_rows=4)
    bad = make_eye_parquet(
        num_rows=2,
        image_bytes=[plain(1, 1, 1), image_bytes],
        image_path=['any.png', image_path],
    )
    reader = PictureReader(read_eye_table([good, bad]))
    assert reader.read(4).any()
    with pytest.raises(ValueError, match=f'{bad}, row 1: {problem}'):
        reader.read(5)


def test_a_picture_outside_is_read_if_that_is_allowed(make_eye_parquet, tmp_path):
    (tmp_path / 'one.png').write_bytes(plain(7, 7, 7))
    file = make_eye_parquet(
        tmp_path / 'set' / 'eyes.parquet',
        num_rows=1,
        image_bytes=None,
        image_path=['../one.png'],
    )
    reader = PictureReader(read_eye_table([file]), allow_outside=True)
    assert (reader.read(0) == 7).all()


def test_the_bytes_of_a_picture(make_eye_parquet):
    file = make_eye_parquet(num_rows=3)
    reader = PictureReader(read_eye_table([file]))
    expected = pq.read_table(file)['image_bytes'].to_pylist()
    assert [reader.read_encoded(row).tobytes() for row in range(3)] == expected


def test_missing_bytes_are_named(make_eye_parquet):
    file = make_eye_parquet(num_rows=2, image_bytes=[plain(1, 2, 3), None])
    reader = PictureReader(read_eye_table([file]))
    with pytest.raises(ValueError, match=r'row 1: '):
        reader.read_encoded(1)
