import errno
import io
import zipfile

import cv2
import numpy as np
import pytest

from ocec.preparation.crop_settings import CropSettings
from ocec.preparation.crop_writers import write_frames

av = pytest.importorskip('av')


def moving_disc(num_frames=10):
    frames = np.full((num_frames, 64, 64, 3), (90, 120, 150), np.uint8)
    for number, frame in enumerate(frames):
        cv2.circle(frame, (10 + 4 * number, 30), 9, (200, 60, 40), -1)
    return frames


def test_a_video_can_be_entered_at_every_gop():
    frames, stream = moving_disc(), io.BytesIO()
    write_frames(stream, frames, CropSettings(size=64, gop=4))
    stream.seek(0)
    with av.open(stream) as container:
        pictures = list(container.decode(video=0))
    assert [i for i, p in enumerate(pictures) if p.key_frame] == [0, 4, 8]
    read = np.stack([p.to_ndarray(format='rgb24') for p in pictures])
    assert read.shape == frames.shape
    # colour at half size blurs the edge of the disc
    assert np.abs(read.astype(int) - frames).mean() < 3


def test_pictures_are_stored_in_order_and_twice_the_same():
    frames, first, second = moving_disc(), io.BytesIO(), io.BytesIO()
    settings = CropSettings(size=64, format='jpeg')
    write_frames(first, frames, settings)
    write_frames(second, frames, settings)
    assert first.getvalue() == second.getvalue()
    with zipfile.ZipFile(first) as archive:
        assert archive.namelist() == [f'{i:06d}.jpg' for i in range(10)]
        data = archive.read('000003.jpg')
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), 1)
    assert np.abs(bgr[..., ::-1].astype(int) - frames[3]).mean() < 3


@pytest.mark.parametrize(
    ('name', 'better', 'worse'), [('crf', 10, 40), ('quality', 95, 30)]
)
def test_quality_costs_bytes(name, better, worse):
    frames = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8)
    sizes = []
    for value in (better, worse):
        stream = io.BytesIO()
        form = 'mp4' if name == 'crf' else 'jpeg'
        settings = CropSettings(size=64, format=form, **{name: value})
        write_frames(stream, frames, settings)
        sizes.append(len(stream.getvalue()))
    assert sizes[0] > 1.5 * sizes[1]


@pytest.mark.parametrize('form', ['mp4', 'jpeg'])
def test_a_full_disk_is_told(form):
    frames = np.random.default_rng(0).integers(0, 256, (30, 64, 64, 3), np.uint8)
    stream = FullDisk()
    with pytest.raises(OSError, match='No space left|cannot be encoded'):
        write_frames(stream, frames, CropSettings(size=64, format=form))


class FullDisk(io.BytesIO):
    def write(self, data):
        if self.tell() + len(data) > 20_000:
            raise OSError(errno.ENOSPC, 'No space left on device')
        return super().write(data)
