import numpy as np
import pytest
import torch

from ocec.apis.errors import ConfigError
from ocec.apis.infer_action_model import ActionModel, class_names, predict_batch
from ocec.apis.run_config import load_run_config
from ocec.engine.checkpoint_io import load_safely, save_atomically
from ocec.functional.ntu import CLASSES_60
from ocec.registry import DATASETS


@pytest.mark.parametrize('with_rgb', [True, False])
def test_answers_are_those_of_a_test_step(make_action_run, with_rgb):
    run = make_action_run(with_rgb=with_rgb)
    model = ActionModel(run.checkpoint)
    cfg = load_run_config(run.config)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    with torch.inference_mode():
        [scores] = model.network.test_step(dataset.__getitems__([0, 1, 2]))
    expected = scores.prob_BC.numpy()
    # clips must differ, or anything would be equal
    assert np.ptp(expected, axis=0).max() > 1e-3
    for row in range(3):
        random = np.random.RandomState(0)
        sample = model.reader.read(dataset.table, row, dataset.rgb, random)
        np.testing.assert_allclose(model.predict(sample), expected[row], atol=1e-6)
    whole = predict_batch(model.network, dataset.__getitems__([0, 1, 2]))
    np.testing.assert_allclose(whole, expected, atol=1e-6)
    assert model.has_rgb == with_rgb
    assert model.classes == ('wave', 'jump', 'sit', 'kick')
    assert model.layout.name == 'coco17'


def test_a_config_file_serves_a_checkpoint_without_one(make_action_run, tmp_path):
    run = make_action_run(with_rgb=False)
    bare = tmp_path / 'bare.pth'
    save_atomically({'state_dict': load_safely(run.checkpoint)['state_dict']}, bare)
    with pytest.raises(ConfigError, match='holds no config: name its file with --conf'):
        ActionModel(bare)
    assert ActionModel(bare, config=run.config).classes == ('0', '1', '2', '3')


def test_clips_are_read_as_the_test_loader_says(make_action_run):
    reader = ActionModel(make_action_run(with_rgb=False).checkpoint).reader
    assert (reader.num_pose_frames, reader.num_rgb_frames) == (6, 3)
    assert reader.test_mode is True


def test_a_model_of_eyes_is_refused(make_member, own_data):
    expected = 'builds a ImageClassifier, and actions need an ActionRecognizer'
    with pytest.raises(ConfigError, match=expected):
        ActionModel(make_member(own_data))


def test_weights_of_another_model_are_refused(make_action_run, tmp_path):
    run = make_action_run()
    other = tmp_path / 'other.py'
    other.write_text(
        run.config.read_text().replace('base_channels=8', 'base_channels=16')
    )
    with pytest.raises(ConfigError, match=r'best\.pth'):
        ActionModel(run.checkpoint, config=other)


def test_a_config_without_data_of_actions_is_refused(make_action_run, tmp_path):
    run = make_action_run()
    other = tmp_path / 'other.py'
    text = run.config.read_text()
    other.write_text(f'{text}\ntest_dataloader = train_dataloader = None\n')
    with pytest.raises(ConfigError, match='its config has no dataset of actions'):
        ActionModel(run.checkpoint, config=other)


def test_a_device_that_is_not_there_is_named(make_action_run):
    run = make_action_run()
    with pytest.raises(ConfigError, match='--device quantum: cannot be used'):
        ActionModel(run.checkpoint, device='quantum')


def test_names_of_classes():
    assert class_names({'meta': {'dataset_meta': {'classes': ['x', 'y']}}}, 2) == (
        'x',
        'y',
    )
    # names of other data than the head is for
    assert class_names({'meta': {'dataset_meta': {'classes': ['x']}}}, 2) == ('0', '1')
    assert class_names({}, 60) == CLASSES_60
