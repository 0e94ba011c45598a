import sys

import numpy as np
import pytest

from ocec.apis.eye_boxes import EyeBox
from ocec.apis.infer_video_overlay import COLOURS, Drawn, Mp4Writer, draw_overlay
from ocec.functional.blink import CLOSED, OPEN, UNKNOWN

av = pytest.importorskip('av')


@pytest.mark.parametrize('state', [OPEN, CLOSED, UNKNOWN])
def test_boxes_have_the_colour_of_their_state(state):
    image = np.zeros((120, 160, 3), np.uint8)
    box = EyeBox(60, 70, 100, 90)
    draw_overlay(image, {'left': Drawn(box, float('nan'), state)}, [])
    edge = image[70:90, 60:100]
    for line in (edge[0], edge[-1], edge[:, 0], edge[:, -1]):
        assert (line == COLOURS[state]).all()
    assert not edge[3:-3, 3:-3].any()
    # nothing outside but half a line, and no text without a number
    image[69:91, 59:101] = 0
    assert not image.any()


def test_text_is_readable_on_any_ground():
    for ground in (0, 255):
        image = np.full((240, 320, 3), ground, np.uint8)
        draw_overlay(image, {}, ['12.0 s  open'])
        written = image[:40, :200].reshape(-1, 3)
        assert (written > 200).all(1).sum() > 50
        assert (written < 80).all(1).sum() > 200


def test_text_at_the_edges_does_not_fail():
    image = np.zeros((40, 60, 3), np.uint8)
    eyes = {
        'left': Drawn(EyeBox(0, 0, 9, 5), 0.5, OPEN),
        'right': Drawn(EyeBox(55, 35, 60, 40), 0.25, CLOSED),
    }
    draw_overlay(image, eyes, ['a line that is far too long'] * 9)
    assert image.any()


def read_back(path):
    with av.open(str(path)) as container:
        return [
            (f.time, f.to_ndarray(format='rgb24')) for f in container.decode(video=0)
        ]


@pytest.mark.parametrize('settings', [{}, {'movflags': ''}])
def test_video_keeps_pictures_and_times(tmp_path, settings):
    times = [0.0, 0.04, 0.05, 0.3, 1.0, 1.033]
    path = tmp_path / 'a.mp4'
    with path.open('wb') as file:
        writer = Mp4Writer(file, fps=30, **settings)
        for number, time_s in enumerate(times):
            # odd sides: the last row and column are lost
            image = np.full((49, 65, 3), (40 * number, 100, 30), np.uint8)
            writer.write(image, time_s)
        writer.close()
    found = read_back(path)
    np.testing.assert_allclose([time for time, _ in found], times, atol=1e-3)
    for number, (_, image) in enumerate(found):
        assert image.shape == (48, 64, 3)
        assert np.abs(image.mean((0, 1)) - (40 * number, 100, 30)).max() < 8


def test_frames_of_another_size_are_stretched(tmp_path):
    path = tmp_path / 'a.mp4'
    with path.open('wb') as file:
        writer = Mp4Writer(file)
        writer.write(np.zeros((32, 48, 3), np.uint8), 0.0)
        writer.write(np.full((64, 64, 3), 200, np.uint8), 0.1)
        writer.close()
    last = read_back(path)[1][1]
    assert last.shape == (32, 48, 3)
    assert last.mean() == pytest.approx(200, abs=5)


def test_what_is_written_can_be_read_without_an_end(tmp_path):
    """As after a power cut: by default in fragments."""
    path = tmp_path / 'a.mp4'
    rng = np.random.default_rng(0)
    with path.open('wb') as file:
        writer = Mp4Writer(file)
        for number in range(600):
            image = rng.integers(0, 255, (32, 32, 3), np.uint8)
            writer.write(image, number / 25)
        file.flush()
        cut = path.read_bytes()
        writer.close()
    path.write_bytes(cut)
    assert len(read_back(path)) > 200


def test_without_pyav_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'av', None)
    with pytest.raises(ImportError, match=r'pip install "ocec\[video\]"'):
        Mp4Writer((tmp_path / 'a.mp4').open('wb'))
