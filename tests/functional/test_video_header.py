import cv2
import numpy as np
import pytest

from ocec.functional.video_header import HEAD_BYTES, is_video_head


@pytest.mark.parametrize(
    ('name', 'code'), [('a.avi', 'MJPG'), ('a.mp4', 'mp4v'), ('a.mkv', 'MJPG')]
)
def test_videos_of_opencv_pass(tmp_path, name, code):
    path = tmp_path / name
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), 10, (32, 16))
    writer.write(np.zeros((16, 32, 3), np.uint8))
    writer.release()
    assert is_video_head(path.read_bytes()[:HEAD_BYTES])


@pytest.mark.parametrize(
    'head',
    [
        b'',
        b'#EXTM3U\n#EXT-X-TARGETDURATION:1\nfile:///etc/passwd\n',
        b'ffconcat version 1.0\nfile a.mp4\n',
        b'<?xml version="1.0"?><MPD>',
        b'v=0\no=- 0 0 IN IP4 127.0.0.1\n',
        b'\x89PNG\r\n\x1a\n',
    ],
)
def test_lists_and_others_do_not_pass(head):
    assert not is_video_head(head)
