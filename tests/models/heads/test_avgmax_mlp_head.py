import pytest
import torch
from torch import nn

from ocec.models.heads import AvgMaxMLPHead


@pytest.mark.parametrize(
    # of the reference table: 32 channels x 4 blocks, 64 x 4, 64 x 8
    ('in_channels', 'expected'),
    [(64, 8_577), (128, 33_537), (512, 527_361), (8, 16 * 2 + 16 * 16 + 16 + 17)],
)
def test_parameters(in_channels, expected):
    head = AvgMaxMLPHead(in_channels)
    assert sum(p.numel() for p in head.parameters()) == expected


def test_the_embedding_by_hand():
    torch.manual_seed(0)
    head = AvgMaxMLPHead(2).eval()
    feat = torch.tensor([[[[3.0, 7.0]], [[1.0, -5.0]]]])  # (1, 2, 1, 2)
    pooled = torch.tensor([[5.0, -2.0, 7.0, 1.0]])  # means, then maxima
    linear = head.mlp[2]
    scaled = pooled / (1 + head.mlp[0].eps) ** 0.5  # running mean 0, variance 1
    expected = (scaled @ linear.weight.T + linear.bias).clamp(min=0)
    torch.testing.assert_close(head.embed((feat,)), expected)
    assert head.embedding_channels == 16
    logit = expected @ head.fc.weight[0] + head.fc.bias
    torch.testing.assert_close(head((feat,)), logit)


def test_dropout_acts_in_training_only():
    torch.manual_seed(0)
    head, feat = AvgMaxMLPHead(16, dropout=0.5), torch.randn(8, 16, 2, 2)
    assert not torch.equal(head((feat,)), head((feat,)))
    head.eval()
    assert torch.equal(head((feat,)), head((feat,)))
    probabilities = [m.p for m in head.modules() if isinstance(m, nn.Dropout)]
    assert probabilities == [0.5, 0.5]
