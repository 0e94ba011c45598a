import pytest
import torch

from ocec.models.backbones import EPAMNet, XShiftNet
from ocec.models.layers import PoseAttention

SMALL = {'base_channels': 8, 'depths': (1, 1)}
RGB = {'type': 'XShiftNet', **SMALL, 'depths': (1, 1, 1)}
POSE = {'type': 'XShiftNet', **SMALL, 'in_channels': 5, 'stem_stride': 1}
ATTENTION = {'type': 'PoseAttention'}


def make_net(rgb_path=RGB, pose_path=POSE, attention=ATTENTION):
    torch.manual_seed(0)
    return EPAMNet(rgb_path, pose_path, attention)


def make_inputs(num_rgb=2, num_pose=6, batch=2, side=32, keypoints=5):
    generator = torch.Generator().manual_seed(0)
    return {
        'rgb': torch.randn(batch, 3, num_rgb, side, side, generator=generator),
        'heatmap': torch.rand(
            batch, keypoints, num_pose, side // 4, side // 4, generator=generator
        ),
    }


@pytest.mark.parametrize(('num_rgb', 'num_pose'), [(2, 6), (3, 3), (1, 4)])
def test_features_for_any_multiple(num_rgb, num_pose):
    net, inputs = make_net(), make_inputs(num_rgb, num_pose)
    feats = net(inputs)
    assert {name: x.shape for name, x in feats.items()} == {
        'rgb': (2, net.out_channels['rgb'], num_rgb, 2, 2),
        'pose': (2, net.out_channels['pose'], num_pose, 2, 2),
    }


def test_attention_gets_the_pose_of_the_rgb_frames():
    net, inputs = make_net().double().eval(), make_inputs()
    inputs = {name: x.double() for name, x in inputs.items()}
    feats = net(inputs)
    pose = net.pose_path(inputs['heatmap'])
    share = net.attention.weights(pose[:, :, [0, 3]])
    rgb = net.rgb_path(inputs['rgb'])
    torch.testing.assert_close(feats['rgb'], rgb * (1 + share))
    torch.testing.assert_close(feats['pose'], pose)
    found = net.attention_weights(inputs['heatmap'], num_rgb_frames=2)
    torch.testing.assert_close(found, share[:, 0])


def test_the_loss_of_rgb_trains_the_pose_stream():
    net = make_net()
    net(make_inputs())['rgb'].square().mean().backward()
    assert all(p.grad is not None for p in net.pose_path.parameters())
    assert net.pose_path.neck[0].weight.grad.abs().sum() > 0


def test_without_attention_the_streams_are_on_their_own():
    net, inputs = make_net(attention=None).eval(), make_inputs()
    feats = net(inputs)
    assert torch.equal(feats['rgb'], net.rgb_path(inputs['rgb']))
    feats['rgb'].sum().backward()
    assert all(p.grad is None for p in net.pose_path.parameters())
    with pytest.raises(ValueError, match='this model has no attention'):
        net.attention_weights(inputs['heatmap'], 2)


@pytest.mark.parametrize('stream', ['rgb', 'pose'])
def test_one_stream_alone_keeps_its_names(stream):
    whole = make_net()
    left_out = {'rgb': 'pose_path', 'pose': 'rgb_path'}[stream]
    net = make_net(**{left_out: None}, attention=None)
    expected = {n for n in whole.state_dict() if n.startswith(f'{stream}_path.')}
    assert set(net.state_dict()) == expected
    inputs = make_inputs()
    kept = {'rgb': 'rgb', 'pose': 'heatmap'}[stream]
    feats = net({kept: inputs[kept]})
    assert list(feats) == list(net.out_channels) == [stream]


def test_stages_hold_every_parameter():
    net = make_net()
    stages = net.stage_modules()
    assert list(stages) == [
        *('rgb.stem', 'rgb.blocks.0', 'rgb.blocks.1', 'rgb.blocks.2', 'rgb.neck'),
        *('pose.stem', 'pose.blocks.0', 'pose.blocks.1', 'pose.neck'),
        'attention',
    ]
    held = [p for modules in stages.values() for m in modules for p in m.parameters()]
    assert set(map(id, held)) == set(map(id, net.parameters()))


def test_a_path_without_stages_is_one():
    class Path(torch.nn.Conv3d):
        def __init__(self):
            super().__init__(3, 4, 1)

    net = EPAMNet(Path(), None)
    assert list(net.stage_modules()) == ['rgb.path']
    assert net.out_channels == {'rgb': 4}


def test_modules_serve_as_configs_do():
    net = EPAMNet(XShiftNet(**SMALL), XShiftNet(5, **SMALL), PoseAttention())
    assert list(net.out_channels) == ['rgb', 'pose']


def test_streams_that_are_missing():
    with pytest.raises(ValueError, match='both None: no stream is left'):
        EPAMNet(None, None)
    for left_out in ('rgb_path', 'pose_path'):
        message = f'attention needs both streams, {left_out} is None'
        with pytest.raises(ValueError, match=message):
            make_net(**{left_out: None})


def test_inputs_that_do_not_go_together():
    net, inputs = make_net(), make_inputs()
    message = r"the pose stream takes inputs\['heatmap'\], there is only rgb"
    with pytest.raises(ValueError, match=message):
        net({'rgb': inputs['rgb']})
    with pytest.raises(ValueError, match='there is only nothing'):
        net({})
    message = r"inputs\['rgb'\] must have shape \(N, C, T, H, W\), got \(2, 3, 2, 32\)"
    with pytest.raises(ValueError, match=message):
        net({**inputs, 'rgb': inputs['rgb'][..., 0]})
    with pytest.raises(
        ValueError, match='a multiple of that of RGB frames, got 5 and 2'
    ):
        net(make_inputs(2, 5))
    with pytest.raises(ValueError, match='must be 4 times that of the heatmaps'):
        net({**inputs, 'rgb': make_inputs(side=64)['rgb']})
