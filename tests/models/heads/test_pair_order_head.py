import pytest
import torch
from torch import nn

from ocec.functional.order_rule import order_log_weights, order_logit
from ocec.models.heads import OrderPairHead
from ocec.structures import PairTargets


def make_head(**kwargs):
    torch.manual_seed(0)
    head = OrderPairHead(8, **kwargs)
    head.init_weights()
    return head


def features(num_pairs=64, dim=8):
    return torch.randn(2, num_pairs, dim, generator=torch.Generator().manual_seed(0))


def test_logit_is_the_rule_on_the_posteriors():
    head, (a, b) = make_head(adjacency=0.5), features()
    posteriors = [(x @ head.digit_fc.weight.T).log_softmax(dim=1) for x in (a, b)]
    torch.testing.assert_close(head.embed(a, b), torch.cat(posteriors, dim=1))
    expected = order_logit(*posteriors, order_log_weights(0.5))
    torch.testing.assert_close(head(a, b), expected, rtol=1e-4, atol=1e-5)


def test_swapped_sides_flip_the_sign_in_training_too():
    head, (a, b) = make_head(), features()
    nn.init.normal_(head.offset_T)
    for mode in (True, False):
        head.train(mode)
        torch.testing.assert_close(head(a, b), -head(b, a), rtol=0, atol=1e-6)


def test_the_matrix_is_antisymmetric_and_positive_below():
    head = make_head()
    nn.init.normal_(head.offset_T)
    matrix = head.order_matrix()
    assert torch.equal(matrix, -matrix.T)
    below = torch.ones(10, 10).tril(-1).bool()
    assert (matrix[below] > 0).all()
    # one logit from it: 2 artanh(p' W q / p' |W| q)
    a, b = features()
    p, q = head.embed(a, b).exp().chunk(2, dim=1)
    share = ((p @ matrix) * q).sum(1) / ((p @ matrix.abs()) * q).sum(1)
    torch.testing.assert_close(head(a, b), 2 * share.atanh(), rtol=1e-4, atol=1e-5)


def test_neighbours_weigh_more_by_the_prior():
    # P(8, 7) = 0.8 / 18 + 0.2 / 90, P(8, 5) = 0.2 / 90; 7 and 5 are as frequent
    matrix = make_head(adjacency=0.8).order_matrix()
    assert (matrix[8, 7] / matrix[8, 5]).item() == pytest.approx(21.0, rel=1e-4)


def test_every_weight_gets_a_gradient():
    head, (a, b) = make_head(), features()
    head.loss_module(head(a, b), torch.arange(64) % 2).mean().backward()
    for name, parameter in head.named_parameters():
        assert (parameter.grad != 0).all(), name


def test_digits_are_learnt_where_they_are_known():
    head, (a, b) = make_head(digit_loss_weight=2.0), features(2)
    ids = torch.arange(2)
    targets = PairTargets(ids, ids, ids, digit_B2=torch.tensor([[3, 4], [-1, 9]]))
    left, right = head.embed(a, b).chunk(2, dim=1)
    expected = -2.0 * (left[0, 3] + right[0, 4] + right[1, 9]) / 3
    torch.testing.assert_close(head.digit_loss(a, b, targets), expected)


def test_without_a_digit_loss_it_still_reads_digits():
    head, (a, b) = make_head(digit_loss_weight=0.0), features()
    assert head.digit_loss_weight == 0
    assert head(a, b).shape == (64,)


def test_parameters():
    # 256 -> 10 with biases, 45 weights; the rule itself is no parameter
    head = OrderPairHead(256)
    assert sum(p.numel() for p in head.parameters()) == 2570 + 45
    assert 'rule_T' in head.state_dict()


def test_adjacency_out_of_range():
    with pytest.raises(ValueError, match=r'adjacency must be in \[0, 1\), got 1'):
        OrderPairHead(8, adjacency=1.0)
