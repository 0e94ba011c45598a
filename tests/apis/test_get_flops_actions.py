"""Expected sizes: published weights of EPAM-Net, counted layer by layer."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ocec.apis.errors import ConfigError
from ocec.apis.get_flops import get_flops
from ocec.apis.get_flops_actions import (
    action_inputs,
    count_streams,
    is_action_config,
    raw_clip,
)
from ocec.registry import MODELS

FOLDER = Path(__file__).parents[2] / 'configs/skeleton/posec3d/rgbpose_conv3d'
RGB, POSE = (3, 16, 224, 224), (17, 48, 56, 56)
STREAMS = {'rgb': 1_980_030, 'pose': 519_580, 'attention': 107}
SMALL = 'epam-small_1xb8-60e_sample-actions.py'


def load(name):
    return Config.fromfile(FOLDER / name)


# inputs, parameters, of the streams, G MACs of convolutions and linear layers
@pytest.mark.parametrize(
    ('name', 'inputs', 'params', 'streams', 'macs'),
    [
        (
            'epam_ntu60_optimized',
            {'rgb': RGB, 'heatmap': POSE},
            2_538_717,
            STREAMS,
            7.618,
        ),
        ('epam_ntu60_rgb', {'rgb': RGB}, 2_006_010, {'rgb': STREAMS['rgb']}, 4.262),
        ('epam_ntu60_pose', {'heatmap': POSE}, 532_600, {'pose': 519_580}, 3.356),
    ],
)
def test_published_sizes(name, inputs, params, streams, macs, capsys):
    [size] = get_flops([FOLDER / f'{name}.py'])
    assert size.input_size == inputs
    assert size.params == params
    assert size.params_streams == streams
    assert size.params_backbone == sum(streams.values())
    assert size.macs / 1e9 == pytest.approx(macs, abs=0.0005)
    head, row = capsys.readouterr().out.splitlines()
    assert head.split()[-2:] == ['MACs', 'streams']
    assert f'{streams.get("rgb", 0) or 519_580:,}' in row
    assert '17x48x56x56' in row or inputs == {'rgb': RGB}


def test_network_that_it_is_compared_with():
    [size] = get_flops([FOLDER / 'rgbpose_conv3d_ntu60.py'])
    # frames are cut out of 256 x 256 in training
    assert size.input_size == {'rgb': (3, 8, 224, 224), 'heatmap': (17, 32, 56, 56)}
    assert size.params == 36_147_928
    assert size.macs / 1e9 == pytest.approx(58.0, abs=0.05)
    assert sum(size.params_streams.values()) == size.params_backbone
    # what connects the streams is neither the one's nor the other's
    assert list(size.params_streams) == ['rgb', 'pose', 'connections']


def test_sizes_and_frames_of_the_config_count():
    options = [
        'model.head.num_classes=120',
        'train_dataloader.dataset.num_rgb_frames=4',
        'model.data_preprocessor.with_limb=True',
        'model.backbone.pose_path.in_channels=34',
    ]
    [size] = get_flops([FOLDER / SMALL], cfg_options=options)
    # 17 limbs after 17 joints
    assert size.input_size == {'rgb': (3, 4, 96, 96), 'heatmap': (34, 24, 24, 24)}
    # features of 432 and 216, and a bias
    assert size.params_head == 120 * (432 + 216 + 2)


def test_shape_is_of_images_only():
    with pytest.raises(ConfigError, match='--shape is of one image; sizes of clips'):
        get_flops([FOLDER / SMALL], shape=(96, 96))


def test_heatmaps_that_the_network_cannot_take(capsys):
    options = ['model.data_preprocessor.heatmap_size=(48,48)']
    with pytest.raises(
        ValueError, match=r'the model cannot take 3x8x96x96 \+ 17x24x48'
    ):
        get_flops([FOLDER / SMALL], cfg_options=options)
    assert 'cannot run' in capsys.readouterr().out


def test_layout_that_does_not_fit_the_clips():
    cfg = load(SMALL)
    cfg.train_dataloader.dataset.num_joints = 25
    init_default_scope('ocec')
    model = MODELS.build(cfg.model)
    with pytest.raises(ConfigError, match='a.py: the keypoints have 25 joints'):
        action_inputs(model, cfg, 'a.py')


def test_draws_are_no_draws_of_the_caller():
    cfg = load(SMALL)
    init_default_scope('ocec')
    model = MODELS.build(cfg.model)
    before = torch.get_rng_state()
    inputs = action_inputs(model, cfg, 'a.py')
    assert torch.equal(torch.get_rng_state(), before)
    assert inputs['rgb'].shape == (1, 3, 8, 96, 96)


def test_clip_of_skeletons_alone():
    dataset = dict(type='RGBPose', num_joints=25)
    cfg = Config(dict(train_dataloader=dict(dataset=dataset)))
    assert is_action_config(cfg)
    clip = raw_clip(cfg)
    assert set(clip) == {'keypoint', 'score', 'box'}
    assert clip['keypoint'].shape == (1, 1, 1, 48, 25, 2)
    assert not is_action_config(Config(dict(model=dict(type='x'))))


def test_streams_by_hand():
    class Backbone(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.rgb_path = torch.nn.Linear(2, 3)
            self.pose_path, self.attention = None, None
            self.bridge = torch.nn.Linear(1, 4)

    model = torch.nn.Module()
    model.backbone = Backbone()
    assert count_streams(model) == {'rgb': 9, 'connections': 8}
