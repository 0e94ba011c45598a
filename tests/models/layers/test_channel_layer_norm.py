import pytest
import torch
from torch import nn

from ocec.models.layers import ChannelLayerNorm


@pytest.mark.parametrize(
    'memory_format', [torch.contiguous_format, torch.channels_last]
)
def test_each_cell_is_normalised_over_its_channels(memory_format):
    torch.manual_seed(0)
    norm = ChannelLayerNorm(5)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = torch.randn(2, 5, 3, 4).to(memory_format=memory_format)
    out = norm(x)
    for b in range(2):
        for h in range(3):
            for w in range(4):
                cell = x[b, :, h, w]
                scale = (cell.var(correction=0) + 1e-6).sqrt()
                expected = (cell - cell.mean()) / scale * norm.weight + norm.bias
                torch.testing.assert_close(out[b, :, h, w], expected)


def test_it_is_no_group_norm():
    x = torch.randn(2, 5, 3, 4, generator=torch.Generator().manual_seed(0))
    one_group = nn.functional.group_norm(x, 1, eps=1e-6)
    assert (ChannelLayerNorm(5)(x) - one_group).abs().max() > 0.1


def test_eps_keeps_a_constant_cell_finite():
    out = ChannelLayerNorm(4)(torch.full((1, 4, 2, 2), 7.0))
    assert torch.equal(out, torch.zeros(1, 4, 2, 2))


def test_parameters_have_their_place():
    norm = ChannelLayerNorm(6)
    assert {name: p.shape for name, p in norm.named_parameters()} == {
        'weight': (6,),
        'bias': (6,),
    }


def test_channels_last_stays():
    x = torch.randn(2, 4, 6, 8).to(memory_format=torch.channels_last)
    assert ChannelLayerNorm(4)(x).is_contiguous(memory_format=torch.channels_last)
