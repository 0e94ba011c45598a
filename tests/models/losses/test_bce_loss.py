import math

import pytest
import torch
from torch import nn

from ocec.functional.losses import binary_cross_entropy
from ocec.models.losses import BCELoss

LN2 = math.log(2)


def test_loss_of_each_image_equals_torch():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(32, generator=generator) * 5
    targets = torch.randint(0, 2, (32,), generator=generator)
    reference = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(2.5), reduction='none')
    expected = reference(logits, targets.float())
    loss = BCELoss(2.5)
    torch.testing.assert_close(loss(logits, targets), expected)
    torch.testing.assert_close(loss(logits[:, None], targets), expected)


@pytest.mark.parametrize('pos_weight', ['auto', 1.0])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16])
def test_extreme_logits_in_any_precision(dtype, pos_weight):
    loss = BCELoss(pos_weight)
    loss.set_class_counts(10, 10)
    logits = torch.tensor([60.0, -60.0], dtype=dtype, requires_grad=True)
    losses = loss(logits, torch.tensor([0, 1]))
    losses.sum().backward()
    assert losses.dtype == torch.float32
    torch.testing.assert_close(losses.detach(), torch.tensor([60.0, 60.0]))
    assert logits.grad.tolist() == [1.0, -1.0]


def test_auto_takes_closed_over_open():
    loss = BCELoss('auto')
    assert loss.set_class_counts(30, 20) == pytest.approx(1.5)
    losses = loss(torch.zeros(2), torch.tensor([1, 0]))
    torch.testing.assert_close(losses, torch.tensor([1.5 * LN2, LN2]))


def test_auto_can_be_told_again():
    # fine-tuning: other data, other counts
    loss = BCELoss()
    loss.set_class_counts(30, 20)
    assert loss.set_class_counts(5, 20) == 0.25
    assert loss(torch.zeros(1), torch.ones(1)).item() == pytest.approx(LN2 / 4)


def test_a_fixed_weight_stays():
    loss = BCELoss(2)
    assert loss.set_class_counts(30, 20) == 2.0
    assert loss(torch.zeros(1), torch.ones(1)).item() == pytest.approx(2 * LN2)


def test_a_fixed_weight_comes_back_after_another_run_was_loaded():
    loss = BCELoss(1.0)
    loss.load_state_dict(BCELoss(4.0).state_dict())
    assert loss.set_class_counts(30, 20) == 1.0
    assert loss(torch.zeros(1), torch.ones(1)).item() == pytest.approx(LN2)


def test_auto_without_counts_is_refused_each_time():
    loss = BCELoss('auto')
    message = (
        "pos_weight='auto' needs the class counts of the train split: train with "
        r'tools/train.py, call set_class_counts\(closed, open\), or load a trained '
        'checkpoint'
    )
    for _ in range(2):
        with pytest.raises(RuntimeError, match=message):
            loss(torch.zeros(1), torch.ones(1))


def test_a_checkpoint_carries_the_weight():
    trained = BCELoss('auto')
    trained.set_class_counts(30, 20)
    loaded = BCELoss('auto')
    loaded.load_state_dict(trained.state_dict())
    torch.testing.assert_close(
        loaded(torch.zeros(2), torch.tensor([1, 0])),
        binary_cross_entropy(torch.zeros(2), torch.tensor([1.0, 0.0]), pos_weight=1.5),
    )


def test_each_image_keeps_its_loss_when_the_batch_is_shuffled():
    loss, order = BCELoss(2.0), torch.randperm(10)
    logits, targets = torch.randn(10), torch.arange(10) % 2
    assert torch.equal(
        loss(logits[order], targets[order]), loss(logits, targets)[order]
    )


@pytest.mark.parametrize(
    'pos_weight', [0, -1.0, float('nan'), float('inf'), 'automatic', None, [1.0]]
)
def test_other_weights_are_refused(pos_weight):
    with pytest.raises(ValueError, match='must be finite and > 0, or .auto') as caught:
        BCELoss(pos_weight)
    assert str(caught.value).endswith(f'got {pos_weight!r}')
