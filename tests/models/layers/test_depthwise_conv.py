import pytest
import torch
from torch.nn import functional as F

from ocec.models.layers.depthwise_conv import (
    MAX_CELLS,
    DepthwiseConv2d,
    depthwise_weight_gradient,
)


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


# 5 and 7 beside 3, since those have a backward pass of their own on small maps
@pytest.mark.parametrize(
    'memory_format', [torch.contiguous_format, torch.channels_last]
)
@pytest.mark.parametrize('size', [(1, 1), (3, 5), (6, 9), (17, 16)])
@pytest.mark.parametrize('bias', [False, True])
@pytest.mark.parametrize('kernel_size', [3, 5, 7])
@pytest.mark.parametrize('stride', [1, 2])
def test_values_and_gradients_equal_a_grouped_convolution(
    stride, kernel_size, bias, size, memory_format
):
    torch.manual_seed(0)
    conv = DepthwiseConv2d(4, kernel_size, stride=stride, bias=bias).double()
    x = maps(2, 4, *size).double().to(memory_format=memory_format).requires_grad_()
    operands = [x, *conv.parameters()]
    expected = F.conv2d(*operands, stride=stride, padding=kernel_size // 2, groups=4)
    out = conv(x)
    torch.testing.assert_close(out, expected)
    cotangent = maps(*out.shape, seed=1).double()
    grads = torch.autograd.grad(out, operands, cotangent)
    grads_expected = torch.autograd.grad(expected, operands, cotangent)
    torch.testing.assert_close(grads, grads_expected)


def test_small_maps_have_their_own_gradient_in_training_only():
    conv = DepthwiseConv2d(2, 7)
    small, large = maps(1, 2, 16, MAX_CELLS // 16), maps(1, 2, 17, MAX_CELLS // 16)
    assert 'SmallMap' in conv(small).grad_fn.name()
    assert 'SmallMap' not in conv(large).grad_fn.name()
    assert 'SmallMap' not in DepthwiseConv2d(2, 3)(small).grad_fn.name()
    # exporters do not know it
    assert 'SmallMap' not in conv.eval()(small).grad_fn.name()


@pytest.mark.parametrize('size', [(1, 1), (2, 5), (4, 3)])
def test_weight_gradient_by_a_slow_loop(size):
    x, grad = maps(3, 2, *size).double(), maps(3, 2, *size, seed=1).double()
    expected = torch.zeros(2, 1, 5, 5, dtype=torch.float64)
    rows, columns = size
    for i in range(5):
        for j in range(5):
            for h in range(rows):
                for w in range(columns):
                    p, q = h + i - 2, w + j - 2  # the cell that weight (i, j) reads
                    if 0 <= p < rows and 0 <= q < columns:
                        products = x[:, :, p, q] * grad[:, :, h, w]
                        expected[:, 0, i, j] += products.sum(0)
    torch.testing.assert_close(depthwise_weight_gradient(x, grad, 5), expected)


def test_a_frozen_kernel_hands_on_the_gradient():
    conv = DepthwiseConv2d(2, 7, bias=True).requires_grad_(False)
    x = maps(1, 2, 4, 4).requires_grad_()
    conv(x).sum().backward()
    expected = torch.autograd.grad(
        F.conv2d(x, conv.weight, padding=3, groups=2).sum(), x
    )
    torch.testing.assert_close(x.grad, expected[0])
    assert conv.weight.grad is None
    assert conv.bias.grad is None


def test_small_maps_under_autocast():
    torch.manual_seed(0)
    conv = DepthwiseConv2d(8, 7, bias=True)
    x = maps(16, 8, 4, 8).requires_grad_()  # float32, as the sum of a residual is
    cotangent = maps(16, 8, 4, 8, seed=1)
    operands = (x, conv.weight, conv.bias)
    expected = torch.autograd.grad(
        F.conv2d(*operands, padding=3, groups=8), operands, cotangent
    )
    with torch.autocast('cpu', dtype=torch.bfloat16):
        out = conv(x)
    assert out.dtype == torch.bfloat16
    grads = torch.autograd.grad(out, operands, cotangent.bfloat16())
    for grad, exact in zip(grads, expected, strict=True):
        assert grad.dtype == torch.float32
        # bfloat16 has 8 significant bits; the errors are those of the largest terms
        assert (grad - exact).abs().max() < 2**-7 * exact.abs().max()


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
