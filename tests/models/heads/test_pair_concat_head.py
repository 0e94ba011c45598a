import pytest
import torch

from ocec.models.heads import ConcatPairHead


def test_parameters():
    # 2 x 128 features, 256 hidden units, one logit
    total = sum(p.numel() for p in ConcatPairHead(128).parameters())
    assert total == 256 * 256 + 256 + 256 + 1 == 66_049


def test_logits_by_hand():
    torch.manual_seed(0)
    head = ConcatPairHead(3, 5).eval()
    left, right = torch.randn(2, 4, 3)
    linear = head.mlp[0]
    hidden = left @ linear.weight[:, :3].T + right @ linear.weight[:, 3:].T
    hidden = (hidden + linear.bias).clamp(min=0)
    torch.testing.assert_close(head.embed(left, right), hidden)
    expected = hidden @ head.fc.weight[0] + head.fc.bias
    torch.testing.assert_close(head(left, right), expected)


def test_it_sees_the_order():
    torch.manual_seed(0)
    head = ConcatPairHead(3).eval()
    left, right = torch.randn(2, 4, 3)
    assert not torch.allclose(head(left, right), head(right, left))


def test_dropout_out_of_range():
    with pytest.raises(ValueError, match=r'dropout must be in \[0, 1\), got 1'):
        ConcatPairHead(3, dropout=1)
