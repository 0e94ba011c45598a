import zipfile

import cv2
import numpy as np
import pytest

from ocec.datasets.frame_count import count_frames
from ocec.datasets.video_reader import VideoError


@pytest.mark.parametrize('suffix', ['.mp4', '.avi'])
def test_videos(tmp_path, write_video, suffix):
    assert count_frames(write_video(tmp_path / f'clip{suffix}', 17)) == 17


def test_folders_and_packs(tmp_path):
    data = cv2.imencode('.jpg', np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    (tmp_path / 'clip').mkdir()
    with zipfile.ZipFile(tmp_path / 'clip.zip', 'w') as archive:
        for number in range(5):
            (tmp_path / 'clip' / f'img_{number}.jpg').write_bytes(data)
            archive.writestr(f'{number}.jpg', data)
    assert count_frames(tmp_path / 'clip') == 5
    assert count_frames(tmp_path / 'clip.zip') == 5


def test_files_that_cannot_be_opened(tmp_path, write_video):
    with pytest.raises(VideoError, match=r'none.mp4: no such video'):
        count_frames(tmp_path / 'none.mp4')
    whole = write_video(tmp_path / 'whole.mp4', 5).read_bytes()
    for suffix in ('.mp4', '.zip'):
        bad = tmp_path / f'bad{suffix}'
        bad.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(VideoError, match=rf'bad{suffix}: (a )?damaged'):
            count_frames(bad)
