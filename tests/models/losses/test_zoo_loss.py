import pytest
import torch
from torch import nn

from ocec.models.losses import BCELoss
from ocec.models.losses.zoo_loss import ZooLoss, takes_reduction
from ocec.registry import MODELS

INSTEAD = 'one of BCELoss, FocalLoss, FocalLabelSmoothCE, LabelSmoothLoss'


def zoo(**config):
    return ZooLoss(MODELS.build(config))


def test_only_those_of_mmpretrain_are_recognised():
    assert takes_reduction(MODELS.build({'type': 'mmpretrain.CrossEntropyLoss'}))
    assert not takes_reduction(BCELoss())


@pytest.mark.parametrize('use_soft', [False, True])
@pytest.mark.parametrize('dtype', [torch.int64, torch.float32])
def test_cross_entropy_per_image_equals_torch(use_soft, dtype):
    torch.manual_seed(0)
    logits, targets = torch.randn(6, 2), torch.tensor([0, 1, 1, 0, 1, 0])
    loss = zoo(type='mmpretrain.CrossEntropyLoss', use_soft=use_soft)
    expected = nn.functional.cross_entropy(logits, targets, reduction='none')
    torch.testing.assert_close(loss(logits, targets.to(dtype)), expected)


@pytest.mark.parametrize('use_soft', [False, True])
def test_soft_labels_are_shares_of_both_classes(use_soft):
    torch.manual_seed(0)
    logits, share = torch.randn(6, 2), torch.rand(6)
    loss = zoo(type='mmpretrain.CrossEntropyLoss', use_soft=use_soft)
    expected = nn.functional.cross_entropy(
        logits, torch.stack((1 - share, share), dim=1), reduction='none'
    )
    torch.testing.assert_close(loss(logits, share), expected)


def test_label_smoothing_equals_torch():
    torch.manual_seed(0)
    logits, targets = torch.randn(6, 2), torch.tensor([0, 1, 1, 0, 1, 0])
    loss = zoo(type='mmpretrain.LabelSmoothLoss', label_smooth_val=0.1)
    expected = nn.functional.cross_entropy(
        logits, targets, label_smoothing=0.1, reduction='none'
    )
    torch.testing.assert_close(loss(logits, targets), expected)


@pytest.mark.parametrize(
    'config',
    [
        {'type': 'mmpretrain.FocalLoss'},
        {'type': 'mmpretrain.AsymmetricLoss'},
        {'type': 'mmpretrain.CrossEntropyLoss', 'use_sigmoid': True},
        {
            'type': 'mmpretrain.LabelSmoothLoss',
            'label_smooth_val': 0.1,
            'mode': 'multi_label',
            'use_sigmoid': True,
        },
    ],
)
def test_a_loss_that_trains_another_probability_is_refused(config):
    name = config['type']
    message = (
        f'{name} is no softmax loss as it is set: it would train another P.open. than '
        f'the one that is reported. Take {INSTEAD}, or leave out use_sigmoid'
    )
    with pytest.raises(ValueError, match=message):
        zoo(**config)


def test_a_loss_without_soft_labels_is_refused():
    message = rf'mmpretrain.SeesawLoss takes no soft labels of two classes .*{INSTEAD}'
    with pytest.raises(ValueError, match=f'(?s){message}'):
        zoo(type='mmpretrain.SeesawLoss', num_classes=2)


def test_one_logit_is_refused():
    message = (
        r'CrossEntropyLoss takes \(B, 2\) logits, got \(6,\): set '
        'model.head.num_classes=2'
    )
    with pytest.raises(ValueError, match=message):
        zoo(type='mmpretrain.CrossEntropyLoss')(torch.zeros(6), torch.zeros(6))
