import re

import numpy as np
import pytest
import torch

from ocec.apis.errors import ConfigError
from ocec.apis.eye_classifier_model import open_network
from ocec.engine.checkpoint_io import save_atomically

NO_THRESHOLD = (0.5, 'default: the model holds none')


@pytest.fixture
def checkpoint(make_member, own_data):
    return make_member(own_data)


def open_with(checkpoint, thresholds):
    content = torch.load(checkpoint, weights_only=True)
    save_atomically(content | {'thresholds': thresholds}, checkpoint)
    return open_network(checkpoint, None, None, False)[1]


@pytest.mark.parametrize(
    ('stored', 'expected'),
    [
        ({'best_f1': 0.25, 'split': 'val'}, (0.25, 'best F1 on val')),
        ({'best_f1': None, 'split': 'val'}, NO_THRESHOLD),
        ({'best_f1': float('nan')}, NO_THRESHOLD),
        (None, NO_THRESHOLD),
    ],
)
def test_threshold_is_that_of_the_training(checkpoint, stored, expected):
    assert open_with(checkpoint, stored) == expected


def test_threshold_of_the_metric_as_an_export_writes_it(make_member, own_data):
    checkpoint = make_member(own_data, 'test_evaluator = dict(threshold=0.6)')
    expected = (0.6, 'of the metric of the config')
    assert open_network(checkpoint, None, None, False)[1] == expected
    stored = {'best_f1': 0.25, 'split': 'val'}
    assert open_with(checkpoint, stored) == (0.25, 'best F1 on val')


def test_folder_of_a_run_means_its_best_checkpoint(checkpoint):
    images = np.full((1, 32, 64, 3), 90, np.uint8)
    by_folder, _ = open_network(checkpoint.parent, None, None, False)
    by_file, _ = open_network(str(checkpoint), None, None, False)
    assert by_folder.prob_open(images) == by_file.prob_open(images)
    (checkpoint.parent / 'empty').mkdir()
    with pytest.raises(ConfigError, match=r'empty: the folder holds no \.pth or \.pt'):
        open_network(checkpoint.parent / 'empty', None, None, False)


def test_model_that_is_not_there(tmp_path):
    gone = tmp_path / 'gone.onnx'
    with pytest.raises(FileNotFoundError, match=re.escape(f'{gone}: no such model')):
        open_network(gone, None, None, False)


def test_a_config_is_of_no_use_to_an_exported_file(tmp_path):
    file = tmp_path / 'model.onnx'
    file.write_bytes(b'')
    with pytest.raises(ConfigError, match='an ONNX file holds its settings itself'):
        open_network(file, 'config.py', None, False)
