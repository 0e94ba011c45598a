import csv
import json
import os
import signal
from itertools import count

import numpy as np
import pytest

from ocec.apis import eye_classifier, infer_video_read
from ocec.apis.errors import ConfigError
from ocec.apis.eye_boxes import EyeBox, FixedBoxes
from ocec.apis.infer_video import WatchSettings, infer_video, watch_video
from ocec.apis.infer_video_read import Frame, VideoError
from ocec.functional.blink import BlinkRule

QUIET = WatchSettings(smoothing='none', overlay=False)
BOXES = [(10, 10, 30, 20), (50, 10, 70, 20)]


class BrightEyes:
    """Calls an eye open by its brightness; remembers the sizes of its crops."""

    threshold = 0.5

    def __init__(self, *model, **settings):
        self.shapes = set()

    def predict_crops(self, crops):
        assert crops, 'asked without a crop'
        self.shapes |= {crop.shape for crop in crops}
        return np.array([crop.mean() / 255 for crop in crops], np.float32)


class Film:
    """Frames whose left and right half have given brightness, 25 a second."""

    fps, duration_s, is_live = 25.0, None, False

    def __init__(self, pairs, damage=()):
        self.pairs, self.damage, self.closed = pairs, list(damage), False

    def frames(self):
        try:
            for number, (left, right) in enumerate(self.pairs):
                image = np.empty((40, 80, 3), np.uint8)
                image[:, :40], image[:, 40:] = left, right
                yield Frame(number, number / 25, image)
        finally:
            self.closed = True


def blinking(num_frames, *closed):
    """Pairs of brightness: dark within the given frames."""
    dark = {frame for start, end in closed for frame in range(start, end)}
    return [(20, 20) if n in dark else (230, 230) for n in range(num_frames)]


def watch(film, folder, *, detector=None, settings=QUIET, classifier=None):
    detector = detector or FixedBoxes(BOXES)
    parts = classifier or BrightEyes(), detector, BlinkRule()
    return watch_video(film, *parts, settings, folder)


def closures_in(folder):
    found = json.loads((folder / 'closures.json').read_text())['closures']
    return [(row['eye'], row['kind'], row['start_s'], row['end_s']) for row in found]


def test_blinks_of_a_film(tmp_path):
    film, classifier = Film(blinking(100, (20, 25), (50, 75))), BrightEyes()
    summary = watch(film, tmp_path, classifier=classifier)
    assert [row for row in closures_in(tmp_path) if row[0] == 'both'] == [
        ('both', 'blink', 0.8, 1.0),
        ('both', 'long', 2.0, 3.0),
    ]
    assert (summary['frames'], summary['frames_with_eyes']) == (100, 100)
    assert (summary['complete'], summary['ended_by']) == (True, 'end')
    both = summary['eyes']['both']
    assert (both['blinks'], both['long_closures']) == (1, 1)
    # 30 of the 99 steps between 100 frames
    assert both['perclos'] == pytest.approx(30 / 99, abs=1e-4)
    assert both['blinks_per_min'] == pytest.approx(60 / 3.96, abs=1e-4)
    assert classifier.shapes == {(10, 20, 3)}
    assert film.closed


def test_max_seconds_ends_the_film(tmp_path):
    settings = WatchSettings(smoothing='none', overlay=False, max_seconds=1.0)
    summary = watch(Film(blinking(100)), tmp_path, settings=settings)
    assert (summary['frames'], summary['ended_by']) == (25, 'max-seconds')
    assert summary['complete'] is True


def test_a_film_without_end_uses_no_more_memory(tmp_path):
    endless = ((230, 230) if n % 50 > 4 else (20, 20) for n in count())
    watched = []

    class Watching(BrightEyes):
        def predict_crops(self, crops):
            watched.append(None)
            if len(watched) == 3000:
                os.kill(os.getpid(), signal.SIGINT)
            return super().predict_crops(crops)

    summary = watch(Film(endless), tmp_path, classifier=Watching())
    # Ctrl-C: the frame at hand is finished, and so are the files
    assert (summary['frames'], summary['ended_by']) == (3000, 'interrupted')
    assert summary['complete'] is False
    assert summary['eyes']['both']['blinks'] == 59
    assert len(closures_in(tmp_path)) >= 3 * 59
    with (tmp_path / 'frames.csv').open() as file:
        assert sum(1 for _ in file) == 1 + 3 * 3000


