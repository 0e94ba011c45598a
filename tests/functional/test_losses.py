import math

import pytest
import torch
from torch import nn
from torchvision.ops import sigmoid_focal_loss

from ocec.functional.losses import (
    binary_cross_entropy,
    focal_label_smooth_ce,
    focal_loss,
    positive_weight,
    smooth_focal_loss,
    smooth_labels,
)

# L = -(w y log p + (1 - y) log(1 - p))
CASES = [
    # logit, target, weight, loss; p = sigmoid(0) = 1/2, sigmoid(ln 3) = 3/4
    (0.0, 1.0, 1.0, math.log(2)),
    (0.0, 1.0, 3.0, 3 * math.log(2)),
    (0.0, 0.0, 3.0, math.log(2)),
    (math.log(3), 1.0, 2.0, 2 * math.log(4 / 3)),
    (math.log(3), 0.0, 2.0, math.log(4)),
    # half open: 0.5 * (2 * log(4/3)) + 0.5 * log 4
    (math.log(3), 0.5, 2.0, math.log(4 / 3) + 0.5 * math.log(4)),
]


@pytest.mark.parametrize(('logit', 'target', 'weight', 'expected'), CASES)
def test_loss_by_hand(logit, target, weight, expected):
    loss = binary_cross_entropy(
        torch.tensor([logit]), torch.tensor([target]), pos_weight=weight
    )
    torch.testing.assert_close(loss, torch.tensor([expected]))


def test_mean_equals_torch():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(64, generator=generator) * 4
    targets = torch.randint(0, 2, (64,), generator=generator)
    loss = binary_cross_entropy(logits, targets, pos_weight=torch.tensor(0.7))
    reference = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(0.7))
    torch.testing.assert_close(loss.mean(), reference(logits, targets.float()))


@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize('logit', [60.0, -60.0])
@pytest.mark.parametrize('target', [0.0, 1.0])
def test_extreme_logits_give_the_margin_and_a_bounded_gradient(dtype, logit, target):
    logits = torch.tensor([logit], dtype=dtype, requires_grad=True)
    loss = binary_cross_entropy(logits, torch.tensor([target]))
    loss.sum().backward()
    # -log sigmoid(-60) = 60 + log1p(exp(-60)); the right answer costs nothing
    wrong = (logit > 0) != bool(target)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(60.0 if wrong else 0.0, abs=1e-6)
    # dL/dx = p - y
    sign = math.copysign(1.0, logit)
    assert logits.grad.item() == pytest.approx(sign if wrong else 0.0, abs=1e-6)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_logits_lose_nothing_after_the_cast(dtype):
    # log sigmoid in bfloat16 would be off by up to 0.015
    logits, targets = torch.linspace(-8, 8, 50).to(dtype), torch.ones(50)
    expected = nn.functional.softplus(-logits.double()).float()
    torch.testing.assert_close(binary_cross_entropy(logits, targets), expected)


def test_each_image_keeps_its_loss_when_the_batch_is_shuffled():
    generator = torch.Generator().manual_seed(1)
    logits, targets = torch.randn(20, generator=generator), torch.arange(20) % 2
    order = torch.randperm(20, generator=generator)
    loss = binary_cross_entropy(logits, targets, pos_weight=2.0)
    shuffled = binary_cross_entropy(logits[order], targets[order], pos_weight=2.0)
    assert torch.equal(shuffled, loss[order])


def test_both_shapes_are_shown():
    with pytest.raises(ValueError, match=r'one shape, got \(2, 1\) and \(2,\)'):
        binary_cross_entropy(torch.zeros(2, 1), torch.zeros(2))


def test_positive_weight_gives_both_classes_one_total_weight():
    # 30 closed at weight 1 weigh as much as 20 open at weight 1.5
    assert positive_weight(30, 20) == 1.5
    assert positive_weight(30, 20) * 20 == 30


@pytest.mark.parametrize('counts', [(0, 5), (5, 0), (0, 0)])
def test_a_missing_class_cannot_be_balanced(counts):
    assert positive_weight(*counts) == 1.0


@pytest.mark.parametrize('counts', [(-1, 5), (5, -1)])
def test_negative_counts_are_refused(counts):
    message = f'counts must be >= 0, got {counts[0]} and {counts[1]}'
    with pytest.raises(ValueError, match=message):
        positive_weight(*counts)


def random_logits(num=64, scale=4):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(num, generator=generator) * scale
    return logits, torch.randint(0, 2, (num,), generator=generator)


def test_smoothed_labels_equal_torch():
    logits, targets = random_logits()
    pairs = torch.stack((-logits / 2, logits / 2), dim=1)
    expected = nn.functional.cross_entropy(
        pairs, targets, label_smoothing=0.2, reduction='none'
    )
    smooth = smooth_labels(targets, 0.2)
    torch.testing.assert_close(binary_cross_entropy(logits, smooth), expected)


@pytest.mark.parametrize('gamma', [0.0, 1.0, 2.0, 3.5])
def test_focal_loss_equals_torchvision(gamma):
    logits, targets = random_logits()
    expected = sigmoid_focal_loss(logits, targets.float(), alpha=-1, gamma=gamma)
    torch.testing.assert_close(focal_loss(logits, targets, gamma=gamma), expected)


