import csv
import json

import numpy as np
import pytest

from ocec.apis.blink_clip import CLIP_FILES, make_blink_clip, true_closures
from ocec.apis.eye_boxes import CsvBoxes
from ocec.apis.infer_video_read import open_video
from ocec.synthesis.blink_clip import BlinkClip, ClipSettings

pytest.importorskip('av')

SMALL = {'duration_s': 3.0, 'fps': 10.0, 'width': 192, 'height': 144, 'dropped': 0.2}


def test_files_say_what_the_clip_shows(tmp_path):
    folder = make_blink_clip(tmp_path / 'clip', **SMALL)
    assert sorted(p.name for p in folder.iterdir()) == sorted(CLIP_FILES)
    clip = BlinkClip(ClipSettings(**SMALL))
    found = list(open_video(str(folder / 'clip.mp4')).frames())
    drawn = list(clip.frames())
    np.testing.assert_allclose(
        [frame.time_s for frame in found], clip.times_s, atol=1e-3
    )
    boxes = CsvBoxes(folder / 'boxes.csv')
    for read, frame in zip(found, drawn, strict=True):
        away = np.abs(read.image_HWC.astype(int) - frame.image_HWC).mean()
        assert away < 10
        named = {box.eye: box for box in boxes.detect(read.image_HWC, read.number)}
        for eye, edges in frame.boxes.items():
            box = named[eye]
            assert (box.x1, box.y1, box.x2, box.y2) == pytest.approx(edges, abs=0.01)
    assert json.loads((folder / 'clip.json').read_text())['fps'] == 10.0
    with (folder / 'truth.csv').open(newline='') as file:
        rows = list(csv.reader(file))
    assert rows == [['eye', 'kind', 'start_s', 'end_s'], *true_closures(clip)]


def test_a_wink_is_none_of_both():
    clip = BlinkClip(ClipSettings(duration_s=60, seed=2))
    rows = list(true_closures(clip))
    for closure in clip.closures:
        start = f'{closure.start_s:.4f}'
        eyes = {row[0] for row in rows if row[2] == start}
        expected = (
            {*closure.eyes, 'both'} if len(closure.eyes) == 2 else {*closure.eyes}
        )
        assert eyes == expected
    assert any(len(closure.eyes) == 1 for closure in clip.closures)


def test_wrong_settings_write_nothing(tmp_path):
    with pytest.raises(ValueError, match='fps must be in'):
        make_blink_clip(tmp_path / 'clip', fps=1)
    assert not (tmp_path / 'clip').exists()
