import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ocec.models.layers import InvertedResidual


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


def silu(x):
    return x / (1 + torch.exp(-x))


@pytest.mark.parametrize(
    ('out_channels', 'stride', 'is_residual'),
    [(4, 1, True), (4, 2, False), (6, 1, False), (8, 2, False)],
)
def test_the_block_by_hand(out_channels, stride, is_residual):
    torch.manual_seed(0)
    block = randomise_norms(
        InvertedResidual(4, out_channels, stride=stride, expansion=3, se_reduction=2)
    )
    x = torch.randn(2, 4, 7, 10)
    wide = torch.einsum('oc,bchw->bohw', block.expand[0].weight[..., 0, 0], x)
    wide = silu(norm_by_hand(wide, block.expand[1]))
    kernels = block.depthwise[0].weight
    maps = [  # one convolution per channel
        F.conv2d(wide[:, c : c + 1], kernels[c : c + 1], stride=stride, padding=1)
        for c in range(12)
    ]
    hidden = silu(norm_by_hand(torch.cat(maps, dim=1), block.depthwise[1]))
    reduce, _, restore, _ = block.squeeze_excite.gate
    squeezed = (
        hidden.flatten(2).mean(2) @ reduce.weight[..., 0, 0].T + reduce.bias
    ).clamp(min=0)
    gates = torch.sigmoid(squeezed @ restore.weight[..., 0, 0].T + restore.bias)
    hidden = hidden * gates[:, :, None, None]
    mixed = torch.einsum('oc,bchw->bohw', block.project[0].weight[..., 0, 0], hidden)
    expected = norm_by_hand(mixed, block.project[1])
    if is_residual:
        expected = expected + x
    torch.testing.assert_close(block(x.clone()), silu(expected), rtol=1e-4, atol=1e-5)
    assert squeezed.shape == (2, 6)


@pytest.mark.parametrize('size', [(1, 1), (5, 6), (8, 16)])
def test_stride_two_halves_upwards(size):
    out = InvertedResidual(3, 5, stride=2)(torch.zeros(2, 3, *size))
    assert out.shape == (2, 5, -(-size[0] // 2), -(-size[1] // 2))


def test_no_parameter_beyond_the_table():
    # expand 4*16, norm 2*16; depthwise 9*16, norm 2*16; squeeze to 2: 2*16*2 + 2 + 16;
    # project 16*6, norm 2*6
    total = 64 + 32 + 144 + 32 + 64 + 2 + 16 + 96 + 12
    assert sum(p.numel() for p in InvertedResidual(4, 6).parameters()) == total


@pytest.mark.parametrize('stride', [1, 2])
def test_the_input_is_not_overwritten(stride):
    x = torch.randn(2, 4, 6, 6)
    before = x.clone()
    InvertedResidual(4, 4, stride=stride)(x)
    assert torch.equal(x, before)


def test_drop_path_skips_whole_images_in_training():
    torch.manual_seed(0)
    block = randomise_norms(InvertedResidual(4, 4, drop_path=0.5))
    x = torch.randn(64, 4, 3, 3)
    assert torch.equal(block(x), block(x))  # off in evaluation
    branch = block.project(block.squeeze_excite(block.depthwise(block.expand(x))))
    block.drop_path.train()
    out = block(x)
    is_skipped = torch.isclose(out, silu(x)).flatten(1).all(1)
    assert 16 < is_skipped.sum() < 48  # 32 +- 4 standard deviations
    # the others are scaled, so that the mean of the branch stays
    kept = silu(branch / (1 - 0.5) + x)
    torch.testing.assert_close(out[~is_skipped], kept[~is_skipped])


@pytest.mark.parametrize(('out_channels', 'stride'), [(4, 2), (6, 1)])
def test_drop_path_needs_an_identity(out_channels, stride):
    block = InvertedResidual(4, out_channels, stride=stride, drop_path=0.9)
    x = torch.randn(8, 4, 3, 3)
    assert torch.equal(block(x), block(x))
