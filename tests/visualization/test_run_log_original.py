import json

import numpy as np
import pytest

from ocec.visualization.run_log_original import NO_TIMES, read_history_json
from ocec.visualization.run_records import build_curves

# the fields that the original writes
HISTORY = [
    {
        'epoch': epoch,
        'train': {'loss': 1 / epoch, 'accuracy': 0.8, 'f1': 0.7},
        'val': {'loss': 2 / epoch, 'accuracy': 0.7, 'f1': 0.6},
        'lr': 0.1,
    }
    for epoch in (1, 2)
]


def test_history_and_test_metrics(tmp_path):
    path = tmp_path / 'history.json'
    path.write_text(json.dumps(HISTORY[::-1]))
    summary = {'test_metrics': {'f1': 0.5}, 'best_epoch': 2}
    (tmp_path / 'summary.json').write_text(json.dumps(summary))
    content = read_history_json(path)
    curves = build_curves(content.records)
    np.testing.assert_array_equal(curves['train/loss'].value_N, [1, 0.5])
    np.testing.assert_array_equal(curves['val/f1'].epoch_N, [1, 2])
    np.testing.assert_array_equal(curves['lr'].value_N, [0.1, 0.1])
    assert np.isnan(curves['val/f1'].minutes_N).all()
    assert curves['train/accuracy'].logged_as == 'accuracy'
    assert content.test == {'f1': 0.5}
    assert content.messages == [NO_TIMES]


def test_training_without_validation(tmp_path):
    path = tmp_path / 'history.json'
    path.write_text(json.dumps([{'epoch': 1, 'train': {'loss': 1.0}, 'val': None}]))
    assert list(build_curves(read_history_json(path).records)) == ['train/loss']


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('[{"epoch": 1', 'history.json is no complete JSON: '),
        ('{"epoch": 1}', 'must hold a list of {"epoch", "train", "val", "lr"}'),
        ('[{"loss": 1}]', 'must hold a list of {"epoch", "train", "val", "lr"}'),
    ],
)
def test_other_files(tmp_path, text, message):
    path = tmp_path / 'history.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_history_json(path)


def test_broken_summary_is_told(tmp_path):
    path = tmp_path / 'history.json'
    path.write_text(json.dumps(HISTORY))
    (tmp_path / 'summary.json').write_text('{')
    assert 'summary.json cannot be read' in read_history_json(path).messages[1]
