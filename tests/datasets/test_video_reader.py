import os
import struct
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocec.datasets.video_reader import (
    VideoError,
    check_frame_size,
    check_video_file,
    first_frame_size,
    numbered_pictures,
    read_frames,
)


@pytest.fixture
def write_pictures(tmp_path):
    def write(num_frames, pattern='img_{:05d}.png'):
        folder = tmp_path / 'frames'
        folder.mkdir()
        for number in range(num_frames):
            image = np.full((8, 10, 3), 20 + 5 * number, np.uint8)
            cv2.imwrite(str(folder / pattern.format(number)), image)
        return folder

    return write


BACKENDS = ['av', 'opencv', 'auto']


@pytest.mark.parametrize('suffix', ['.mp4', '.avi'])
@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('wanted', [[0], [29], [0, 1, 2], [3, 4, 17, 28], range(30)])
def test_the_frames_wanted_come_in_turn(
    write_video, numbers_of, tmp_path, suffix, backend, wanted
):
    path = write_video(tmp_path / f'clip{suffix}')
    frames = list(read_frames(path, wanted, backend=backend))
    assert {frame.shape for frame in frames} == {(96, 128, 3)}
    assert {frame.dtype for frame in frames} == {np.dtype(np.uint8)}
    assert numbers_of(frames) == list(wanted)


@pytest.mark.parametrize('backend', BACKENDS)
def test_colours_are_rgb(write_video, tmp_path, backend):
    image = np.empty((32, 48, 3), np.uint8)
    image[:] = (200, 100, 30)
    path = write_video(tmp_path / 'clip.mp4', images=[image] * 3)
    [frame] = read_frames(path, [1], backend=backend)
    np.testing.assert_allclose(frame.mean((0, 1)), (200, 100, 30), atol=6)


@pytest.mark.parametrize('backend', BACKENDS)
def test_a_short_video_is_named(write_video, tmp_path, backend):
    path = write_video(tmp_path / 'clip.mp4', 5)
    frames = read_frames(path, [2, 7, 9], backend=backend)
    assert next(frames) is not None
    expected = r'clip.mp4: it has 5 frames that can be decoded, frame 9 \(from 0\)'
    with pytest.raises(VideoError, match=expected):
        next(frames)


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('content', [b'', b'no video at all' * 50])
def test_an_unreadable_video_is_named(tmp_path, backend, content):
    path = tmp_path / 'clip.mp4'
    path.write_bytes(content)
    with pytest.raises(VideoError, match=r'clip.mp4: .* of another format'):
        list(read_frames(path, [0], backend=backend))


def test_a_file_with_sound_only(tmp_path):
    av = pytest.importorskip('av')
    path = tmp_path / 'sound.wav'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('pcm_s16le', rate=8000)
        silence = np.zeros((1, 800), np.int16)
        frame = av.AudioFrame.from_ndarray(silence, format='s16', layout='mono')
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(VideoError, match='sound.wav: it holds no video, only other'):
        list(read_frames(path, [0], backend='av'))


def test_a_damaged_video_gives_the_frames_before(write_video, numbers_of, tmp_path):
    path = write_video(tmp_path / 'clip.avi')
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    frames = []
    with pytest.raises(VideoError, match=r'clip.avi: (it has|cannot be decoded)'):
        frames.extend(read_frames(path, range(30), backend='av'))
    assert 0 < len(frames) < 30
    assert numbers_of(frames) == list(range(len(frames)))


@pytest.mark.parametrize('backend', BACKENDS)
def test_a_video_that_was_filmed_lying_is_turned(write_video, tmp_path, backend):
    image = np.full((32, 48, 3), 30, np.uint8)
    image[:8] = 220  # the upper quarter is bright
    path = write_video(tmp_path / 'clip.mp4', images=[image] * 2)
    content = bytearray(path.read_bytes())
    # a track header of version 0 has its matrix, in 16.16, 40 bytes behind its name
    place = content.index(b'tkhd') + 4 + 40
    turn = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    content[place : place + 36] = struct.pack('>9i', *turn)
    path.write_bytes(content)
    [frame] = read_frames(path, [1], backend=backend)
    # a quarter turn clockwise brings the upper edge to the right
    np.testing.assert_allclose(frame, np.rot90(image, -1), atol=12)


