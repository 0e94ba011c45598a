import sys
from fractions import Fraction

import cv2
import numpy as np
import pytest

from ocec.apis import infer_video_read
from ocec.apis.infer_video_read import AvReader, OpenCvReader, VideoError, open_video

av = pytest.importorskip('av')

TIME_BASE = Fraction(1, 1000)


def write_video(path, times_ms, *, size=(64, 48), **options):
    """One grey per frame, 8 brighter than the one before; the left half is red."""
    with av.open(str(path), 'w', options=options) as container:
        stream = container.add_stream('mpeg4', rate=25)
        stream.width, stream.height = size
        stream.pix_fmt = 'yuv420p'
        stream.codec_context.time_base = TIME_BASE
        for number, time_ms in enumerate(times_ms):
            pixels = np.full((size[1], size[0], 3), 40 + 8 * (number % 20), np.uint8)
            pixels[:, : size[0] // 2] = (200, 0, 0)
            frame = av.VideoFrame.from_ndarray(pixels, format='rgb24')
            frame.pts, frame.time_base = time_ms, TIME_BASE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turn(path, turned):
    """Copy an mp4 with the note that a player shall turn it clockwise by 90 degrees."""
    data = bytearray(path.read_bytes())
    # the matrix lies 40 bytes behind the name of the track's header
    place = data.index(b'tkhd') + 4 + 40
    one, minus = (
        (1 << 16).to_bytes(4, 'big'),
        (-(1 << 16)).to_bytes(4, 'big', signed=True),
    )
    zero = bytes(4)
    data[place : place + 20] = zero + one + zero + minus + zero
    turned.write_bytes(data)
    return turned


READERS = pytest.mark.parametrize('reader', [AvReader, OpenCvReader])


@READERS
def test_frames_have_their_own_times(tmp_path, reader):
    times_ms = [0, 40, 80, 200, 210, 500]
    path = write_video(tmp_path / 'a.mp4', times_ms)
    opened = reader(str(path))
    frames = list(opened.frames())
    assert [frame.number for frame in frames] == list(range(6))
    found = [frame.time_s for frame in frames]
    np.testing.assert_allclose(found, np.array(times_ms) / 1000, atol=2e-3)
    assert opened.damage == []
    assert not opened.is_live
    for number, frame in enumerate(frames):
        assert frame.image_HWC.shape == (48, 64, 3)
        left, right = frame.image_HWC[:, 4:28], frame.image_HWC[:, 36:60]
        # red in the first channel
        np.testing.assert_allclose(left.mean((0, 1)), (200, 0, 0), atol=12)
        np.testing.assert_allclose(right.mean(), 40 + 8 * number, atol=6)


@READERS
def test_turned_videos_are_upright(tmp_path, reader):
    plain = write_video(tmp_path / 'a.mp4', range(0, 200, 40))
    [first, *_] = reader(str(turn(plain, tmp_path / 'b.mp4'))).frames()
    # clockwise: what was left is now above
    assert first.image_HWC.shape == (64, 48, 3)
    np.testing.assert_allclose(first.image_HWC[4:28].mean((0, 1)), (200, 0, 0), atol=12)
    np.testing.assert_allclose(first.image_HWC[36:60].mean(), 40, atol=6)


def test_times_begin_with_the_first_frame(tmp_path):
    path = write_video(tmp_path / 'a.mkv', [1400, 1440, 1500])
    times = [frame.time_s for frame in AvReader(str(path)).frames()]
    np.testing.assert_allclose(times, [0, 0.04, 0.1], atol=1e-6)


@pytest.mark.parametrize(
    ('time_s', 'fps', 'expected'),
    [(1.5, 25, 1.5), (1.0, 25, 1.04), (0.2, 0, 1.001), (None, 10, 1.1)],
)
def test_times_always_go_forward(time_s, fps, expected):
    found = infer_video_read._forward(time_s, 1.0, fps)
    assert found == pytest.approx(expected)


def test_a_file_that_was_cut_off_is_noted(tmp_path):
    # the index first, then the pictures
    path = write_video(tmp_path / 'a.mp4', range(0, 8000, 40), movflags='faststart')
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    reader = AvReader(str(path))
    frames = list(reader.frames())
    assert 50 < len(frames) < 190
    assert 'of 8.0' in reader.damage[-1]
    assert reader.damage[-1].startswith('cut off: ')
    opened = OpenCvReader(str(path))
    assert len(list(opened.frames())) < 190
    assert opened.damage[-1].endswith(' of 200 frames')


class BadPacket:
    """Cannot be decoded."""

    def decode(self):
        raise av.error.InvalidDataError(1, 'made up')


class DamagedContainer:
    """A container with two bad packets after its third one, or one that breaks off."""

    def __init__(self, container, *, breaks_off=False):
        self._container, self._breaks_off = container, breaks_off

    def demux(self, stream):
        for number, packet in enumerate(self._container.demux(stream)):
            if number == 3:
                yield from (BadPacket(), BadPacket())
                if self._breaks_off:
                    raise av.error.OSError(5, 'Input/output error')
            yield packet

    def close(self):
        self._container.close()


def test_damaged_parts_are_noted_and_the_rest_is_read(tmp_path):
    path = write_video(tmp_path / 'a.mp4', range(0, 400, 40))
    reader = AvReader(str(path))
    reader._container = DamagedContainer(reader._container)
    assert len(list(reader.frames())) == 10
    assert reader.damage == ['2 packets could not be decoded']
    reader = AvReader(str(path))
    reader._container = DamagedContainer(reader._container, breaks_off=True)
    assert len(list(reader.frames())) < 10
    assert reader.damage[0] == 'reading stopped: Input/output error'


def test_without_pyav_opencv_reads_the_file(tmp_path, monkeypatch):
    path = write_video(tmp_path / 'a.mp4', range(0, 200, 40))
    assert isinstance(open_video(str(path)), AvReader)
    monkeypatch.setitem(sys.modules, 'av', None)
    reader = open_video(str(path))
    assert isinstance(reader, OpenCvReader)
    assert len(list(reader.frames())) == 5


def test_what_cannot_be_opened_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match='no.mp4: no such video; a camera is a'):
        open_video(str(tmp_path / 'no.mp4'))
    with pytest.raises(VideoError, match='a folder, not a video'):
        open_video(str(tmp_path))
    text = tmp_path / 'text.mp4'
    text.write_text('not a video')
    with pytest.raises(VideoError, match='text.mp4: cannot be opened as a video, dam'):
        open_video(str(text))
    with pytest.raises(VideoError, match='text.mp4: OpenCV cannot open it as a video'):
        OpenCvReader(str(text))
    # without its end, where the index is
    path = write_video(tmp_path / 'b.mp4', range(0, 2000, 40))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(VideoError, match='b.mp4: cannot be opened'):
        open_video(str(path))


