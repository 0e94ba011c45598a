import math

import pytest
import torch
from torch import nn

from ocec.models.heads.base_head import BaseHead
from ocec.models.losses import BCELoss, LabelSmoothLoss

COSFACE = {'type': 'CosFace', 'm': 0.3, 's': 6.0, 's_val': 3.0}


class Identity(BaseHead):
    """Its embedding is the feature map, flattened."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{'dropout': 0.0, **kwargs})

    def embed(self, feats):
        return feats[-1].flatten(1)


def features(num_images=4, dim=3):
    generator = torch.Generator().manual_seed(0)
    return (torch.randn(num_images, dim, 1, 1, generator=generator),)


class TwoLogitLoss(nn.Module):
    num_classes = 2

    def forward(self, logits, targets):
        return logits.sum(1) * 0


@pytest.mark.parametrize(('num_classes', 'shape'), [(1, (4,)), (2, (4, 2))])
def test_logits_are_a_linear_map_of_the_embedding(num_classes, shape):
    head, feats = Identity(3, num_classes), features()
    expected = feats[0].flatten(1) @ head.fc.weight.T + head.fc.bias
    assert head(feats).shape == shape
    torch.testing.assert_close(head(feats).reshape(expected.shape), expected)


def test_the_loss_is_that_of_the_logits():
    head, feats = Identity(3, loss=BCELoss(2.0)), features()
    targets = torch.tensor([0, 1, 1, 0])
    expected = nn.functional.binary_cross_entropy_with_logits(
        head(feats),
        targets.float(),
        pos_weight=torch.tensor(2.0),
        reduction='none',
    )
    torch.testing.assert_close(head.loss(feats, targets), expected)


def test_a_margin_takes_the_place_of_the_linear_layer():
    head = Identity(3, margin=COSFACE, loss=BCELoss(1.0))
    assert head.fc is None
    assert [name for name, _ in head.named_parameters()] == ['margin.weight']
    assert head.num_logits == 2
    assert COSFACE == {'type': 'CosFace', 'm': 0.3, 's': 6.0, 's_val': 3.0}


def test_a_margin_acts_in_the_training_loss_only():
    head, feats = Identity(3, margin=COSFACE, loss=BCELoss(1.0)), features()
    targets = torch.tensor([0, 1, 1, 0])
    cosine = nn.functional.cosine_similarity(
        feats[0].flatten(1)[:, None], head.margin.weight[None], dim=2
    )
    torch.testing.assert_close(head(feats), 3 * cosine)
    lowered = cosine - 0.3 * nn.functional.one_hot(targets, 2)
    expected = nn.functional.cross_entropy(6 * lowered, targets, reduction='none')
    torch.testing.assert_close(head.loss(feats, targets), expected)
    head.eval()
    expected = nn.functional.cross_entropy(3 * cosine, targets, reduction='none')
    torch.testing.assert_close(head.loss(feats, targets), expected)


def test_a_loss_of_mmpretrain_is_wrapped():
    loss = {'type': 'mmpretrain.LabelSmoothLoss', 'label_smooth_val': 0.1}
    head, feats = Identity(3, 2, loss=loss), features()
    targets = torch.tensor([0, 1, 1, 0])
    ours = Identity(3, 2, loss=LabelSmoothLoss(0.1))
    ours.fc = head.fc
    torch.testing.assert_close(head.loss(feats, targets), ours.loss(feats, targets))


def test_weights_start_as_documented():
    torch.manual_seed(0)
    head = Identity(512, margin=COSFACE)
    head.norm, head.extra = nn.LayerNorm(4), nn.Linear(512, 64)
    for parameter in head.parameters():
        nn.init.constant_(parameter, 9.0)
    head.init_weights()
    for weight in (head.extra.weight, head.margin.weight):
        bound = math.sqrt(6 / sum(weight.shape))
        assert 0.95 * bound < weight.abs().max().item() <= bound
    assert (head.extra.bias == 0).all()
    assert (head.norm.weight == 1).all()
    assert (head.norm.bias == 0).all()


@pytest.mark.parametrize('num_classes', [0, 3])
def test_another_number_of_logits_is_refused(num_classes):
    message = (
        r'num_classes must be 1 \(one logit, the score of open\) or 2 \(closed and '
        rf'open\), got {num_classes}'
    )
    with pytest.raises(ValueError, match=message):
        Identity(3, num_classes)


def test_a_loss_for_another_number_of_logits_is_refused():
    message = 'Identity gives 1 logits per image, TwoLogitLoss takes 2'
    with pytest.raises(ValueError, match=message):
        Identity(3, 1, loss=TwoLogitLoss())
    message = 'Identity gives 1 logits per image, CrossEntropyLoss takes 2'
    with pytest.raises(ValueError, match=message):
        Identity(3, 1, loss={'type': 'mmpretrain.CrossEntropyLoss'})
    assert Identity(3, 2, loss=TwoLogitLoss()).num_logits == 2
    assert Identity(3, 1, margin=COSFACE, loss=TwoLogitLoss()).num_logits == 2
