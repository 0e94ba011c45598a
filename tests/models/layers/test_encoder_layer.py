import pytest
import torch
from torch import nn

from ocec.models.layers.encoder_layer import EncoderLayer, num_heads_of


@pytest.mark.parametrize(
    ('channels', 'heads'), [(64, 8), (96, 8), (90, 6), (7, 7), (11, 1), (1, 1)]
)
def test_heads_are_the_largest_divisor_up_to_eight(channels, heads):
    assert num_heads_of(channels) == heads


def copy_of_torch(layer, channels, ffn_channels, dropout=0.0):
    """torch's own layer with the weights of ours."""
    reference = nn.TransformerEncoderLayer(
        channels,
        layer.num_heads,
        ffn_channels,
        dropout=dropout,
        activation='gelu',
        batch_first=True,
        norm_first=True,
    )
    pairs = [
        (reference.norm1, layer.attention_norm),
        (reference.norm2, layer.ffn_norm),
        (reference.linear1, layer.ffn[0]),
        (reference.linear2, layer.ffn[3]),
        (reference.self_attn.out_proj, layer.projection),
    ]
    for theirs, ours in pairs:
        theirs.load_state_dict(ours.state_dict())
    with torch.no_grad():
        reference.self_attn.in_proj_weight.copy_(layer.qkv.weight)
        reference.self_attn.in_proj_bias.copy_(layer.qkv.bias)
    return reference


@pytest.mark.parametrize('is_training', [True, False])
def test_equals_torch_in_values_and_gradients(is_training):
    torch.manual_seed(0)
    layer = EncoderLayer(24, 40, dropout=0.0).train(is_training)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.5)
    reference = copy_of_torch(layer, 24, 40).train(is_training)
    x = torch.randn(3, 8, 24)
    ours, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
    torch.testing.assert_close(layer(ours), reference(theirs), rtol=1e-4, atol=1e-4)
    layer(ours).square().sum().backward()
    reference(theirs).square().sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-3, atol=1e-3)


def test_parameters_by_hand():
    # 3 C^2 + 3 C, C^2 + C, 2 C F + F + C, two norms of 2 C
    c, f = 64, 128
    expected = 4 * c * c + 4 * c + 2 * c * f + f + c + 4 * c
    layer = EncoderLayer(c, f, dropout=0.3)
    assert sum(p.numel() for p in layer.parameters()) == expected == 33_472


def test_tokens_have_no_order():
    torch.manual_seed(0)
    layer, x, order = EncoderLayer(8, 16, dropout=0.3).eval(), torch.randn(2, 6, 8), 0
    order = torch.randperm(6)
    torch.testing.assert_close(layer(x[:, order]), layer(x)[:, order])


def test_dropout_acts_in_training_only():
    torch.manual_seed(0)
    layer, x = EncoderLayer(8, 16, dropout=0.5), torch.randn(2, 6, 8)
    assert not torch.equal(layer(x), layer(x))
    layer.eval()
    assert torch.equal(layer(x), layer(x))
