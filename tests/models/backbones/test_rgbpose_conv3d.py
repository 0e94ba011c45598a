import pytest
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from ocec.models.backbones import RGBPoseConv3D, rgbpose_conv3d
from ocec.registry import MODELS

TINY = {'rgb_channels': 16, 'pose_channels': 8, 'num_keypoints': 5}


@pytest.fixture
def small(monkeypatch):
    """One block per stage, narrow."""
    monkeypatch.setattr(rgbpose_conv3d, 'RGB_DEPTHS', (1, 1, 1, 1))
    monkeypatch.setattr(rgbpose_conv3d, 'POSE_DEPTHS', (1, 1, 1))
    torch.manual_seed(0)
    return lambda **kwargs: RGBPoseConv3D(**{**TINY, **kwargs})


def make_inputs(num_rgb=2, ratio=4, batch=2, side=32):
    generator = torch.Generator().manual_seed(0)
    size = side // 4
    return {
        'rgb': torch.randn(batch, 3, num_rgb, side, side, generator=generator),
        'heatmap': torch.rand(
            batch, 5, ratio * num_rgb, size, size, generator=generator
        ),
    }


@pytest.mark.parametrize(
    ('streams', 'published'),
    [
        (('rgb', 'pose'), 36_147_928),
        (('rgb',), 31_757_436),
        (('pose',), 2_024_860),
    ],
)
def test_parameters_are_those_of_the_original(streams, published):
    with torch.device('meta'):
        net = RGBPoseConv3D(streams)
    count = sum(p.numel() for p in net.parameters())
    head = sum(60 * (channels + 1) for channels in net.out_channels.values())
    assert count + head == published


@pytest.mark.parametrize(
    ('streams', 'giga'), [(('rgb', 'pose'), 58.0), (('rgb',), 41.7), (('pose',), 11.3)]
)
def test_shapes_and_multiply_accumulates(streams, giga):
    with torch.device('meta'):
        net = RGBPoseConv3D(streams).eval()
        inputs = {
            'rgb': torch.empty(1, 3, 8, 224, 224),
            'heatmap': torch.empty(1, 17, 32, 56, 56),
        }
    with FlopCounterMode(display=False) as counter:
        shapes = {name: x.shape for name, x in net(inputs).items()}
    expected = {'rgb': (1, 2048, 8, 7, 7), 'pose': (1, 512, 32, 7, 7)}
    assert shapes == {name: expected[name] for name in streams}
    assert counter.get_total_flops() / 2e9 == pytest.approx(giga, abs=0.05)


def test_streams_look_at_each_other_twice(small):
    net = small().double()
    inputs = {name: x.double() for name, x in make_inputs().items()}

    def upsample(x, layer):
        z = F.conv_transpose3d(
            x.transpose(1, 2),
            layer.deconv.weight[..., None],
            stride=(4, 1, 1),
            padding=(3, 0, 0),
            output_padding=(3, 0, 0),
        )
        norm = layer.norm
        z = F.batch_norm(z, None, None, norm.weight, norm.bias, training=True)
        return z.relu().transpose(1, 2)

    def downsample(x, layer):
        weight = layer.weight[..., None]
        z = F.conv3d(x.transpose(1, 2), weight, stride=(4, 1, 1), padding=(3, 0, 0))
        return z.transpose(1, 2)

    rgb_path, pose_path = net.rgb_path, net.pose_path
    rgb = rgb_path.run_stem(inputs['rgb'].transpose(1, 2))
    pose = pose_path.run_stem(inputs['heatmap'].transpose(1, 2))
    rgb = rgb_path.run_stage(1, rgb_path.run_stage(0, rgb))
    pose = pose_path.run_stage(0, pose)
    for index in (0, 1):
        seen_rgb = torch.cat((rgb, downsample(pose, net.pose_to_rgb[index])), 2)
        seen_pose = torch.cat((pose, upsample(rgb, net.rgb_to_pose[index])), 2)
        rgb = rgb_path.run_stage(2 + index, seen_rgb)
        pose = pose_path.run_stage(1 + index, seen_pose)
    found = net(inputs)
    torch.testing.assert_close(found['rgb'], rgb.transpose(1, 2), rtol=0, atol=1e-12)
    torch.testing.assert_close(found['pose'], pose.transpose(1, 2), rtol=0, atol=1e-12)


def test_every_parameter_learns(small):
    net = small()
    net.init_weights()
    feats = net(make_inputs())
    sum((x * torch.randn_like(x)).sum() for x in feats.values()).backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize('stream', ['rgb', 'pose'])
def test_one_stream_alone_keeps_its_names(small, stream):
    net, whole = small(streams=[stream]), small()
    names = set(net.state_dict())
    expected = {n for n in whole.state_dict() if n.startswith(f'{stream}_path.')}
    assert names == expected
    feats = net(make_inputs())
    assert list(feats) == [stream]


def test_checkpointing_changes_nothing(small):
    results = []
    for with_cp in (False, True):
        torch.manual_seed(0)
        net = small(with_cp=with_cp)
        feats = net(make_inputs())
        sum(x.square().mean() for x in feats.values()).backward()
        results.append([*feats.values(), *(p.grad for p in net.parameters())])
    torch.testing.assert_close(results[1], results[0])


def test_it_runs_in_channels_last(small):
    net, inputs = small().eval(), make_inputs()
    plain = net(inputs)
    last = net.to(memory_format=torch.channels_last)(inputs)
    torch.testing.assert_close(last, plain, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('streams', [(), ('rgb', 'rgb'), ('rgb', 'flow')])
def test_unknown_streams_are_refused(streams):
    with pytest.raises(ValueError, match=r"one or both of \('rgb', 'pose'\), got"):
        MODELS.build({'type': 'RGBPoseConv3D', 'streams': streams})


def test_inputs_that_do_not_go_together(small):
    net, inputs = small(), make_inputs()
    with pytest.raises(ValueError, match='there must be 4 pose frames per RGB frame, '):
        net(make_inputs(ratio=3))
    with pytest.raises(ValueError, match=r'got \(8, 8\) and \(4, 4\): the side of the'):
        net({**inputs, 'rgb': make_inputs(side=64)['rgb']})
    with pytest.raises(ValueError, match='the pose stream takes inputs'):
        net({'rgb': inputs['rgb']})
