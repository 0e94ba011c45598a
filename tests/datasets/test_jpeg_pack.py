import zipfile

import cv2
import numpy as np
import pytest

from ocec.datasets.jpeg_pack import read_jpeg_pack
from ocec.datasets.video_reader import VideoError


def write_pack(path, pictures, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, 'w', compression) as archive:
        for name, data in pictures.items():
            archive.writestr(name, data)
    return path


def picture(red, green=0, blue=0):
    image = np.full((8, 12, 3), (blue, green, red), np.uint8)
    return cv2.imencode('.png', image)[1].tobytes()


@pytest.fixture
def pack(tmp_path):
    # written in another order than that of the frames
    names = {f'{i:06d}.jpg': picture(10 * i, 200, 7) for i in (2, 0, 1)}
    return write_pack(tmp_path / 'clip.zip', names)


def test_frames_in_the_order_of_their_names(pack):
    frames = list(read_jpeg_pack(pack, [0, 2]))
    assert [frame.shape for frame in frames] == [(8, 12, 3)] * 2
    assert [frame[3, 4].tolist() for frame in frames] == [[0, 200, 7], [20, 200, 7]]


def test_packs_that_cannot_be_read(tmp_path, pack):
    with pytest.raises(VideoError, match=r'it has 3 frames, frame 3 \(from 0\)'):
        list(read_jpeg_pack(pack, [1, 3]))
    with pytest.raises(VideoError, match=r'x.zip: no such pack'):
        list(read_jpeg_pack(tmp_path / 'x.zip', [0]))
    bad = tmp_path / 'bad.zip'
    bad.write_bytes(pack.read_bytes()[:-30])
    with pytest.raises(VideoError, match=r'bad.zip: a damaged pack'):
        list(read_jpeg_pack(bad, [0]))
    for content, expected in ((b'text', '1.jpg is no picture'), (b'', 'no picture')):
        with pytest.raises(VideoError, match=expected):
            list(read_jpeg_pack(write_pack(bad, {'1.jpg': content}), [0]))


def test_a_changed_byte_is_found(tmp_path, pack):
    data = bytearray(pack.read_bytes())
    data[data.index(b'IDAT') + 6] ^= 0xFF
    (tmp_path / 'bad.zip').write_bytes(data)
    with pytest.raises(VideoError, match=r'bad.zip: a damaged pack .*Bad CRC'):
        list(read_jpeg_pack(tmp_path / 'bad.zip', [0, 1, 2]))


def test_compressed_pictures_are_refused(tmp_path):
    bomb = {'0.jpg': bytes(10**6)}
    path = write_pack(tmp_path / 'clip.zip', bomb, zipfile.ZIP_DEFLATED)
    with pytest.raises(VideoError, match=r'0.jpg is compressed by the archive'):
        list(read_jpeg_pack(path, [0]))
