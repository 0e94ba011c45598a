"""Expected values: the model itself, and a form written from its description."""

import pytest
import torch
from torch import nn

from ocec.apis.benchmark_actions_conv3d import as_conv3d
from ocec.apis.errors import ConfigError
from ocec.registry import MODELS

RGB = {'type': 'XShiftNet', 'depths': (2, 1, 1), 'base_channels': 8}
POSE = {
    'type': 'XShiftNet',
    'in_channels': 5,
    'depths': (2, 1),
    'base_channels': 8,
    'stem_stride': 1,
    'shift_div': 4,
}


def make_model(rgb_path=RGB, pose_path=POSE, attention=True):
    torch.manual_seed(0)
    model = MODELS.build(
        {
            'type': 'ActionRecognizer',
            'backbone': {
                'type': 'EPAMNet',
                'rgb_path': rgb_path,
                'pose_path': pose_path,
                'attention': {'type': 'PoseAttention'} if attention else None,
            },
            'head': {'type': 'TwoStreamHead', 'num_classes': 3, 'dropout': 0.0},
        }
    )
    return model.double()


def make_inputs():
    generator = torch.Generator().manual_seed(0)
    shapes = {'rgb': (2, 3, 2, 32, 32), 'heatmap': (2, 5, 6, 8, 8)}
    return {
        name: torch.randn(shape, generator=generator, dtype=torch.float64)
        for name, shape in shapes.items()
    }


@pytest.mark.parametrize('training', [True, False])
def test_equals_the_2d_form(training):
    ours = make_model().to(memory_format=torch.channels_last)
    theirs, inputs = as_conv3d(ours), make_inputs()
    ours.train(training), theirs.train(training)
    found, expected = ours(inputs), theirs(inputs)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    weight = torch.randn(2, 3, dtype=torch.float64)
    for logits in (found, expected):
        (logits['fused'] * weight).sum().backward()
    grads = [dict(m.named_parameters()) for m in (ours, theirs)]
    for stream in ('rgb_path', 'pose_path'):
        pair = [g[f'backbone.{stream}.stem.0.weight'].grad for g in grads]
        assert pair[0].abs().max() > 1e-6
        torch.testing.assert_close(pair[0], pair[1][:, :, 0], rtol=0, atol=1e-10)


def test_it_is_made_of_conv3d_and_as_many_parameters():
    model = make_model()
    written = as_conv3d(model)
    sizes = [sum(p.numel() for p in m.parameters()) for m in (model, written)]
    assert sizes[0] == sizes[1]
    paths = (written.backbone.rgb_path, written.backbone.pose_path)
    kinds = {type(m) for path in paths for m in path.modules()}
    assert nn.Conv3d in kinds
    assert nn.BatchNorm3d in kinds
    assert not kinds & {nn.Conv2d, nn.BatchNorm2d}


def test_one_stream_alone():
    written = as_conv3d(make_model(rgb_path=None, attention=False))
    assert written.backbone.rgb_path is None
    assert set(written({'heatmap': make_inputs()['heatmap']})) == {'pose', 'fused'}


def test_other_streams_are_refused():
    with pytest.raises(ConfigError, match='leave --parts step out'):
        as_conv3d(nn.Linear(1, 1))
