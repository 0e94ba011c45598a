import math

import pytest
import torch
from torch import nn

from ocec.models.backbones import OCECBaseline
from ocec.models.heads import AvgHead
from ocec.models.losses import BCELoss


@pytest.mark.parametrize(
    ('base_channels', 'num_blocks', 'total'),
    # upstream's table: backbone and head together
    [(32, 4, 11_457), (48, 8, 312_481), (64, 8, 547_713)],
)
def test_parameters_with_the_backbone(base_channels, num_blocks, total):
    backbone = OCECBaseline(base_channels, num_blocks)
    head = AvgHead(backbone.out_channels)
    counted = [p.numel() for m in (backbone, head) for p in m.parameters()]
    assert sum(counted) == total


def test_logits_by_hand():
    head = AvgHead(2).eval()
    head.norm.running_mean.copy_(torch.tensor([1.0, 0.0]))
    head.norm.running_var.copy_(torch.tensor([4.0, 1.0]) - head.norm.eps)
    nn.init.constant_(head.norm.weight, 3.0)
    nn.init.constant_(head.norm.bias, 0.5)
    with torch.no_grad():
        head.fc.weight.copy_(torch.tensor([[1.0, -2.0]]))
        head.fc.bias.fill_(0.25)
    feat = torch.tensor([[[[3.0, 7.0]], [[1.0, 3.0]]]])  # (1, 2, 1, 2)
    # means 5 and 2; normed (5-1)/2*3+0.5 = 6.5 and 2*3+0.5 = 6.5; 6.5-13+0.25 = -6.25
    torch.testing.assert_close(head((feat,)), torch.tensor([-6.25]))


def test_the_last_map_counts():
    head = AvgHead(2).eval()
    first, last = torch.randn(3, 5, 4, 4), torch.randn(3, 2, 2, 2)
    assert head((first, last)).shape == (3,)
    assert torch.equal(head((first, last)), head((last,)))


def test_dropout_acts_in_training_only():
    torch.manual_seed(0)
    head, feat = AvgHead(16, dropout=0.5), torch.randn(8, 16, 2, 2)
    assert not torch.equal(head((feat,)), head((feat,)))
    head.eval()
    assert torch.equal(head((feat,)), head((feat,)))


def test_weights_start_as_documented():
    torch.manual_seed(0)
    head = AvgHead(512)
    for parameter in head.parameters():
        nn.init.constant_(parameter, 9.0)
    head.init_weights()
    # Xavier: uniform up to sqrt(6 / (fan in + fan out))
    bound = math.sqrt(6 / (512 + 1))
    assert 0.98 * bound < head.fc.weight.abs().max().item() <= bound
    # the standard deviation of a uniform number is its bound / sqrt(3)
    assert head.fc.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.1)
    assert head.fc.bias.item() == 0
    assert (head.norm.weight == 1).all()
    assert (head.norm.bias == 0).all()


def test_the_loss_is_bce_unless_given():
    assert AvgHead(2).loss_module.is_auto
    config = {'type': 'BCELoss', 'pos_weight': 2.0}
    assert AvgHead(2, loss=config).loss_module.pos_weight == 2.0
    assert config == {'type': 'BCELoss', 'pos_weight': 2.0}
    loss = BCELoss(3.0)
    assert AvgHead(2, loss=loss).loss_module is loss


@pytest.mark.parametrize('dropout', [-0.1, 1.0, float('nan')])
def test_dropout_out_of_range_is_named(dropout):
    with pytest.raises(
        ValueError, match=rf'dropout must be in \[0, 1\), got {dropout}'
    ):
        AvgHead(2, dropout=dropout)
