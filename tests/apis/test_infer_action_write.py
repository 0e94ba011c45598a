import csv
import json

import numpy as np
import pytest

from ocec.apis.infer_action_windows import Window
from ocec.apis.infer_action_write import (
    OUTPUTS,
    VideoActions,
    latency_ms,
    table_text,
    write_actions,
)

CLASSES = ('wave', 'jump', '坐下')


def make_actions(prob=((0.6, 0.3, 0.1), (0.2, 0.5, 0.3)), top=2):
    windows = [Window(n, 4 * n, 4 * n + 4) for n in range(len(prob))]
    times = np.arange(4 * len(prob) + 1) / 10
    return VideoActions(windows, np.array(prob), times, CLASSES, top)


def rows_of(path):
    with path.open(newline='', encoding='utf-8') as file:
        return [tuple(row.values()) for row in csv.DictReader(file)]


def test_files(tmp_path):
    write_actions(make_actions(), tmp_path / 'out', {'model': 'm'})
    assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == sorted(OUTPUTS)
    assert rows_of(tmp_path / 'out/windows.csv') == [
        ('0.0', '0.4', '1', 'wave', '0.6'),
        ('0.0', '0.4', '2', 'jump', '0.3'),
        ('0.4', '0.8', '1', 'jump', '0.5'),
        ('0.4', '0.8', '2', '坐下', '0.3'),
    ]
    assert rows_of(tmp_path / 'out/segments.csv') == [
        ('0.0', '0.4', 'wave', '0.6'),
        ('0.4', '0.8', 'jump', '0.5'),
    ]
    found = json.loads((tmp_path / 'out/actions.json').read_text(encoding='utf-8'))
    assert found['model'] == 'm'
    assert found['classes'] == list(CLASSES)
    assert found['video'] == [
        {'rank': 1, 'class': 'wave', 'probability': 0.4},
        {'rank': 2, 'class': 'jump', 'probability': 0.4},
    ]
    assert found['windows'][1]['top'][0]['class'] == 'jump'
    assert (found['windows'][1]['start_frame'], found['windows'][1]['end_frame']) == (
        4,
        8,
    )
    assert found['segments'][0]['class'] == 'wave'


def test_nobody(tmp_path):
    actions = make_actions([(0.6, 0.3, 0.1), (np.nan,) * 3])
    write_actions(actions, tmp_path, {})
    rows = rows_of(tmp_path / 'windows.csv')
    assert rows[-1] == ('0.4', '0.8', '1', 'nobody', '')
    assert rows_of(tmp_path / 'segments.csv')[-1] == ('0.4', '0.8', 'nobody', '')
    found = json.loads((tmp_path / 'actions.json').read_text(encoding='utf-8'))
    assert found['windows'][1]['nobody'] is True
    assert found['windows'][1]['top'] == []
    assert found['segments'][1]['probability'] is None
    assert 'nobody in 1 of 2 windows' in table_text(actions)


def test_nobody_at_all(tmp_path):
    actions = make_actions([(np.nan,) * 3])
    write_actions(actions, tmp_path, {})
    found = json.loads((tmp_path / 'actions.json').read_text(encoding='utf-8'))
    assert found['video'] == []
    expected = 'nobody was found in any window: there is no answer'
    assert table_text(actions) == expected


def test_table():
    prob = [(0.9, 0.1, 0), (0, 0.8, 0.2)] * 4 + [(0.5, 0.4, 0.1)]
    lines = table_text(make_actions(prob, top=3)).splitlines()
    assert lines[0] == 'rank  class  probability  comes first'
    # wave: (4 * 0.9 + 0.5) / 9
    assert lines[1] == (
        '   1  wave        0.4556  0.00-0.40 s, 0.80-1.20 s, 1.60-2.00 s and 2 more'
    )
    assert lines[2] == (
        '   2  jump        0.4444  0.40-0.80 s, 1.20-1.60 s, 2.00-2.40 s and 1 more'
    )
    assert lines[3] == '   3  坐下          0.1000  -'


def test_latency():
    median, high = latency_ms([0.001, 0.003, 0.002])
    assert median == pytest.approx(2)
    # 95 % of the way from the first to the last of three
    assert high == pytest.approx(2.9)
    assert np.isnan(latency_ms([])).all()
