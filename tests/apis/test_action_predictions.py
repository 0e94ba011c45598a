import csv

import numpy as np
import pytest

from ocec.apis.action_predictions import (
    best_classes,
    write_action_predictions,
    write_confusion,
)

CLASSES = ('wave', 'sit, down', 'jump', 'nod', 'clap', 'fall')


def read(path):
    with open(path, newline='', encoding='utf-8') as stream:
        return list(csv.reader(stream))


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    return {
        'sample_id_B': np.array([3, 8, 9]),
        'label_B': np.array([1, 0, 5]),
        **{name: rng.random((3, 6)) for name in ('prob_BC', 'rgb_prob_BC')},
        'pose_prob_BC': rng.random((3, 6)),
    }


def test_best_classes_of_each_stream(scores, tmp_path):
    out = tmp_path / 'new' / 'clips.csv'
    write_action_predictions(scores, ['a', 'b', 'c'], CLASSES, out)
    head, *rows = read(out)
    assert head[:6] == ['sample_id', 'clip', 'label', 'prediction', 'fused_1'] + [
        'fused_1_prob'
    ]
    assert head[4:] == [
        f'{stream}_{place}{end}'
        for stream in ('fused', 'rgb', 'pose')
        for place in range(1, 6)
        for end in ('', '_prob')
    ]
    assert [row[:3] for row in rows] == [
        ['3', 'a', 'sit, down'],
        ['8', 'b', 'wave'],
        ['9', 'c', 'fall'],
    ]
    for n, row in enumerate(rows):
        cells = dict(zip(head, row, strict=True))
        assert cells['prediction'] == cells['fused_1']
        for stream, field in (('fused', 'prob_BC'), ('pose', 'pose_prob_BC')):
            ranked = sorted(zip(scores[field][n], CLASSES, strict=True), reverse=True)
            for place, (prob, name) in enumerate(ranked[:5], start=1):
                assert cells[f'{stream}_{place}'] == name
                assert float(cells[f'{stream}_{place}_prob']) == pytest.approx(
                    prob, abs=1e-6
                )


def test_one_stream_and_few_classes(scores, tmp_path):
    scores = {
        'sample_id_B': scores['sample_id_B'],
        'label_B': np.array([1, 0, 2]),
        'prob_BC': scores['prob_BC'][:, :3],
        'rgb_prob_BC': None,
    }
    write_action_predictions(scores, 'abc', CLASSES[:3], tmp_path / 'clips.csv')
    head, *rows = read(tmp_path / 'clips.csv')
    assert head[-2:] == ['fused_3', 'fused_3_prob']
    assert {len(row) for row in rows} == {len(head)} == {10}


def test_confusions_have_their_names(tmp_path):
    report = {
        'classes': [{'name': 'wave'}, {'name': 'sit, down'}],
        'confusion': [[5, 1], [0, 7]],
    }
    write_confusion(report, tmp_path / 'confusion.csv')
    assert read(tmp_path / 'confusion.csv') == [
        ['label', 'wave', 'sit, down'],
        ['wave', '5', '1'],
        ['sit, down', '0', '7'],
    ]


def test_of_equal_scores_the_lower_class_comes_first():
    prob = np.array([[0.3, 0.1, 0.3, 0.3], [0.0, 0.0, 0.0, 0.0]])
    assert best_classes(prob, 3).tolist() == [[0, 2, 3], [0, 1, 2]]
    assert best_classes(prob, 9).shape == (2, 4)