def test_focal_loss_of_a_soft_label_by_hand():
    # p = 3/4, y = 1/2: p_t = 1/2, CE = -(log(3/4) + log(1/4)) / 2
    loss = focal_loss(torch.tensor([math.log(3)]), torch.tensor([0.5]), gamma=2.0)
    expected = 0.25 * -(math.log(0.75) + math.log(0.25)) / 2
    assert loss.item() == pytest.approx(expected)


def slow_focal_label_smooth_ce(logit, target, smoothing, gamma):
    """The formula of the guide, one image at a time, in double precision."""
    p_open = 1 / (1 + math.exp(-logit))
    p = [1 - p_open, p_open]
    q = [smoothing, smoothing]
    q[target] = 1 - smoothing
    ce = -sum(q[j] * math.log(p[j] + 1e-7) for j in (0, 1))
    return (1 - p[target]) ** gamma * ce


@pytest.mark.parametrize(('smoothing', 'gamma'), [(0.05, 2.0), (0.0, 0.0), (0.3, 1.5)])
def test_focal_label_smooth_ce_equals_a_slow_loop(smoothing, gamma):
    logits, targets = random_logits()
    loss = focal_label_smooth_ce(logits, targets, smoothing=smoothing, gamma=gamma)
    expected = [
        slow_focal_label_smooth_ce(z, y, smoothing, gamma)
        for z, y in zip(logits.double().tolist(), targets.tolist(), strict=True)
    ]
    torch.testing.assert_close(loss, torch.tensor(expected), rtol=1e-4, atol=1e-6)


def test_focal_label_smooth_ce_of_a_soft_label_by_hand():
    # y = 1/2: q stays 1/2 each, p_t = 1/2 of p = 3/4
    loss = focal_label_smooth_ce(torch.tensor([math.log(3)]), torch.tensor([0.5]))
    expected = 0.25 * -(math.log(0.75) + math.log(0.25)) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize('function', [focal_loss, focal_label_smooth_ce])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16])
def test_focal_losses_have_finite_gradients_at_extreme_logits(function, dtype):
    values = [120.0, -120.0, 20.0, -20.0, 0.0]
    for gamma in (0.0, 1.0, 2.0):
        logits = torch.tensor(values, dtype=dtype, requires_grad=True)
        for target in (0, 1):
            function(logits, torch.full((5,), target), gamma=gamma).sum().backward()
        assert logits.grad.isfinite().all(), gamma


@pytest.mark.parametrize('function', [focal_loss, focal_label_smooth_ce])
def test_focal_losses_refuse_other_shapes(function):
    message = r'must have one shape, got \(3,\) and \(2,\)'
    with pytest.raises(ValueError, match=message):
        function(torch.zeros(3), torch.zeros(2))


# smooth focal loss


def test_smooth_focal_loss_by_hand():
    # 3/4 for label 1, smoothed to 0.95: CE = -(0.95 ln 3/4 + 0.05 ln 1/4)
    ce = -(0.95 * math.log(3 / 4) + 0.05 * math.log(1 / 4))
    loss = smooth_focal_loss(torch.tensor([math.log(3)]), torch.ones(1))
    assert loss.item() == pytest.approx((1 - math.exp(-ce)) ** 2 * ce, rel=1e-5)


def test_smooth_focal_loss_at_chance_and_at_its_floor():
    # at chance p_t = 1/2; the best answer is 0.95, where CE is the entropy of 0.95
    chance = smooth_focal_loss(torch.zeros(2), torch.tensor([0.0, 1.0]))
    assert chance.tolist() == pytest.approx([math.log(2) / 4] * 2)
    floor = smooth_focal_loss(torch.tensor([math.log(19)]), torch.ones(1))
    entropy = -(0.95 * math.log(0.95) + 0.05 * math.log(0.05))
    assert math.exp(-entropy) == pytest.approx(0.820, abs=5e-4)
    assert floor.item() == pytest.approx(0.0064, abs=5e-5)
    assert floor.item() == pytest.approx((1 - math.exp(-entropy)) ** 2 * entropy)


@pytest.mark.parametrize('gamma', [0.0, 1.0, 2.0])
def test_smooth_focal_loss_without_smoothing_is_the_focal_loss(gamma):
    logits = torch.linspace(-8, 8, 33).repeat(2)
    targets = torch.arange(66) % 2
    torch.testing.assert_close(
        smooth_focal_loss(logits, targets, smoothing=0.0, gamma=gamma),
        focal_loss(logits, targets, gamma=gamma),
    )


def test_smooth_focal_loss_has_finite_gradients_at_the_extremes():
    logits = torch.tensor([60.0, -60.0, 60.0, -60.0], requires_grad=True)
    targets = torch.tensor([1.0, 1.0, 0.0, 0.0])
    for smoothing in (0.0, 0.1):
        loss = smooth_focal_loss(logits, targets, smoothing=smoothing)
        (grad,) = torch.autograd.grad(loss.sum(), logits)
        assert loss.isfinite().all()
        assert grad.isfinite().all()
