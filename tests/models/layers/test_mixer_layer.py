import torch
from torch import nn

from ocec.models.layers.mixer_layer import MixerLayer


def test_equals_a_slow_loop():
    torch.manual_seed(0)
    layer = MixerLayer(4, 6, dropout=0.3).eval()
    x = torch.randn(1, 4, 6)
    gelu, norm = nn.functional.gelu, nn.functional.layer_norm
    normed = norm(x[0], (6,), layer.token_norm.weight, layer.token_norm.bias)
    mixed = torch.empty(4, 6)
    for channel in range(6):  # the same net for every channel
        first, last = layer.token_mlp[0], layer.token_mlp[3]
        hidden = gelu(first.weight @ normed[:, channel] + first.bias)
        mixed[:, channel] = x[0, :, channel] + last.weight @ hidden + last.bias
    expected = torch.empty(4, 6)
    for token in range(4):
        first, last = layer.channel_mlp[0], layer.channel_mlp[3]
        normed = norm(mixed[token], (6,))  # weights start as identity
        hidden = gelu(first.weight @ normed + first.bias)
        expected[token] = mixed[token] + last.weight @ hidden + last.bias
    torch.testing.assert_close(layer(x)[0], expected)


def test_parameters_by_hand():
    # T (2T) + 2T + 2T T + T, the same of C, two norms of 2 C
    t, c = 8, 64
    expected = 4 * t * t + 3 * t + 4 * c * c + 3 * c + 4 * c
    layer = MixerLayer(t, c, dropout=0.0)
    assert sum(p.numel() for p in layer.parameters()) == expected == 17_112


def test_dropout_acts_in_training_only():
    torch.manual_seed(0)
    layer, x = MixerLayer(6, 8, dropout=0.5), torch.randn(2, 6, 8)
    assert not torch.equal(layer(x), layer(x))
    layer.eval()
    assert torch.equal(layer(x), layer(x))
