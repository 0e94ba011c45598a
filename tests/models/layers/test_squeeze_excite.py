import pytest
import torch

from ocec.models.layers import SqueezeExcite


def test_gates_by_hand():
    torch.manual_seed(0)
    layer = SqueezeExcite(16, 8)
    x = torch.randn(3, 16, 4, 5)
    reduce, _, restore, _ = layer.gate
    means = x.flatten(2).mean(2)
    hidden = (means @ reduce.weight[:, :, 0, 0].T + reduce.bias).clamp(min=0)
    gates = 1 / (1 + torch.exp(-(hidden @ restore.weight[:, :, 0, 0].T + restore.bias)))
    torch.testing.assert_close(layer(x), x * gates[:, :, None, None])
    assert hidden.shape == (3, 2)


@pytest.mark.parametrize(
    ('channels', 'reduction', 'hidden'), [(64, 8, 8), (20, 8, 2), (4, 8, 1), (6, 1, 6)]
)
def test_parameters(channels, reduction, hidden):
    layer = SqueezeExcite(channels, reduction)
    total = 2 * channels * hidden + hidden + channels  # two matrices, two biases
    assert sum(p.numel() for p in layer.parameters()) == total


def test_without_biases():
    layer = SqueezeExcite(64, 16, bias=False)
    assert sum(p.numel() for p in layer.parameters()) == 2 * 64 * 4


def test_one_channel_acts_on_the_others():
    torch.manual_seed(0)
    layer = SqueezeExcite(8, 2)
    x = torch.randn(1, 8, 3, 3)
    other = x.clone()
    other[:, 0] += 5
    assert not torch.allclose(layer(x)[:, 1:], layer(other)[:, 1:])


def test_gradients_stay_channels_last():
    # one contiguous gradient of the mean would slow down all layers before it
    x = torch.randn(2, 8, 4, 6).to(memory_format=torch.channels_last).requires_grad_()
    y = x * 1
    y.register_hook(
        lambda grad: formats.append(
            grad.is_contiguous(memory_format=torch.channels_last)
        )
    )
    formats = []
    SqueezeExcite(8)(y).square().sum().backward()
    assert formats == [True]
