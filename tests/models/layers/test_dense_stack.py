import pytest
import torch
from torch import nn

from ocec.models.layers import DenseStack
from ocec.models.layers.dense_stack import check_dropout


def test_layers_by_hand():
    torch.manual_seed(0)
    stack = DenseStack(5, (4, 3), (0.0, 0.0))
    x = torch.randn(6, 5)
    expected = x
    for linear in (stack.layers[0], stack.layers[4]):
        expected = expected @ linear.weight.T + linear.bias
        mean, var = expected.mean(0), expected.var(0, unbiased=False)
        expected = ((expected - mean) / (var + 1e-5).sqrt()).clamp(min=0)
    torch.testing.assert_close(stack(x), expected)
    assert stack.out_channels == 3


def test_parameters():
    # two linear layers of 256 with biases, and norms
    stack = DenseStack(256, (256, 256), (0.4, 0.3))
    assert sum(p.numel() for p in stack.parameters()) == 2 * (256 * 256 + 3 * 256)
    assert [m.p for m in stack.modules() if isinstance(m, nn.Dropout)] == [0.4, 0.3]


@pytest.mark.parametrize(('widths', 'dropouts'), [((4, 3), (0.1,)), ((), ())])
def test_one_dropout_per_layer(widths, dropouts):
    message = (
        f'one dropout per layer: got {len(widths)} widths and {len(dropouts)} dropouts'
    )
    with pytest.raises(ValueError, match=message):
        DenseStack(5, widths, dropouts)


@pytest.mark.parametrize('dropout', [-0.1, 1.0])
def test_dropout_out_of_range(dropout):
    with pytest.raises(
        ValueError, match=rf'dropout must be in \[0, 1\), got {dropout}'
    ):
        DenseStack(5, (4,), (dropout,))
    with pytest.raises(ValueError, match='dropout must be in'):
        check_dropout(dropout)
