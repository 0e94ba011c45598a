import pytest
import torch

from ocec.functional.losses import smooth_focal_loss
from ocec.models.losses import SmoothFocalLoss
from ocec.registry import MODELS


def test_settings_reach_the_formula():
    logits, targets = torch.linspace(-4, 4, 20), torch.arange(20) % 2
    loss = SmoothFocalLoss(0.2, 3.0, pos_weight=2.0)(logits, targets)
    plain = smooth_focal_loss(logits, targets, smoothing=0.2, gamma=3.0)
    torch.testing.assert_close(loss, torch.where(targets == 1, 2 * plain, plain))


def test_defaults_are_those_of_the_pair_recipes():
    loss = MODELS.build({'type': 'SmoothFocalLoss'})
    # alpha 1, gamma 2, smoothing 0.1: ln 2 / 4 at chance, for both labels
    at_chance = loss(torch.zeros(2), torch.tensor([0, 1]))
    torch.testing.assert_close(at_chance, torch.tensor([0.17329, 0.17329]))


def test_arguments_out_of_range_are_named():
    with pytest.raises(ValueError, match=r'label_smooth_val must be in .*, got 1'):
        SmoothFocalLoss(1)
    with pytest.raises(ValueError, match='gamma must be 0 or >= 1 .*, got 0.5'):
        SmoothFocalLoss(gamma=0.5)
