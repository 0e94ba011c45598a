import pytest
import torch
from torch import nn

from ocec.models.layers import CBAM


def sigmoid(x):
    return 1 / (1 + torch.exp(-x))


def test_gates_by_hand():
    torch.manual_seed(0)
    layer = CBAM(8, 4, kernel_size=3)
    x = torch.randn(2, 8, 5, 4)
    first, _, second = layer.channel_net
    pooled = [x.flatten(2).mean(2), x.flatten(2).max(2).values]
    summed = sum((p @ first.weight.T).clamp(min=0) @ second.weight.T for p in pooled)
    x_gated = x * sigmoid(summed)[:, :, None, None]
    summary = torch.stack((x_gated.mean(1), x_gated.max(1).values), dim=1)
    expected = x_gated.clone()
    padded = nn.functional.pad(summary, (1, 1, 1, 1))
    for row in range(5):
        for column in range(4):
            patch = padded[:, :, row : row + 3, column : column + 3]
            score = (patch * layer.cell_conv.weight[0]).sum(dim=(1, 2, 3))
            expected[:, :, row, column] *= sigmoid(score)[:, None]
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize(('channels', 'hidden'), [(64, 4), (16, 1), (4, 1)])
def test_parameters(channels, hidden):
    # one shared net of two layers without biases, and 7x7 on two maps
    total = 2 * channels * hidden + 2 * 49
    assert sum(p.numel() for p in CBAM(channels).parameters()) == total


def test_every_weight_gets_a_gradient():
    torch.manual_seed(0)
    layer = CBAM(32)
    layer(torch.randn(4, 32, 7, 7)).square().mean().backward()
    assert all(p.grad.abs().sum() > 0 for p in layer.parameters())


def test_memory_format_changes_nothing():
    torch.manual_seed(0)
    layer, x = CBAM(16), torch.randn(2, 16, 6, 6)
    last = layer(x.to(memory_format=torch.channels_last))
    torch.testing.assert_close(last, layer(x))


def test_even_kernels_are_refused():
    with pytest.raises(ValueError, match='kernel_size must be odd, got 4'):
        CBAM(8, kernel_size=4)
