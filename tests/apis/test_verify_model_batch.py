from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config

from ocec.apis.verify_model_batch import (
    choose_samples,
    describe_shapes,
    make_up_batch,
    num_tried,
    take_one,
    unit_of,
)
from ocec.structures import ActionTargets


def action_cfg(**dataset):
    dataset = dict(
        num_pose_frames=6, num_rgb_frames=3, frame_size=(8, 10), rgb={}, **dataset
    )
    return Config(
        dict(
            model=dict(
                type='ActionRecognizer',
                data_preprocessor=dict(layout='coco17'),
                head=dict(num_classes=3),
            ),
            train_dataloader=dict(batch_size=8, dataset=dataset),
        )
    )


@pytest.mark.parametrize(
    ('labels', 'num', 'chosen'),
    [
        # one of each class, then the second ones
        ([0, 0, 0, 1, 2, 2], 4, [0, 3, 4, 1]),
        ([1, 1, 1], 2, [0, 1]),
        ([0, 1], 9, [0, 1]),
    ],
)
def test_classes_by_turns(labels, num, chosen):
    dataset = SimpleNamespace(labels=torch.tensor(labels).numpy())
    assert choose_samples(dataset, num) == chosen


def test_first_samples_where_no_labels_are_known():
    assert choose_samples([5, 6, 7], 2) == [0, 1]


def test_clips_of_the_shape_of_the_config():
    cfg = action_cfg()
    assert (unit_of(cfg), num_tried(cfg)) == ('clip', 2)
    batch = make_up_batch(cfg, 'train_dataloader', 4)
    inputs = batch['inputs']
    assert inputs['frames'].shape == (4, 1, 3, 8, 10, 3)
    assert inputs['frames'].dtype == torch.uint8
    assert inputs['keypoint'].shape == (4, 1, 1, 6, 17, 2)
    assert inputs['score'].shape == (4, 1, 1, 6, 17)
    assert inputs['keypoint'][..., 0].max() < inputs['box'][0, 2]
    assert batch['data_samples'].label_B.tolist() == [0, 1, 2, 0]
    cfg.train_dataloader.dataset.rgb = None
    assert 'frames' not in make_up_batch(cfg, 'train_dataloader', 2)['inputs']


def test_images_and_pairs():
    image = Config(
        dict(
            model=dict(type='ImageClassifier', input_size=(12, 20)),
            train_dataloader=dict(batch_size=256),
        )
    )
    assert num_tried(image) == 64
    batch = make_up_batch(image, 'train_dataloader', 3)
    assert batch['inputs'].shape == (3, 3, 12, 20)
    pair = Config(dict(model=dict(type='PairClassifier')))
    batch = make_up_batch(pair, 'train_dataloader', 3)
    assert batch['inputs'].shape == (3, 2, 28, 28)
    assert batch['data_samples'].digit_B2.tolist() == [[0, 1], [1, 2], [2, 3]]


def test_unknown_model():
    cfg = Config(dict(model=dict(type='MyNet')))
    with pytest.raises(ValueError, match='nothing is known of what MyNet takes'):
        make_up_batch(cfg, 'train_dataloader', 2)


def test_one_of_a_batch():
    x_N = torch.arange(3)
    batch = {'inputs': {'a': x_N}, 'data_samples': ActionTargets(x_N, x_N, x_N), 'b': 1}
    one = take_one(batch, 1)
    assert one['inputs']['a'].tolist() == [1]
    assert one['data_samples'].sample_id_B.tolist() == [1]
    assert one['b'] == 1


def test_shapes_as_text():
    value = {'a': torch.zeros(2, 3), 'b': {'c': torch.zeros(1, dtype=torch.uint8)}}
    assert describe_shapes(value, 'x') == ['a (2, 3) float32', 'c (1,) uint8']
    assert describe_shapes(torch.zeros(4), 'x') == ['x (4,) float32']
    assert describe_shapes(None, 'x') == []
