import math

import numpy as np
import pytest
import torch

from ocec.functional.classification import confusion_counts
from ocec.functional.probability import (
    CLASS_NAMES,
    CLOSED,
    OPEN,
    is_open,
    open_logit,
    prob_open,
)

LOGITS = [-3.0, -0.5, 0.0, 0.25, 7.0]


def test_class_names_stand_at_their_labels():
    assert (CLASS_NAMES[CLOSED], CLASS_NAMES[OPEN]) == ('closed', 'open')


def test_one_logit_is_the_sigmoid_by_hand():
    expected = torch.tensor([1 / (1 + math.exp(-x)) for x in LOGITS])
    torch.testing.assert_close(prob_open(torch.tensor(LOGITS)), expected)
    torch.testing.assert_close(prob_open(torch.tensor(LOGITS)[:, None]), expected)


def test_two_logits_are_the_softmax_of_open():
    logits = torch.randn(50, 2, generator=torch.Generator().manual_seed(0)) * 5
    torch.testing.assert_close(prob_open(logits), logits.softmax(1)[:, OPEN])


def test_two_logits_with_closed_at_zero_equal_one_logit():
    one = torch.tensor(LOGITS)
    two = torch.stack([torch.zeros_like(one), one], dim=1)
    assert torch.equal(prob_open(two), prob_open(one))


def test_the_open_logit_is_the_log_odds():
    logits = torch.tensor([[1.0, 3.5], [2.0, -1.0]])
    assert open_logit(logits).tolist() == [2.5, -3.0]
    assert open_logit(logits[:, OPEN]).tolist() == [3.5, -1.0]
    prob = prob_open(logits)
    torch.testing.assert_close((prob / (1 - prob)).log(), open_logit(logits))
    with pytest.raises(ValueError, match=r'shape \(B,\), \(B, 1\) or \(B, 2\), got'):
        open_logit(torch.zeros(2, 3))


@pytest.mark.parametrize('shape', [(2,), (2, 1), (2, 2)])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16])
def test_extreme_logits_stay_finite_and_float32(shape, dtype):
    logits = torch.tensor([60.0, -60.0], dtype=dtype).reshape(2, 1).expand(2, 2).clone()
    logits[:, CLOSED] = -logits[:, OPEN]
    logits = {(2,): logits[:, OPEN], (2, 1): logits[:, 1:], (2, 2): logits}[shape]
    logits.requires_grad_()
    prob = prob_open(logits)
    prob.sum().backward()
    assert prob.dtype == torch.float32
    assert prob.shape == (2,)
    torch.testing.assert_close(prob.detach(), torch.tensor([1.0, 0.0]))
    assert logits.grad.isfinite().all()


def test_half_logits_lose_nothing_after_the_cast():
    # sigmoid in float16 would round 0.99945 to a step of 2^-11
    logits = torch.tensor([7.5], dtype=torch.float16)
    assert prob_open(logits).item() == pytest.approx(1 / (1 + math.exp(-7.5)), abs=1e-7)


@pytest.mark.parametrize('shape', [(), (2, 3), (2, 1, 1), (2, 0)])
def test_other_shapes_are_refused(shape):
    text = str(shape).replace('(', r'\(').replace(')', r'\)')
    message = rf'shape \(B,\), \(B, 1\) or \(B, 2\), got {text}'
    with pytest.raises(ValueError, match=message):
        prob_open(torch.zeros(shape))


def test_the_threshold_itself_is_open():
    below = np.nextafter(np.float32(0.5), np.float32(0))
    prob = torch.tensor([0.5, below, 0.9])
    assert is_open(prob).tolist() == [True, False, True]
    assert is_open(prob, 0.9).tolist() == [False, False, True]


@pytest.mark.parametrize('threshold', [0.1, 0.3, 0.7])
def test_tensor_and_array_decide_alike_on_the_threshold(threshold):
    # float32(0.7) < 0.7 < ...: both must compare in float32
    prob = torch.tensor([threshold])
    counts = confusion_counts(prob.numpy(), np.array([OPEN]), threshold=threshold)
    assert is_open(prob, threshold).tolist() == [counts.tp == 1] == [True]
