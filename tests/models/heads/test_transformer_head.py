import pytest
import torch
from torch import nn

from ocec.models.heads import TransformerHead


@pytest.mark.parametrize(
    # of the reference table, convnext with 4 and 8 blocks
    ('in_channels', 'expected'),
    [(64, 67_137), (96, 149_857), (128, 265_345), (256, 1_054_977)],
)
def test_parameters(in_channels, expected):
    head = TransformerHead(in_channels, feature_size=(4, 8))
    assert sum(p.numel() for p in head.parameters()) == expected


def test_every_layer_acts():
    torch.manual_seed(0)
    feat = torch.randn(2, 16, 4, 8)
    head = TransformerHead(16, feature_size=(4, 8), num_layers=3).eval()
    assert len(head.layers) == 3
    before = head((feat,))
    for layer in head.layers:
        kept = layer.ffn[3].bias.detach().clone()
        nn.init.normal_(layer.ffn[3].bias)
        assert not torch.equal(head((feat,)), before)
        with torch.no_grad():
            layer.ffn[3].bias.copy_(kept)
    assert torch.equal(head((feat,)), before)


def test_the_feed_forward_net_has_at_least_128_units():
    widths = [
        TransformerHead(c, feature_size=(4, 8)).layers[0].ffn[0].out_features
        for c in (16, 64, 96)
    ]
    assert widths == [128, 128, 192]


def test_number_of_layers_out_of_range_is_named():
    with pytest.raises(ValueError, match='num_layers must be >= 1, got 0'):
        TransformerHead(16, feature_size=(4, 8), num_layers=0)
