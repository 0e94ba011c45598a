import csv
import json
import math

import numpy as np
import pytest

from ocec.apis.eye_boxes import EyeBox
from ocec.apis.infer_video_eyes import EyeWatch
from ocec.apis.infer_video_read import Frame
from ocec.apis.infer_video_write import OUTPUTS, VideoFiles, summarise_eyes
from ocec.functional.blink import BlinkRule, Closure

av = pytest.importorskip('av')

BOX = EyeBox(3, 4, 13, 9)


def write_three_frames(folder, *, overlay=True, fail=False):
    """Left eye open, both shut, none seen."""
    watch = EyeWatch(BlinkRule(), smoothing='none', smoothing_s=0.1, window_s=60.0)
    rows = [{'left': 0.9}, {'left': 0.25, 'right': 0.125}, {}]
    with VideoFiles(folder, overlay=overlay, fps=10.0) as files:
        for number, probs in enumerate(rows):
            frame = Frame(number, number / 10, np.zeros((32, 48, 3), np.uint8))
            states, _ = watch.update(frame.time_s, probs)
            boxes = dict.fromkeys(probs, BOX)
            files.add_frame(frame, boxes, probs, states, watch)
        if fail:
            raise OSError('disk full')
        files.add_closure('left', Closure(1.0, 1.2, 'blink', False))
        files.add_closure('both', Closure(2.0, 2.7, 'long', True))
        files.add_summary(
            {'complete': True, 'none': math.nan, 'list': [{'a': math.nan}]}
        )
    return watch


def test_all_files_and_nothing_else(tmp_path):
    write_three_frames(tmp_path / 'out')
    assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == sorted(OUTPUTS)
    with av.open(str(tmp_path / 'out/overlay.mp4')) as container:
        frames = [
            frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)
        ]
    assert [frame.shape for frame in frames] == [(32, 48, 3)] * 3


def test_a_row_for_each_eye_seen_and_one_for_both(tmp_path):
    write_three_frames(tmp_path, overlay=False)
    assert not (tmp_path / 'overlay.mp4').exists()
    with (tmp_path / 'frames.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    assert [(row['frame'], row['eye'], row['state']) for row in rows] == [
        ('0', 'left', 'open'),
        ('0', 'both', 'open'),
        ('1', 'left', 'closed'),
        ('1', 'right', 'closed'),
        ('1', 'both', 'closed'),
        ('2', 'both', ''),
    ]
    assert [rows[3][name] for name in ('x1', 'y1', 'x2', 'y2')] == ['3', '4', '13', '9']
    assert (rows[2]['prob_open'], rows[3]['smoothed']) == ('0.2500', '0.1250')
    assert rows[4]['smoothed'] == '0.1875'
    assert (rows[4]['time_s'], rows[4]['blinks']) == ('0.1000', '0')
    # all of the first tenth of a second was open
    assert (rows[4]['perclos'], rows[4]['rate_per_min']) == ('0.0000', '0.00')
    assert (rows[5]['smoothed'], rows[1]['perclos'], rows[5]['x1']) == ('', '', '')


def test_closures_in_both_formats(tmp_path):
    write_three_frames(tmp_path, overlay=False)
    assert (tmp_path / 'closures.csv').read_text() == (
        'eye,kind,start_s,end_s,duration_s,cut\n'
        'left,blink,1.0,1.2,0.2,false\n'
        'both,long,2.0,2.7,0.7,true\n'
    )
    found = json.loads((tmp_path / 'closures.json').read_text())
    assert found['closures'] == [
        {
            'eye': 'left',
            'kind': 'blink',
            'start_s': 1.0,
            'end_s': 1.2,
            'duration_s': 0.2,
            'cut': False,
        },
        {
            'eye': 'both',
            'kind': 'long',
            'start_s': 2.0,
            'end_s': 2.7,
            'duration_s': 0.7,
            'cut': True,
        },
    ]
    assert found['complete'] is True
    assert found['none'] is None
    assert found['list'] == [{'a': None}]


def test_json_without_closures_is_valid(tmp_path):
    with VideoFiles(tmp_path, overlay=False, fps=0) as files:
        files.add_summary({'a': 1})
    assert json.loads((tmp_path / 'closures.json').read_text()) == {
        'closures': [],
        'a': 1,
    }


def test_a_failure_leaves_old_files_as_they_were(tmp_path):
    (tmp_path / 'frames.csv').write_text('old')
    with pytest.raises(OSError, match='disk full'):
        write_three_frames(tmp_path, fail=True)
    assert [path.name for path in tmp_path.iterdir()] == ['frames.csv']
    assert (tmp_path / 'frames.csv').read_text() == 'old'


def test_sums_of_each_series():
    watch = EyeWatch(BlinkRule(), smoothing='none', smoothing_s=0.1, window_s=60.0)
    for number, prob in enumerate([0.9, 0.9, 0.1, 0.1, 0.9, 0.9, 0.9]):
        watch.update(number / 10, {'left': prob})
    found = summarise_eyes(watch)
    # 0.2 s of 0.6 s
    assert found['left'] == found['both']
    assert found['left'] == {
        'blinks': 1,
        'long_closures': 0,
        'cut_closures': 0,
        'blinks_per_min': 100.0,
        'mean_blink_s': 0.2,
        'perclos': 0.3333,
        'long_share': 0.0,
        'known_s': 0.6,
        'closed_s': 0.2,
    }
    assert math.isnan(found['right']['perclos'])