def test_boxes_beyond_the_frame_are_cut_or_skipped(tmp_path):
    class Wandering:
        def detect(self, frame_HWC, number):
            if number == 0:
                return []
            return [EyeBox(-10, 5, 12, 15), EyeBox(100, 5, 120, 15)]

    classifier = BrightEyes()
    film = Film(blinking(10))
    summary = watch(film, tmp_path, detector=Wandering(), classifier=classifier)
    assert summary['frames_with_eyes'] == 9
    assert classifier.shapes == {(10, 12, 3)}
    with (tmp_path / 'frames.csv').open(newline='') as file:
        eyes = [row['eye'] for row in csv.DictReader(file)]
    assert eyes == ['both'] + ['left', 'both'] * 9


def test_more_boxes_than_eyes_leave_the_two_best(tmp_path):
    class Crowd:
        def detect(self, frame_HWC, number):
            boxes = [EyeBox(x, 5, x + 10, 10, score=x / 100) for x in (0, 15, 30, 50)]
            return [*boxes, EyeBox(51, 5, 61, 10, score=0.4)]

    summary = watch(Film(blinking(3)), tmp_path, detector=Crowd())
    assert summary['frames_with_eyes'] == 3
    with (tmp_path / 'frames.csv').open(newline='') as file:
        rows = [row for row in csv.DictReader(file) if row['frame'] == '2']
    assert [row['x1'] for row in rows] == ['30', '50', '']


