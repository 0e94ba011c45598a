import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ocec.models.layers import SeparableConv


def randomise_norms(module):
    """Give batch norms statistics and weights that do something."""
    generator = torch.Generator().manual_seed(7)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for tensor in (norm.weight.data, norm.bias.data, norm.running_mean):
                tensor.copy_(torch.randn(tensor.shape, generator=generator))
            norm.running_var.copy_(torch.rand(norm.num_features, generator=generator))
    return module.eval()


def norm_by_hand(x_BCHW, norm):
    mean, var, weight, bias = (
        values[:, None, None]
        for values in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    return (x_BCHW - mean) / torch.sqrt(var + norm.eps) * weight + bias


@pytest.mark.parametrize(
    ('out_channels', 'stride', 'is_residual'),
    [(4, 1, True), (4, 2, False), (6, 1, False), (8, 2, False)],
)
def test_the_block_by_hand(out_channels, stride, is_residual):
    block = randomise_norms(SeparableConv(4, out_channels, stride=stride))
    x = torch.randn(2, 4, 7, 10, generator=torch.Generator().manual_seed(0))
    kernels = block.depthwise[0].weight
    maps = [  # one convolution per channel
        F.conv2d(x[:, c : c + 1], kernels[c : c + 1], stride=stride, padding=1)
        for c in range(4)
    ]
    hidden = norm_by_hand(torch.cat(maps, dim=1), block.depthwise[1]).clamp(min=0)
    mixed = torch.einsum('oc,bchw->bohw', block.pointwise[0].weight[..., 0, 0], hidden)
    expected = norm_by_hand(mixed, block.pointwise[1])
    if is_residual:
        expected = expected + x
    torch.testing.assert_close(block(x.clone()), expected.clamp(min=0))


@pytest.mark.parametrize('size', [(1, 1), (5, 6), (8, 16)])
def test_stride_two_halves_upwards(size):
    out = SeparableConv(3, 5, stride=2)(torch.zeros(2, 3, *size))
    assert out.shape == (2, 5, -(-size[0] // 2), -(-size[1] // 2))


def test_no_parameter_beyond_the_table():
    # depthwise 9 * 4, norm 2 * 4, pointwise 4 * 6, norm 2 * 6; no biases
    assert sum(p.numel() for p in SeparableConv(4, 6).parameters()) == 36 + 8 + 24 + 12


@pytest.mark.parametrize('stride', [1, 2])
def test_the_input_is_not_overwritten(stride):
    # activations work in place, but on maps of their own
    x = torch.randn(2, 4, 6, 6)
    before = x.clone()
    SeparableConv(4, 4, stride=stride)(x)
    assert torch.equal(x, before)


def test_drop_path_skips_whole_images_in_training():
    torch.manual_seed(0)
    block = randomise_norms(SeparableConv(4, 4, drop_path=0.5))
    x = torch.rand(64, 4, 3, 3)  # >= 0: a skipped block returns its input
    without = SeparableConv(4, 4).eval()
    without.load_state_dict(block.state_dict())
    torch.testing.assert_close(block(x), without(x))  # off in evaluation
    branch = without.pointwise(without.depthwise(x))
    block.drop_path.train()
    out = block(x)
    is_skipped = (out == x).flatten(1).all(1)
    assert 16 < is_skipped.sum() < 48  # 32 +- 4 standard deviations
    # the others are scaled, so that the mean of the branch stays
    kept = torch.relu(branch / (1 - 0.5) + x)
    torch.testing.assert_close(out[~is_skipped], kept[~is_skipped])


@pytest.mark.parametrize(('out_channels', 'stride'), [(4, 2), (6, 1)])
def test_drop_path_needs_an_identity(out_channels, stride):
    block = SeparableConv(4, out_channels, stride=stride, drop_path=0.9)
    x = torch.rand(8, 4, 3, 3)
    assert torch.equal(block(x), block(x))
