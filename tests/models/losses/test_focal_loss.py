import pytest
import torch
from torchvision.ops import sigmoid_focal_loss

from ocec.models.losses import FocalLoss


@pytest.mark.parametrize('alpha', [0.25, 0.5, 0.8])
def test_equals_torchvision_with_its_alpha(alpha):
    logits, targets = torch.linspace(-4, 4, 20), torch.arange(20) % 2
    expected = sigmoid_focal_loss(logits, targets.float(), alpha=alpha, gamma=2.0)
    # alpha and 1 - alpha are the weight and 1, up to 1 - alpha
    loss = FocalLoss(pos_weight=alpha / (1 - alpha))
    torch.testing.assert_close((1 - alpha) * loss(logits, targets), expected)


def test_gamma_out_of_range_is_named():
    with pytest.raises(ValueError, match='gamma must be 0 or >= 1 .*, got -0.5'):
        FocalLoss(-0.5)