def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / 'sound.wav'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('pcm_s16le', rate=8000, layout='mono')
        sound = np.zeros((1, 800), np.int16)
        frame = av.AudioFrame.from_ndarray(sound, format='s16', layout='mono')
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(VideoError, match='sound.wav: holds no video, only other'):
        open_video(str(path))


class FakeCamera:
    """Gives three frames."""

    def __init__(self, source):
        self.source, self.left = source, 3

    def isOpened(self):  # noqa: N802  # the name of OpenCV
        return self.source == 7

    def get(self, what):
        return {cv2.CAP_PROP_FPS: 30.0}.get(what, -1.0)

    def read(self):
        self.left -= 1
        picture = np.full((4, 6, 3), (1, 2, 3), np.uint8)
        return self.left >= 0, picture

    def release(self):
        self.left = 0


def test_a_camera_has_the_time_of_the_clock(monkeypatch):
    monkeypatch.setattr(cv2, 'VideoCapture', FakeCamera)
    clock = iter([100.0, 100.5, 100.51])
    monkeypatch.setattr(infer_video_read.time, 'monotonic', lambda: next(clock))
    reader = open_video('7')
    assert reader.is_live
    assert reader.duration_s is None
    frames = list(reader.frames())
    assert [frame.time_s for frame in frames] == pytest.approx([0.0, 0.5, 0.51])
    assert frames[0].image_HWC[0, 0].tolist() == [3, 2, 1]  # BGR became RGB
    assert reader.damage == ['the camera gave no more frames']
    with pytest.raises(VideoError, match='camera 3 cannot be opened: not connected'):
        open_video('3')
