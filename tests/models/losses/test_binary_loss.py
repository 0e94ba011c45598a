import pytest
import torch

from ocec.models.losses import (
    BCELoss,
    FocalLabelSmoothCE,
    FocalLoss,
    LabelSmoothLoss,
)
from ocec.models.losses.binary_loss import BinaryLoss, check_gamma, check_share

ALL = [BCELoss, FocalLabelSmoothCE, FocalLoss, LabelSmoothLoss]
LOSSES = pytest.mark.parametrize('loss_class', ALL)


class Logit(BinaryLoss):
    """Its loss is the logit itself."""

    def _per_image(self, logits_B, targets_B):
        return self._weighted(logits_B, targets_B)


def test_two_logits_are_reduced_to_their_difference():
    loss, targets = Logit(1.0), torch.zeros(2)
    assert loss(torch.tensor([[1.0, 4.0], [0.5, 0.0]]), targets).tolist() == [3.0, -0.5]
    assert loss(torch.tensor([[2.0], [3.0]]), targets).tolist() == [2.0, 3.0]


def test_the_weight_goes_by_the_share_of_open():
    loss = Logit(3.0)
    targets = torch.tensor([1.0, 0.0, 0.5])
    assert loss(torch.ones(3), targets).tolist() == [3.0, 1.0, 2.0]


@LOSSES
def test_one_and_two_logits_cost_the_same(loss_class):
    loss = loss_class(pos_weight=1.7)
    torch.manual_seed(0)
    pairs, targets = torch.randn(16, 2) * 3, torch.rand(16)
    one = loss(pairs[:, 1] - pairs[:, 0], targets)
    torch.testing.assert_close(loss(pairs, targets), one)
    assert one.shape == (16,)


@LOSSES
def test_every_loss_takes_soft_labels_and_a_weight(loss_class):
    logits = torch.tensor([0.7])
    plain, heavy = loss_class(pos_weight=1.0), loss_class(pos_weight=2.0)
    hard = torch.tensor([1])
    torch.testing.assert_close(heavy(logits, hard), 2 * plain(logits, hard))
    closed = torch.tensor([0])
    torch.testing.assert_close(heavy(logits, closed), plain(logits, closed))
    # a soft label near a hard one costs nearly the same
    torch.testing.assert_close(
        plain(logits, torch.tensor([0.9999])), plain(logits, hard), rtol=1e-2, atol=0
    )


@LOSSES
def test_a_better_answer_costs_less(loss_class):
    loss = loss_class(pos_weight=1.0)
    costs = loss(torch.linspace(-2, 2, 9), torch.ones(9))
    assert (costs.diff() < 0).all()


@LOSSES
def test_auto_takes_the_counts(loss_class):
    loss = loss_class(pos_weight='auto')
    with pytest.raises(RuntimeError, match='needs the class counts'):
        loss(torch.zeros(1), torch.ones(1))
    assert loss.set_class_counts(30, 20) == 1.5
    fixed = loss_class(pos_weight=1.5)
    logits, targets = torch.randn(4), torch.tensor([0, 1, 1, 0])
    assert torch.equal(loss(logits, targets), fixed(logits, targets))


@LOSSES
def test_other_weights_are_refused(loss_class):
    with pytest.raises(ValueError, match="finite and > 0, or 'auto', got -1"):
        loss_class(pos_weight=-1)


@pytest.mark.parametrize('value', [-0.1, 1.0, float('nan')])
def test_a_share_out_of_range_is_named(value):
    with pytest.raises(ValueError, match=rf'eps must be in \[0, 1\), got {value}'):
        check_share(value, 'eps')
    check_share(0, 'eps')


@pytest.mark.parametrize('gamma', [-1, 0.5, float('nan')])
def test_an_exponent_out_of_range_is_named(gamma):
    message = (
        r'gamma must be 0 or >= 1 \(in between the gradient is infinite where the '
        rf'model is right\), got {gamma}'
    )
    with pytest.raises(ValueError, match=message):
        check_gamma(gamma)
    check_gamma(0)
    check_gamma(1)
