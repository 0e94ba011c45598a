import pytest
import torch
from torch import nn

from ocec.models.heads.pair_head import PairHead
from ocec.models.losses import BCELoss, FocalLoss
from ocec.structures import BatchTargets, PairTargets


class Difference(PairHead):
    """The sum of the left features less that of the right ones."""

    def embed(self, left_BD, right_BD):
        return left_BD - right_BD

    def logits(self, embedding_BE):
        return embedding_BE.sum(dim=1)


class TwoLogitLoss(nn.Module):
    num_classes = 2


def features(num_pairs=4, dim=3):
    return torch.randn(2, num_pairs, dim, generator=torch.Generator().manual_seed(0))


def make_targets(digits):
    ids = torch.arange(len(digits))
    return PairTargets(
        label_B=ids % 2, sample_id_B=ids, group_id_B=ids, digit_B2=torch.tensor(digits)
    )


def test_logits_follow_the_embedding():
    left, right = features()
    expected = (left - right).sum(dim=1)
    torch.testing.assert_close(Difference(3)(left, right), expected)


def test_without_a_digit_loss_there_is_no_layer_for_it():
    assert list(Difference(3).parameters()) == []
    assert Difference(3).log_values() == {}
    assert isinstance(Difference(3).loss_module, BCELoss)
    assert Difference(3, loss=FocalLoss()).loss_module.gamma == 2.0


def test_digit_loss_is_the_weighted_mean_over_known_digits():
    torch.manual_seed(0)
    head, (left, right) = Difference(3, digit_loss_weight=0.5), features()
    digits = [[3, -1], [0, 9], [-1, -1], [5, 4]]
    loss = head.digit_loss(left, right, make_targets(digits))
    terms = []
    for row, pair in enumerate(digits):
        for feats, digit in zip((left, right), pair, strict=True):
            if digit >= 0:
                logits = head.digit_fc.weight @ feats[row] + head.digit_fc.bias
                terms.append(-logits.log_softmax(dim=0)[digit])
    assert len(terms) == 5
    torch.testing.assert_close(loss, 0.5 * sum(terms) / 5)


def test_no_known_digit_costs_nothing_and_leaves_no_parameter_out():
    head, (left, right) = Difference(3, digit_loss_weight=1.0), features(2)
    loss = head.digit_loss(left, right, make_targets([[-1, -1], [-1, -1]]))
    loss.backward()
    assert loss == 0
    # a parameter without gradient would stop plain DDP
    assert all((p.grad == 0).all() for p in head.parameters())


def test_targets_without_digits_are_refused():
    head, (left, right), ids = (
        Difference(3, digit_loss_weight=0.5),
        features(),
        (torch.arange(4)),
    )
    message = r'digit_loss_weight=0.5 needs to know the digits.*digit_loss_weight=0'
    for kind in (BatchTargets, PairTargets):
        with pytest.raises(ValueError, match=message):
            head.digit_loss(left, right, kind(ids % 2, ids, ids))


@pytest.mark.parametrize(
    'loss', [TwoLogitLoss(), {'type': 'mmpretrain.CrossEntropyLoss'}]
)
def test_a_loss_of_two_logits_is_refused(loss):
    with pytest.raises(ValueError, match='Difference gives one logit per pair, .* two'):
        Difference(3, loss=loss)


def test_a_negative_weight_is_named():
    with pytest.raises(ValueError, match='digit_loss_weight must be >= 0, got -1'):
        Difference(3, digit_loss_weight=-1)


def test_weights_start_as_documented():
    torch.manual_seed(0)
    head = Difference(512, digit_loss_weight=1.0)
    head.norm = nn.BatchNorm1d(4)
    head.no_bias = nn.Linear(4, 1, bias=False)
    for parameter in head.parameters():
        nn.init.constant_(parameter, 9.0)
    head.init_weights()
    bound = (6 / (512 + 10)) ** 0.5
    assert 0.95 * bound < head.digit_fc.weight.abs().max().item() <= bound
    assert (head.digit_fc.bias == 0).all()
    assert (head.norm.weight == 1).all()
    assert (head.norm.bias == 0).all()
    assert not (head.no_bias.weight == 9).any()
