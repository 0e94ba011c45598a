import math

import pytest
import torch

from ocec.models.losses import FocalLabelSmoothCE


def test_by_hand_with_the_settings_of_the_guide():
    # p = 3/4 open and it is open: (1/4)^2 * -(0.95 log 0.75 + 0.05 log 0.25)
    loss = FocalLabelSmoothCE()(torch.tensor([math.log(3)]), torch.tensor([1]))
    expected = (1 / 16) * -(0.95 * math.log(0.75) + 0.05 * math.log(0.25))
    assert loss.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'smoothing': 1.0}, r'smoothing must be in \[0, 1\), got 1.0'),
        ({'gamma': -1.0}, 'gamma must be 0 or >= 1 .*, got -1.0'),
    ],
)
def test_settings_out_of_range_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        FocalLabelSmoothCE(**settings)
