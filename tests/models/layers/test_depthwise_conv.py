import pytest
import torch
from torch.nn import functional as F

from ocec.models.layers.depthwise_conv import DepthwiseConv2d


def maps(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize('stride', [1, 2])
@pytest.mark.parametrize('kernel_size', [1, 3, 5])
@pytest.mark.parametrize('size', [(1, 1), (7, 10)])
def test_each_channel_has_its_own_kernel(stride, kernel_size, size):
    conv = DepthwiseConv2d(3, kernel_size, stride=stride)
    x = maps(2, 3, *size)
    out = conv(x)
    for c in range(3):
        expected = F.conv2d(
            x[:, c : c + 1],
            conv.weight[c : c + 1],
            stride=stride,
            padding=kernel_size // 2,
        )
        torch.testing.assert_close(out[:, c : c + 1], expected)
    assert out.shape[2:] == tuple(-(-n // stride) for n in size)


@pytest.mark.parametrize('stride', [1, 2])
def test_values_and_gradients_equal_a_grouped_convolution(stride):
    conv = DepthwiseConv2d(4, stride=stride)
    x, weight = maps(2, 4, 6, 9).requires_grad_(), conv.weight.detach().clone()
    weight.requires_grad_()
    expected = F.conv2d(x, weight, stride=stride, padding=1, groups=4)
    out = conv(x)
    torch.testing.assert_close(out, expected)
    cotangent = maps(*out.shape, seed=1)
    (grad_x,) = torch.autograd.grad(expected, x, cotangent, retain_graph=True)
    (grad_weight,) = torch.autograd.grad(expected, weight, cotangent)
    out_x, out_weight = torch.autograd.grad(out, (x, conv.weight), cotangent)
    torch.testing.assert_close(out_x, grad_x)
    torch.testing.assert_close(out_weight, grad_weight)


def test_strided_autocast_computes_in_float32():
    conv = DepthwiseConv2d(8, stride=2)
    x = maps(2, 8, 12, 16).bfloat16()  # what a convolution before it hands over
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = conv(x)
    assert out.dtype == torch.bfloat16
    exact = F.conv2d(x.float(), conv.weight, stride=2, padding=1, groups=8)
    # rounded once, at the end: bfloat16 has 8 significant bits
    assert torch.equal(out, exact.bfloat16())
    # weights rounded to bfloat16 would show
    rounded = F.conv2d(
        x.float(), conv.weight.bfloat16().float(), stride=2, padding=1, groups=8
    )
    assert not torch.equal(out, rounded.bfloat16())


def test_strided_autocast_trains_its_float32_weights():
    conv = DepthwiseConv2d(8, stride=2)
    x = maps(2, 8, 12, 16).bfloat16()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        loss = conv(x).float().square().sum()
    loss.backward()
    assert conv.weight.grad.dtype == torch.float32
    assert conv.weight.grad.isfinite().all()
    assert conv.weight.grad.abs().min() > 0


@pytest.mark.parametrize('stride', [1, 2])
@pytest.mark.parametrize(
    ('dtype', 'tolerance'), [(torch.bfloat16, 2**-7), (torch.float64, 1e-12)]
)
def test_a_converted_model_works(stride, dtype, tolerance):
    conv = DepthwiseConv2d(4, stride=stride).to(dtype)
    x = maps(2, 4, 6, 9).to(dtype)
    out = conv(x)
    assert out.dtype == dtype
    exact = F.conv2d(
        x.double(), conv.weight.double(), stride=stride, padding=1, groups=4
    )
    torch.testing.assert_close(out.double(), exact, rtol=tolerance, atol=tolerance)


def test_channels_last_stays():
    x = maps(2, 4, 6, 8).to(memory_format=torch.channels_last)
    out = DepthwiseConv2d(4, stride=2).to(memory_format=torch.channels_last)(x)
    assert out.is_contiguous(memory_format=torch.channels_last)