def test_without_pyav_opencv_reads(write_video, numbers_of, tmp_path, monkeypatch):
    path = write_video(tmp_path / 'clip.mp4')
    monkeypatch.setitem(sys.modules, 'av', None)
    assert numbers_of(list(read_frames(path, [4, 8]))) == [4, 8]
    with pytest.raises(ImportError, match=r'backend="av" needs PyAV: pip install'):
        list(read_frames(path, [4], backend='av'))


def test_pictures_are_numbered_not_sorted_by_letters(write_pictures, numbers_of):
    folder = write_pictures(12, 'a2_{}.png')
    (folder / 'notes.txt').write_text('no picture')
    names = [path.name for path in numbered_pictures(folder)]
    assert names == [f'a2_{number}.png' for number in range(12)]
    assert numbers_of(list(read_frames(folder, [1, 2, 10, 11]))) == [1, 2, 10, 11]


def test_pictures_are_rgb(tmp_path):
    rgb = np.zeros((4, 4, 3), np.uint8)
    rgb[:] = (200, 100, 30)
    cv2.imwrite(str(tmp_path / '1.png'), rgb[..., ::-1])
    [frame] = read_frames(tmp_path, [0])
    np.testing.assert_array_equal(frame, rgb)


def test_too_few_and_damaged_pictures(write_pictures):
    folder = write_pictures(3)
    with pytest.raises(VideoError, match=r'frames: it has 3 frames .* frame 3 \(from'):
        list(read_frames(folder, [0, 3]))
    (folder / 'img_00001.png').write_bytes(b'')
    with pytest.raises(VideoError, match='img_00001.png: it is no picture'):
        list(read_frames(folder, [0, 1]))


@pytest.mark.parametrize('backend', BACKENDS)
def test_the_size_of_a_video(write_video, tmp_path, backend):
    path = write_video(tmp_path / 'clip.mp4', 2, frame_hw=(48, 80))
    assert first_frame_size(path, backend=backend) == (48, 80)


def test_a_missing_video_and_a_wrong_backend():
    with pytest.raises(VideoError, match='no/clip.mp4: no such video'):
        list(read_frames(Path('no/clip.mp4'), [0]))
    with pytest.raises(ValueError, match=r"backend must be one of .* got 'decord'"):
        list(read_frames(Path('no/clip.mp4'), [0], backend='decord'))


def test_a_real_video_reads_alike_by_both(real_data):
    folder = real_data / 'skeleton' / 'rgbpose_topdown' / 'clips'
    path = sorted(folder.iterdir())[0]
    by_av = np.stack(list(read_frames(path, [0, 5, 9], backend='av')))
    by_opencv = np.stack(list(read_frames(path, [0, 5, 9], backend='opencv')))
    assert by_av.shape == (3, 240, 320, 3)
    # each has its own conversion of colours
    assert np.abs(by_av.astype(int) - by_opencv).mean() < 3


@pytest.mark.parametrize('backend', BACKENDS)
def test_a_playlist_is_not_opened(tmp_path, backend):
    path = tmp_path / 'clip.mp4'
    path.write_text('#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n')
    with pytest.raises(VideoError, match="clip.mp4: .* it begins with b'#EXTM3U"):
        list(read_frames(path, [0], backend=backend))


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / 'clip.mp4')
    with pytest.raises(VideoError, match='clip.mp4: it is no file that can be read'):
        check_video_file(tmp_path / 'clip.mp4')


def test_frames_that_fill_the_memory_are_refused():
    check_frame_size('clip.mp4', 7680, 4320)  # 8K
    with pytest.raises(VideoError, match='clip.mp4: frames of 20000x10000 pixels'):
        check_frame_size('clip.mp4', 20_000, 10_000)
