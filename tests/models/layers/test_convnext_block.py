import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ocec.models.layers import ConvNeXtBlock


def norm_by_hand(x_BCHW, norm):
    mean = x_BCHW.mean(1, keepdim=True)
    var = x_BCHW.var(1, keepdim=True, correction=0)
    normed = (x_BCHW - mean) / torch.sqrt(var + 1e-6)
    return normed * norm.weight[:, None, None] + norm.bias[:, None, None]


def linear_by_hand(x_BCHW, linear):
    mixed = torch.einsum('oc,bchw->bohw', linear.weight, x_BCHW)
    return mixed + linear.bias[:, None, None]


def make_block(*args, **kwargs):
    """Return a block in which every parameter does something."""
    torch.manual_seed(0)
    block = ConvNeXtBlock(*args, **kwargs)
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.5)
    return block


@pytest.mark.parametrize(
    'memory_format', [torch.contiguous_format, torch.channels_last]
)
@pytest.mark.parametrize(('out_channels', 'stride'), [(4, 1), (8, 2), (4, 2)])
def test_the_block_by_hand(out_channels, stride, memory_format):
    block = make_block(4, out_channels, stride=stride, expansion=3)
    x = torch.randn(2, 4, 7, 10)
    identity = x
    if stride == 2:
        norm, conv = block.downsample
        # 2x2 cells side by side, the odd row is left out
        blocks = norm_by_hand(x, norm)[:, :, :6].unfold(2, 2, 2).unfold(3, 2, 2)
        identity = torch.einsum('bchwij,ocij->bohw', blocks, conv.weight)
        identity = identity + conv.bias[:, None, None]
    kernels = block.depthwise.weight
    maps = [  # one convolution per channel
        F.conv2d(identity[:, c : c + 1], kernels[c : c + 1], padding=3)
        for c in range(out_channels)
    ]
    branch = torch.cat(maps, dim=1) + block.depthwise.bias[:, None, None]
    branch = linear_by_hand(norm_by_hand(branch, block.norm), block.mlp[0])
    branch = branch * (1 + torch.erf(branch / math.sqrt(2))) / 2  # GELU
    branch = linear_by_hand(branch, block.mlp[2]) * block.gamma[:, None, None]
    out = block(x.to(memory_format=memory_format))
    torch.testing.assert_close(out, identity + branch, rtol=1e-4, atol=1e-4)


def test_it_starts_next_to_the_identity():
    torch.manual_seed(0)
    x = torch.randn(2, 8, 4, 8)
    distance = (ConvNeXtBlock(8, 8)(x) - x).abs().max().item()
    assert 0 < distance < 1e-5
    assert (ConvNeXtBlock(8, 8).gamma == 1e-6).all()
    assert (ConvNeXtBlock(8, 8, layer_scale_init=0.5).gamma == 0.5).all()


@pytest.mark.parametrize('size', [(2, 2), (5, 6), (8, 16)])
def test_stride_two_halves_downwards(size):
    out = ConvNeXtBlock(3, 5, stride=2)(torch.zeros(2, 3, *size))
    assert out.shape == (2, 5, size[0] // 2, size[1] // 2)


def test_no_parameter_beyond_the_table():
    # norm 2*4, 2x2 convolution 4*4*6 + 6; depthwise 49*6 + 6, norm 2*6,
    # linear 6*24 + 24 and 24*6 + 6, scale 6
    total = 8 + 96 + 6 + 294 + 6 + 12 + 144 + 24 + 144 + 6 + 6
    block = ConvNeXtBlock(4, 6, stride=2)
    assert sum(p.numel() for p in block.parameters()) == total


@pytest.mark.parametrize(('out_channels', 'stride'), [(4, 1), (6, 2)])
def test_drop_path_skips_whole_images_in_training(out_channels, stride):
    block = make_block(4, out_channels, stride=stride, drop_path=0.5).eval()
    x = torch.randn(64, 4, 4, 4)
    whole, identity = block(x), block.downsample(x)
    assert torch.equal(whole, block(x))  # off in evaluation
    out = block.train()(x)
    is_skipped = (out == identity).flatten(1).all(1)
    assert 16 < is_skipped.sum() < 48  # 32 +- 4 standard deviations
    # the others are scaled, so that the mean of the branch stays
    kept = identity + (whole - identity) / (1 - 0.5)
    torch.testing.assert_close(
        out[~is_skipped], kept[~is_skipped], rtol=1e-4, atol=1e-5
    )


def test_stride_one_keeps_the_channels():
    message = (
        'a ConvNeXtBlock of stride 1 keeps its channels, got in_channels=4, '
        'out_channels=8'
    )
    with pytest.raises(ValueError, match=message):
        ConvNeXtBlock(4, 8)
