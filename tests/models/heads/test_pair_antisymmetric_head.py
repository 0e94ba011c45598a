import pytest
import torch
from torch import nn

from ocec.models.heads import AntisymmetricPairHead


def make_head(**kwargs):
    torch.manual_seed(0)
    head = AntisymmetricPairHead(8, (16, 4), **kwargs)
    head.init_weights()
    return head


def features(num_pairs=32, dim=8):
    return torch.randn(2, num_pairs, dim, generator=torch.Generator().manual_seed(0))


def test_it_is_the_difference_of_one_net():
    head, (a, b) = make_head().eval(), features()

    def net(x, y):
        return head.fc(head.mlp(torch.cat((x, y), dim=1)))[:, 0] + 5.0  # any bias

    torch.testing.assert_close(head(a, b), net(a, b) - net(b, a), rtol=1e-5, atol=1e-5)


def test_swapped_sides_flip_the_sign():
    head, (a, b) = make_head().eval(), features()
    torch.testing.assert_close(head(a, b), -head(b, a), rtol=0, atol=1e-6)
    assert head(a, b).abs().min() > 1e-4
    # equal images: even odds
    torch.testing.assert_close(head(a, a), torch.zeros(32), rtol=0, atol=1e-6)


def test_in_training_batch_norm_sees_both_orders():
    # without dropout, swapping some pairs of the batch flips these, and no other
    head, (a, b) = make_head(dropout=(0.0, 0.0)).train(), features()
    swaps = (torch.arange(32) % 3 == 0)[:, None]
    swapped = head(torch.where(swaps, b, a), torch.where(swaps, a, b))
    sign = torch.where(swaps[:, 0], -1.0, 1.0)
    torch.testing.assert_close(swapped, sign * head(a, b), rtol=0, atol=2e-6)


def test_every_weight_gets_a_gradient():
    head, (a, b) = make_head(digit_loss_weight=0.0), features()
    head.loss_module(head(a, b), torch.arange(32) % 2).mean().backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


def test_parameters():
    # 512 -> 256 -> 128 with norms, and a last layer without a bias
    head = AntisymmetricPairHead(256)
    total = 256 * (512 + 3) + 128 * (256 + 3) + 128
    assert sum(p.numel() for p in head.parameters()) == total
    assert [m.p for m in head.modules() if isinstance(m, nn.Dropout)] == [0.4, 0.3]


def test_dropouts_must_match_the_layers():
    with pytest.raises(ValueError, match='got 1 widths and 2 dropouts'):
        AntisymmetricPairHead(8, (16,))
