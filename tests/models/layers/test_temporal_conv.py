"""Expected values: torch's Conv3d and ConvTranspose3d."""

import pytest
import torch
from torch.nn import functional as F

from ocec.models.layers import TemporalConv2d, TemporalDeconv2d


@pytest.mark.parametrize(('kernel_size', 'stride'), [(3, 1), (7, 4), (7, 1), (1, 2)])
def test_conv_equals_conv3d(kernel_size, stride):
    torch.manual_seed(0)
    layer = TemporalConv2d(3, 5, kernel_size, stride=stride).double()
    x = torch.randn(2, 8, 3, 4, 6, dtype=torch.float64)
    expected = F.conv3d(
        x.transpose(1, 2),
        layer.weight[..., None],
        stride=(stride, 1, 1),
        padding=(kernel_size // 2, 0, 0),
    )
    found = layer(x)
    assert found.shape == (2, -(-8 // stride), 5, 4, 6)
    torch.testing.assert_close(found, expected.transpose(1, 2), rtol=0, atol=1e-12)


@pytest.mark.parametrize(('kernel_size', 'stride'), [(7, 4), (3, 2), (3, 1)])
def test_deconv_equals_conv_transpose3d(kernel_size, stride):
    torch.manual_seed(0)
    layer = TemporalDeconv2d(3, 5, kernel_size, stride=stride).double()
    x = torch.randn(2, 4, 3, 2, 6, dtype=torch.float64)
    expected = F.conv_transpose3d(
        x.transpose(1, 2),
        layer.weight[..., None],
        stride=(stride, 1, 1),
        padding=(kernel_size // 2, 0, 0),
        output_padding=(stride - 1, 0, 0),
    )
    found = layer(x)
    assert found.shape == (2, 4 * stride, 5, 2, 6)
    torch.testing.assert_close(found, expected.transpose(1, 2), rtol=0, atol=1e-12)
