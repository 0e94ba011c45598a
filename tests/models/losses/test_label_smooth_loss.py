import pytest
import torch
from torch import nn

from ocec.models.losses import LabelSmoothLoss


def test_two_logits_equal_torch():
    torch.manual_seed(0)
    logits, targets = torch.randn(20, 2) * 3, torch.arange(20) % 2
    reference = nn.CrossEntropyLoss(label_smoothing=0.1, reduction='none')
    torch.testing.assert_close(
        LabelSmoothLoss(0.1)(logits, targets), reference(logits, targets)
    )


def test_smoothing_out_of_range_is_named():
    with pytest.raises(
        ValueError, match=r'label_smooth_val must be in \[0, 1\), got 2'
    ):
        LabelSmoothLoss(2)