def test_a_film_without_frames_leaves_no_files(tmp_path):
    film = Film([], damage=['reading stopped: x'])
    with pytest.raises(VideoError, match='no frame could be read; reading stopped: x'):
        watch(film, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_an_error_on_the_way_leaves_no_files(tmp_path):
    class Breaking:
        def detect(self, frame_HWC, number):
            if number == 5:
                raise ValueError('the detector broke')
            return []

    with pytest.raises(ValueError, match='the detector broke'):
        watch(Film(blinking(9)), tmp_path, detector=Breaking())
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def bright_video(tmp_path, monkeypatch):
    """A video file of 3 s with a blink at 1 s, and a classifier that needs no model."""
    av = pytest.importorskip('av')
    path = tmp_path / 'film.mp4'
    with av.open(str(path), 'w', options={'movflags': 'faststart'}) as container:
        stream = container.add_stream('mpeg4', rate=25)
        stream.width, stream.height, stream.pix_fmt = 80, 40, 'yuv420p'
        for frame in Film(blinking(75, (25, 31))).frames():
            picture = av.VideoFrame.from_ndarray(frame.image_HWC, format='rgb24')
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    monkeypatch.setattr(eye_classifier, 'EyeClassifier', BrightEyes)
    return path


def infer(source, folder, **settings):
    boxes = ';'.join(','.join(map(str, box)) for box in BOXES)
    chosen = {'smoothing': 'none'} | settings
    infer_video(
        str(source),
        model='model.onnx',
        detector=f'boxes:{boxes}',
        out_dir=str(folder),
        **chosen,
    )


def test_a_file_from_end_to_end(bright_video, tmp_path, capsys):
    infer(bright_video, tmp_path / 'out', rule={'max_blink_s': 0.2, 'min_open_s': None})
    assert ('both', 'long', 1.0, 1.24) in closures_in(tmp_path / 'out')
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == '75 frames, 3.0 s, eyes seen in 75'
    assert lines[3].startswith(
        'both   0 blinks, 0.0 per minute, 1 long closures, closed'
    )
    summary = json.loads((tmp_path / 'out/closures.json').read_text())
    assert summary['source'] == str(bright_video)
    assert summary['rule']['max_blink_s'] == 0.2
    assert summary['rule']['min_open_s'] == BlinkRule().min_open_s
    assert (tmp_path / 'out/overlay.mp4').stat().st_size > 1000


def test_a_file_cut_off_fails_with_what_was_read(bright_video, tmp_path):
    data = bright_video.read_bytes()
    bright_video.write_bytes(data[: len(data) * 3 // 5])
    with pytest.raises(VideoError, match=r'film.mp4: .*cut off: .*hold what was read'):
        infer(bright_video, tmp_path / 'out')
    summary = json.loads((tmp_path / 'out/closures.json').read_text())
    assert summary['complete'] is False
    assert 5 < summary['frames'] < 75


def test_a_file_that_is_interrupted_says_so(bright_video, tmp_path, monkeypatch):
    class Interrupting(BrightEyes):
        def predict_crops(self, crops):
            os.kill(os.getpid(), signal.SIGTERM)
            return super().predict_crops(crops)

    monkeypatch.setattr(eye_classifier, 'EyeClassifier', Interrupting)
    with pytest.raises(KeyboardInterrupt):
        infer(bright_video, tmp_path / 'out')
    summary = json.loads((tmp_path / 'out/closures.json').read_text())
    assert (summary['frames'], summary['ended_by']) == (1, 'interrupted')


def test_a_camera_that_is_interrupted_is_done(tmp_path, monkeypatch):
    class Camera(Film):
        is_live = True

        def frames(self):
            for frame in super().frames():
                yield frame
                if frame.number == 10:
                    os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(eye_classifier, 'EyeClassifier', BrightEyes)
    camera = Camera(blinking(99))
    monkeypatch.setattr('ocec.apis.infer_video.open_video', lambda source: camera)
    infer('0', tmp_path, overlay=False)
    summary = json.loads((tmp_path / 'closures.json').read_text())
    assert (summary['ended_by'], summary['damage']) == ('interrupted', [])


def test_eyes_never_seen_are_told(bright_video, tmp_path, capsys):
    infer_video(
        str(bright_video),
        model='m',
        detector='boxes:900,900,910,910',
        out_dir=str(tmp_path / 'out'),
    )
    assert 'both   not seen, or frames too far apart' in capsys.readouterr().out


def test_the_window_shows_the_overlay_and_q_ends(bright_video, tmp_path, monkeypatch):
    import cv2

    shown, keys = [], iter([255, 255, ord('q')])
    monkeypatch.setattr('ocec.apis.infer_video.check_display', lambda: None)
    monkeypatch.setattr(cv2, 'imshow', lambda name, image: shown.append(image.copy()))
    monkeypatch.setattr(cv2, 'waitKey', lambda delay: next(keys))
    infer(bright_video, tmp_path / 'out', show=True)
    assert len(shown) == 3
    # lines of a box that are green, in BGR
    assert (shown[0] == (80, 200, 40)).all(2).sum() > 10
    summary = json.loads((tmp_path / 'out/closures.json').read_text())
    assert (summary['ended_by'], summary['frames']) == ('window closed', 3)


@pytest.mark.parametrize(
    ('settings', 'error', 'message'),
    [
        ({'max_seconds': 0.0}, ConfigError, 'max-seconds must be > 0, got 0.0'),
        ({'rule': {'close_below': 2.0}}, ValueError, 'close_below <= open_from'),
        ({'smoothing_s': 0.0, 'smoothing': 'median'}, ValueError, 'window_s must be >'),
        ({'window_s': -1.0}, ValueError, 'window_s must be > 0, got -1.0'),
    ],
)
def test_wrong_settings_are_named(bright_video, tmp_path, settings, error, message):
    with pytest.raises(error, match=message):
        infer(bright_video, tmp_path / 'out', **settings)
    assert not (tmp_path / 'out').exists()


def test_a_video_is_not_overwritten_by_its_results(bright_video, tmp_path):
    overlay = tmp_path / 'overlay.mp4'
    bright_video.rename(overlay)
    with pytest.raises(ConfigError, match='would be overwritten by its own results'):
        infer(overlay, tmp_path)
    other_name = tmp_path / 'x' / '..' / 'overlay.mp4'
    (tmp_path / 'x').mkdir()
    with pytest.raises(ConfigError, match='would be overwritten by its own results'):
        infer(other_name, tmp_path)


def test_a_camera_that_is_not_there_is_told(tmp_path, monkeypatch):
    class NoCamera:
        def __init__(self, source):
            pass

        def isOpened(self):  # noqa: N802  # the name of OpenCV
            return False

        def release(self):
            pass

    monkeypatch.setattr(infer_video_read.cv2, 'VideoCapture', NoCamera)
    with pytest.raises(VideoError, match='camera 9 cannot be opened'):
        infer('9', tmp_path / 'out')
