import torch
from torch import nn

from ocec.models.layers import FeatureAttention


def test_formula():
    torch.manual_seed(0)
    layer, x = FeatureAttention(8), torch.randn(3, 8) * 4 + 1
    normed = nn.functional.layer_norm(x, (8,))
    first, _, second, _ = layer.gate
    hidden = normed @ first.weight.T + first.bias
    # the exact GELU: x times the normal distribution function
    hidden = hidden * 0.5 * (1 + torch.erf(hidden / 2**0.5))
    gate = torch.sigmoid(hidden @ second.weight.T + second.bias)
    expected = nn.functional.layer_norm(normed * gate + x, (8,))
    assert hidden.shape == (3, 2)
    torch.testing.assert_close(layer(x), expected)


def test_parameters():
    # two norms, 256 -> 64 and back with biases
    total = sum(p.numel() for p in FeatureAttention(256).parameters())
    assert total == 2 * 2 * 256 + (256 * 64 + 64) + (64 * 256 + 256) == 34_112
