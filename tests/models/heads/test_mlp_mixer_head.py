import pytest
import torch

from ocec.models.heads import MLPMixerHead


@pytest.mark.parametrize(
    # of the reference table: totals of convnext with this head, less its backbone
    ('in_channels', 'expected'),
    [(64, 137_425 - 103_008), (96, 298_017 - 222_096), (128, 520_049 - 386_240)],
)
def test_parameters(in_channels, expected):
    head = MLPMixerHead(in_channels, feature_size=(4, 8))
    assert sum(p.numel() for p in head.parameters()) == expected


def test_the_order_of_tokens_matters():
    torch.manual_seed(0)
    head, feat = MLPMixerHead(16, feature_size=(4, 8)).eval(), torch.randn(2, 16, 4, 8)
    assert not torch.allclose(head((feat,)), head((feat.flip(3),)))


def test_number_of_layers_out_of_range_is_named():
    with pytest.raises(ValueError, match='num_layers must be >= 1, got -1'):
        MLPMixerHead(16, feature_size=(4, 8), num_layers=-1)
