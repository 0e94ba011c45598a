import errno

import cv2
import numpy as np
import pytest

from ocec.apis import crop_persons_clip
from ocec.apis.crop_persons_clip import CropJob, crop_clip
from ocec.datasets.frame_count import count_frames
from ocec.datasets.jpeg_pack import read_jpeg_pack
from ocec.datasets.video_reader import read_frames
from ocec.preparation.crop_settings import CropSettings

pytest.importorskip('av')
SETTINGS = CropSettings(size=32, format='jpeg', quality=100)


@pytest.fixture
def job(tmp_path):
    """Five frames 48 x 64; the left half is dark, the right half bright."""
    folder = tmp_path / 'source'
    folder.mkdir()
    for number in range(5):
        image = np.full((48, 64, 3), 40 + 10 * number, np.uint8)
        image[:, 32:] = 200
        cv2.imwrite(str(folder / f'{number:03d}.png'), image)
    return CropJob(
        'a', folder, tmp_path / 'out' / 'a.zip', (16, 0, 48, 48), (48, 64), 4
    )


def test_the_box_is_cut_out_of_each_frame(job):
    clip = crop_clip(job, settings=SETTINGS)
    assert (clip.status, clip.problem) == ('made', '')
    assert clip.num_bytes == job.target.stat().st_size
    assert count_frames(job.target) == 4  # as annotated, not the fifth
    for number, frame in enumerate(read_jpeg_pack(job.target, range(4))):
        assert frame.shape == (32, 32, 3)
        # the box begins in the middle of the dark half: the edge is in its middle
        assert frame[:, :15] == pytest.approx(40 + 10 * number, abs=3)
        assert frame[:, 17:] == pytest.approx(200, abs=3)


def test_a_complete_crop_is_kept_and_another_is_made_again(job):
    crop_clip(job, settings=SETTINGS)
    before = job.target.stat().st_mtime_ns
    assert crop_clip(job, settings=SETTINGS).status == 'kept'
    assert job.target.stat().st_mtime_ns == before
    whole = job.target.read_bytes()
    job.target.write_bytes(whole[:-9])
    assert crop_clip(job, settings=SETTINGS).status == 'made'
    assert job.target.read_bytes() == whole


@pytest.mark.parametrize(
    ('change', 'expected'),
    [
        ({'num_frames': 6}, 'clip "a": .*it has 5 frames that can be decoded, frame 5'),
        ({'frame_hw': (48, 48)}, 'clip "a": .*48 x 64 pixels, .* 48 x 48'),
        ({'source': 'none'}, 'clip "a": .*none: no such video'),
    ],
)
def test_videos_that_cannot_be_cropped(job, tmp_path, change, expected):
    if 'source' in change:
        change = {'source': tmp_path / change['source']}
    job = CropJob(**{**vars(job), **change})
    clip = crop_clip(job, settings=SETTINGS)
    assert clip.status == 'bad'
    with pytest.raises(ValueError, match=expected):
        raise ValueError(clip.problem)
    assert list((tmp_path / 'out').iterdir()) == []  # nothing half written stays


def test_a_damaged_video_is_named(job, tmp_path):
    video = tmp_path / 'bad.avi'
    video.write_bytes(b'RIFF' + bytes(500))
    clip = crop_clip(CropJob(**{**vars(job), 'source': video}), settings=SETTINGS)
    assert 'clip "a": ' in clip.problem
    assert 'bad.avi: cannot be decoded' in clip.problem


def test_a_full_disk_names_the_clip(job, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(crop_persons_clip, 'write_frames', fail)
    with pytest.raises(OSError, match='clip "a": .*No space left on device'):
        crop_clip(job, settings=SETTINGS)
    assert not job.target.exists()


def test_the_shape_of_the_box_can_stay(job):
    settings = CropSettings(size=32, keep_ratio=True, format='mp4')
    target = job.target.with_name('a_rgb.mp4')
    assert (
        crop_clip(CropJob(**{**vars(job), 'target': target}), settings=settings).status
        == 'made'
    )
    # 48 high and 32 wide: the short side is 32
    assert next(read_frames(target, [0])).shape == (48, 32, 3)
