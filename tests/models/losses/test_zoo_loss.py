import pytest
import torch
from torch import nn

from ocec.models.losses import BCELoss
from ocec.models.losses.zoo_loss import ZooLoss, takes_reduction
from ocec.registry import MODELS


def zoo(**config):
    return ZooLoss(MODELS.build(config))


def test_only_those_of_mmpretrain_are_recognised():
    assert takes_reduction(MODELS.build({'type': 'mmpretrain.CrossEntropyLoss'}))
    assert not takes_reduction(BCELoss())


def test_cross_entropy_per_image_equals_torch():
    torch.manual_seed(0)
    logits, targets = torch.randn(6, 2), torch.tensor([0, 1, 1, 0, 1, 0])
    loss = zoo(type='mmpretrain.CrossEntropyLoss')
    expected = nn.functional.cross_entropy(logits, targets, reduction='none')
    torch.testing.assert_close(loss(logits, targets), expected)


def test_soft_labels_become_shares_of_both_classes():
    torch.manual_seed(0)
    logits, share = torch.randn(6, 2), torch.rand(6)
    loss = zoo(type='mmpretrain.CrossEntropyLoss', use_soft=True)
    expected = nn.functional.cross_entropy(
        logits, torch.stack((1 - share, share), dim=1), reduction='none'
    )
    torch.testing.assert_close(loss(logits, share), expected)


def test_a_loss_per_class_is_summed():
    torch.manual_seed(0)
    logits, targets = torch.randn(6, 2), torch.tensor([0, 1, 1, 0, 1, 0])
    loss = zoo(type='mmpretrain.FocalLoss', gamma=2.0, alpha=0.25)
    assert loss(logits, nn.functional.one_hot(targets).float()[:, 1]).shape == (6,)


def test_one_logit_is_refused():
    message = (
        r'CrossEntropyLoss takes \(B, 2\) logits, got \(6,\): set '
        'model.head.num_classes=2'
    )
    with pytest.raises(ValueError, match=message):
        zoo(type='mmpretrain.CrossEntropyLoss')(torch.zeros(6), torch.zeros(6))
