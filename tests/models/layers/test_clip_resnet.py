"""Expected values: the same layers as Conv3d."""

import pytest
import torch
from torch.nn import functional as F

from ocec.models.layers import ClipBottleneck, ClipResNet

TINY = {
    'depths': (1, 2),
    'base_channels': 4,
    'stem_stride': 1,
    'strides': (1, 2),
    'temporal': (False, True),
    'lateral_channels': (0, 3),
}


@pytest.mark.parametrize('is_temporal', [True, False])
@pytest.mark.parametrize(('c_in', 'stride'), [(8, 1), (6, 2)])
def test_bottleneck_equals_conv3d(is_temporal, c_in, stride):
    torch.manual_seed(0)
    block = ClipBottleneck(c_in, 2, stride=stride, is_temporal=is_temporal).double()
    x = torch.randn(2, 5, c_in, 6, 6, dtype=torch.float64)

    def norm(x, layer):
        return F.batch_norm(x, None, None, layer.weight, layer.bias, training=True)

    norm1, _, conv2, norm2, _, conv3, norm3 = block.branch
    z = x.transpose(1, 2)
    weight = block.reduce.weight
    weight = weight[..., None] if is_temporal else weight[:, :, None]
    out = F.conv3d(z, weight, padding=(weight.shape[2] // 2, 0, 0))
    out = norm(out, norm1).relu()
    step = (1, stride, stride)
    out = F.conv3d(out, conv2.weight[:, :, None], stride=step, padding=(0, 1, 1))
    out = norm(F.conv3d(norm(out, norm2).relu(), conv3.weight[:, :, None]), norm3)
    if c_in != 8 or stride != 1:
        conv, last = block.shortcut
        z = norm(F.conv3d(z, conv.weight[:, :, None], stride=step), last)
    expected = (out + z).relu().transpose(1, 2)
    torch.testing.assert_close(block(x), expected, rtol=0, atol=1e-12)


def test_shapes_with_channels_of_another_stream():
    net = ClipResNet(3, **TINY)
    x = net.run_stem(torch.randn(2, 3, 3, 8, 8))
    assert x.shape == (2, 3, 4, 8, 8)
    x = net.run_stage(0, x)
    assert x.shape == (2, 3, 16, 8, 8)
    x = net.run_stage(1, torch.cat((x, torch.zeros(2, 3, 3, 8, 8)), dim=2))
    assert x.shape == (2, 3, net.out_channels, 4, 4) == (2, 3, 32, 4, 4)


def test_stem_halves_twice_or_not_at_all():
    for stride, size in ((1, 16), (2, 4)):
        net = ClipResNet(3, **{**TINY, 'stem_stride': stride})
        assert net.run_stem(torch.randn(1, 2, 3, 16, 16)).shape[3:] == (size, size)


def test_checkpointing_changes_nothing():
    x, results = torch.randn(2, 3, 4, 8, 8), []
    for with_cp in (False, True):
        torch.manual_seed(0)
        net = ClipResNet(3, **TINY, with_cp=with_cp)
        out = net.run_stage(0, x)
        out.square().mean().backward()
        results.append([out, *(p.grad for p in net.stages[0].parameters())])
    torch.testing.assert_close(results[1], results[0])
