import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from ocec.models.backbones import XShiftNet
from ocec.registry import MODELS

POSE = {'in_channels': 17, 'depths': (5, 11, 7), 'stem_stride': 1, 'shift_div': 4}
TINY = {'depths': (2, 1), 'base_channels': 8}


def count(module):
    return sum(p.numel() for p in module.parameters())


def trained(net):
    """Norms away from where they start."""
    for name, x in net.state_dict().items():
        if 'running_var' in name or name.endswith('.1.weight'):
            torch.nn.init.uniform_(x, 0.5, 1.5)
    return net


# what the description of the network lists for each part
RGB_PARTS = (696, 12_502, 63_528, 526_488, 1_293_008, 83_808)
POSE_PARTS = (3_720, 20_112, 140_268, 334_312, 21_168)


@pytest.mark.parametrize(
    ('settings', 'parts', 'total'),
    [({}, RGB_PARTS, 1_980_030), (POSE, POSE_PARTS, 519_580)],
)
def test_parameters_are_those_of_the_original(settings, parts, total):
    net = XShiftNet(**settings)
    assert (count(net.stem), *map(count, net.stages), count(net.neck)) == parts
    assert count(net) == sum(parts) == total


@pytest.mark.parametrize(
    ('settings', 'shape', 'features', 'giga'),
    [
        ({}, (1, 3, 16, 224, 224), (1, 432, 16, 7, 7), 4.262),
        (POSE, (1, 17, 48, 56, 56), (1, 216, 48, 7, 7), 3.356),
    ],
)
def test_shapes_and_multiply_accumulates(settings, shape, features, giga):
    with torch.device('meta'):
        net, x = XShiftNet(**settings).eval(), torch.empty(shape)
    with FlopCounterMode(display=False) as counter:
        assert net(x).shape == features
    # two operations each; the heads' are below the last digit
    assert counter.get_total_flops() / 2e9 == pytest.approx(giga, abs=5e-4)
    assert net.feature_size(shape[3:]) == features[3:]


@pytest.mark.parametrize('num_frames', [1, 2, 5])
@pytest.mark.parametrize('in_channels', [3, 25])
def test_any_number_of_frames_and_keypoints(num_frames, in_channels):
    net = XShiftNet(in_channels, **TINY)
    out = net(torch.randn(2, in_channels, num_frames, 21, 16))
    assert out.shape == (2, net.out_channels, num_frames, 3, 2)
    assert net.feature_size((21, 16)) == (3, 2)


def test_every_parameter_learns_once_the_blocks_have_left_their_shortcuts():
    torch.manual_seed(0)
    net = XShiftNet(**TINY)
    net.init_weights()
    x = torch.randn(2, 3, 4, 16, 16)
    weight = torch.randn(2, net.out_channels, 4, 2, 2)
    (net(x) * weight).sum().backward()
    still = {n for n, p in net.named_parameters() if not p.grad.abs().sum() > 0}
    last_norms = {n for n, _ in net.named_parameters() if 'project.1' in n}
    # the branches begin at zero, so at first only their last norms learn
    assert not still & last_norms
    assert all('stages' in name and 'shortcut' not in name for name in still)
    trained(net).zero_grad()
    (net(x) * weight).sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def test_blocks_start_as_their_shortcuts():
    torch.manual_seed(0)
    net = XShiftNet(**TINY).eval()
    net.init_weights()
    block = net.stages[0][1]
    x = torch.randn(1, 3, 8, 4, 4)
    torch.testing.assert_close(block(x), x.relu())


def test_clips_do_not_see_each_other():
    torch.manual_seed(0)
    net = trained(XShiftNet(**TINY)).double().eval()
    x = torch.randn(3, 3, 4, 16, 16, dtype=torch.float64)
    alone = torch.cat([net(clip[None]) for clip in x])
    torch.testing.assert_close(net(x), alone, rtol=0, atol=1e-12)


def test_checkpointing_changes_nothing():
    x = torch.randn(2, 3, 3, 16, 16)
    results = []
    for with_cp in (False, True):
        torch.manual_seed(0)
        net = XShiftNet(**TINY, with_cp=with_cp)
        out = net(x)
        out.square().mean().backward()
        buffers = dict(net.named_buffers())
        results.append([out, *(p.grad for p in net.parameters()), *buffers.values()])
    torch.testing.assert_close(results[1], results[0])


def test_memory_format_changes_nothing():
    torch.manual_seed(0)
    net = trained(XShiftNet(**TINY)).eval()
    x = torch.randn(2, 3, 3, 16, 16)
    plain = net(x)
    net = net.to(memory_format=torch.channels_last)
    rows = x.permute(0, 2, 3, 4, 1).contiguous().permute(0, 4, 1, 2, 3)
    last = net(rows)
    torch.testing.assert_close(last, plain, rtol=1e-4, atol=1e-5)
    # the memory of the features is (N, T, h, w, C)
    assert last.permute(0, 2, 3, 4, 1).is_contiguous()


def test_stages_from_the_image_on_hold_every_parameter():
    net = XShiftNet(**TINY)
    stages = net.stage_modules()
    assert list(stages) == ['stem', 'blocks.0', 'blocks.1', 'blocks.2', 'neck']
    held = [p for modules in stages.values() for m in modules for p in m.parameters()]
    assert set(map(id, held)) == set(map(id, net.parameters()))


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'in_channels': 0}, 'in_channels'),
        ({'depths': ()}, r'depths must be numbers >= 1.*got \(\)'),
        ({'depths': (1, 0)}, r'depths must be numbers >= 1.*got \(1, 0\)'),
        ({'stem_stride': 3}, 'stem_stride must be 1 or 2, got 3'),
        ({'shift_div': 1}, 'shift_div must be >= 2, .* got 1'),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build({'type': 'XShiftNet', **settings})
