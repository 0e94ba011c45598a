import itertools

import pytest
import torch

from ocec.functional.digit_pairs import draw_digits
from ocec.functional.order_rule import (
    larger_and_smaller,
    order_log_weights,
    order_logit,
    pair_prior,
)


def log_posteriors(num_pairs=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(2, num_pairs, 10, generator=generator)
    return logits.log_softmax(dim=2).unbind()


def prior_by_hand(i, j, adjacency):
    """Neighbours among 18 ordered pairs, any among 90."""
    if i == j:
        return 0.0
    return adjacency * (abs(i - j) == 1) / 18 + (1 - adjacency) / 90


@pytest.mark.parametrize('adjacency', [0.0, 0.3, 0.8])
def test_prior_by_hand(adjacency):
    expected = torch.tensor(
        [[prior_by_hand(i, j, adjacency) for j in range(10)] for i in range(10)]
    )
    torch.testing.assert_close(pair_prior(adjacency), expected)
    assert pair_prior(adjacency).sum().item() == pytest.approx(1, abs=1e-6)


def test_prior_is_how_pairs_are_drawn():
    num_pairs = 90_000
    digit_B2 = draw_digits(
        torch.arange(num_pairs) % 2,
        adjacency=0.8,
        generator=torch.Generator().manual_seed(0),
    )
    counts = torch.zeros(10, 10)
    counts.index_put_(tuple(digit_B2.T), torch.ones(num_pairs), accumulate=True)
    expected = pair_prior(0.8) * num_pairs
    # Poisson: 5 standard deviations
    assert ((counts - expected).abs() <= 5 * expected.sqrt()).all()


def test_logit_is_the_rule_of_bayes():
    # images x, y of digits i, j: P(i, j | x, y) ~ p(x|i) p(y|j) P(i, j), and
    # p(x|i) ~ P(i|x) / P(i) with the share of i among the images
    log_left, log_right = log_posteriors()
    prior = pair_prior(0.8).double()
    share = prior.sum(dim=1)
    for left, right, logit in zip(
        log_left.double().exp(),
        log_right.double().exp(),
        order_logit(log_left, log_right, order_log_weights(0.8)),
        strict=True,
    ):
        larger = smaller = 0.0
        for i, j in itertools.product(range(10), repeat=2):
            joint = left[i] / share[i] * right[j] / share[j] * prior[i, j]
            larger += joint * (i > j)
            smaller += joint * (i < j)
        assert logit.item() == pytest.approx((larger / smaller).log().item(), abs=1e-4)


def test_logit_is_that_of_an_antisymmetric_matrix():
    (log_left, log_right), log_weight = log_posteriors(), torch.randn(45)
    larger, smaller = larger_and_smaller()
    matrix = torch.zeros(10, 10)
    matrix[larger, smaller] = log_weight.exp()
    matrix = matrix - matrix.T
    p, q = log_left.exp(), log_right.exp()
    share = ((p @ matrix) * q).sum(1) / ((p @ matrix.abs()) * q).sum(1)
    logit = order_logit(log_left, log_right, log_weight)
    torch.testing.assert_close(logit, 2 * share.atanh(), rtol=1e-4, atol=1e-5)


def test_swapped_sides_flip_the_sign_exactly():
    (log_left, log_right), log_weight = log_posteriors(100), torch.randn(45)
    forth = order_logit(log_left, log_right, log_weight)
    back = order_logit(log_right, log_left, log_weight)
    assert torch.equal(forth, -back)


def test_pairs_of_digits_are_all_once():
    larger, smaller = larger_and_smaller()
    assert len(set(zip(larger.tolist(), smaller.tolist(), strict=True))) == 45
    assert (larger > smaller).all()


def test_sure_posteriors_stay_finite():
    logits = torch.full((2, 1, 10), -90.0)
    logits[0, 0, 9] = logits[1, 0, 0] = 90.0
    left, right = logits.log_softmax(dim=2).requires_grad_()
    logit = order_logit(left, right, order_log_weights())
    (grad,) = torch.autograd.grad(logit.sum(), left)
    assert 100 < logit.item() < float('inf')
    assert grad.isfinite().all()


@pytest.mark.parametrize('adjacency', [-0.1, 1.0])
def test_adjacency_out_of_range(adjacency):
    message = rf'adjacency must be in \[0, 1\), got {adjacency}'
    with pytest.raises(ValueError, match=message):
        pair_prior(adjacency)
    with pytest.raises(ValueError, match=message):
        order_log_weights(adjacency)
