"""Depthwise convolution whose backward pass is fast on a CPU.

Shapes: B images, C channels, H x W cells, k x k kernels.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.nn.grad import conv2d_input

# beyond, oneDNN is as fast: the products grow with the square of the cells
MAX_CELLS = 256


class DepthwiseConv2d(nn.Conv2d):
    """A convolution of each channel with its own kernel.

    With stride 2, oneDNN has no bfloat16 kernel for the backward pass: 32 ms against
    1.8 ms in float32 for 256 maps of 32x16x32 (two cores of an AMD EPYC with
    AVX-512, torch 2.15, docs/decisions/0003). So on a CPU a strided one is computed
    in float32, whatever autocast says.

    For the weights of kernels beyond 3x3 it falls back to the dense backward pass:
    16.5 ms in bfloat16 and 10.7 ms in float32 for a 7x7 kernel on 256 maps of
    32x8x16 (one core). Matrix products take 3.2 and 4.9 ms, so in training on a CPU
    maps of up to ``MAX_CELLS`` cells use those.

    Args:
        channels: C, of input and output.
        kernel_size: odd.
        stride: 1 or 2.
        bias: whether each channel also gets a bias.
    """

    def __init__(
        self,
        channels: int,
        kernel_size: int = 3,
        *,
        stride: int = 1,
        bias: bool = False,
    ) -> None:
        super().__init__(
            channels,
            channels,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            groups=channels,
            bias=bias,
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return (B, C, ceil(H / stride), ceil(W / stride)) in the input's dtype.

        With stride 1, autocast decides on the dtype as for any convolution.
        """
        if x_BCHW.device.type != 'cpu':
            return super().forward(x_BCHW)
        if self.stride != (1, 1):
            return self._forward_in_float32(x_BCHW)
        is_small = x_BCHW.shape[2] * x_BCHW.shape[3] <= MAX_CELLS
        # exporters do not know the function; they trace in evaluation mode
        if self.training and self.kernel_size[0] > 3 and is_small:
            return _SmallMapConvolution.apply(x_BCHW, self.weight, self.bias)
        return super().forward(x_BCHW)

    def _forward_in_float32(self, x_BCHW: Tensor) -> Tensor:
        # float64 stays; both operands, for a model that is bfloat16 as a whole
        dtype = torch.promote_types(x_BCHW.dtype, torch.float32)
        with torch.autocast('cpu', enabled=False):
            out_BCHW = F.conv2d(
                x_BCHW.to(dtype),
                self.weight.to(dtype),
                None if self.bias is None else self.bias.to(dtype),
                stride=self.stride,
                padding=self.padding,
                groups=self.groups,
            )
        return out_BCHW.to(x_BCHW.dtype)


class _SmallMapConvolution(torch.autograd.Function):
    """A depthwise convolution of stride 1; its weights' gradient by matrix products."""

    @staticmethod
    def forward(
        ctx: Any, x_BCHW: Tensor, weight_C1kk: Tensor, bias_C: Tensor | None
    ) -> Tensor:
        ctx.save_for_backward(x_BCHW, weight_C1kk)
        padding = weight_C1kk.shape[-1] // 2
        return F.conv2d(
            x_BCHW, weight_C1kk, bias_C, padding=padding, groups=len(weight_C1kk)
        )

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_BCHW: Tensor) -> tuple[Tensor | None, ...]:
        x_BCHW, weight_C1kk = ctx.saved_tensors
        grad_x_BCHW = grad_weight_C1kk = grad_bias_C = None
        kernel_size = weight_C1kk.shape[-1]
        # autocast may have computed in another dtype than that of the operands
        dtype = grad_BCHW.dtype
        if ctx.needs_input_grad[0]:
            grad_x_BCHW = conv2d_input(
                x_BCHW.shape,
                weight_C1kk.to(dtype),
                grad_BCHW,
                padding=kernel_size // 2,
                groups=len(weight_C1kk),
            ).to(x_BCHW.dtype)
        if ctx.needs_input_grad[1]:
            grad_weight_C1kk = depthwise_weight_gradient(
                x_BCHW.to(dtype), grad_BCHW, kernel_size
            ).to(weight_C1kk.dtype)
        if ctx.needs_input_grad[2]:
            grad_bias_C = grad_BCHW.sum(dim=(0, 2, 3)).to(weight_C1kk.dtype)
        return grad_x_BCHW, grad_weight_C1kk, grad_bias_C


def depthwise_weight_gradient(
    x_BCHW: Tensor, grad_BCHW: Tensor, kernel_size: int
) -> Tensor:
    """Return the gradient of the kernels of a padded depthwise convolution.

    One matrix product per channel gives the correlation of every cell of the input
    with every cell of the output, over the batch; the gradient of weight (i, j) is
    the sum over the pairs of cells that are (i, j) apart. That wastes most of the
    products, and is fast all the same while the map is small.

    Args:
        x_BCHW: (B, C, H, W) input; fastest in channels_last memory.
        grad_BCHW: (B, C, H, W) gradient of the output, of the same dtype.
        kernel_size: k, odd; the padding was k // 2 and the stride 1.

    Returns:
        (C, 1, k, k), float32, or float64 if the input is.
    """
    height, width = x_BCHW.shape[2:]
    correlation_CHWHW = torch.bmm(
        _channels_first(x_BCHW).transpose(1, 2), _channels_first(grad_BCHW)
    ).unflatten(2, (height, width))
    correlation_CHWHW = correlation_CHWHW.unflatten(1, (height, width))
    padding = kernel_size // 2
    # cells outside the input, so that each pair that the kernel spans is there
    padded_CPQHW = F.pad(correlation_CHWHW, (0, 0, 0, 0, *[padding] * 4))
    step_c, step_p, step_q, step_h, step_w = padded_CPQHW.stride()
    pairs_CkkHW = padded_CPQHW.as_strided(
        (x_BCHW.shape[1], kernel_size, kernel_size, height, width),
        (step_c, step_p, step_q, step_p + step_h, step_q + step_w),
    )
    dtype = torch.promote_types(x_BCHW.dtype, torch.float32)
    return pairs_CkkHW.sum(dim=(3, 4), dtype=dtype)[:, None]


def _channels_first(x_BCHW: Tensor) -> Tensor:
    """Return a copy as (C, B, H * W), by one plain transposition."""
    batch_size, channels = x_BCHW.shape[:2]
    rows_BHW_C = x_BCHW.permute(0, 2, 3, 1).reshape(-1, channels)
    return rows_BHW_C.t().contiguous().view(channels, batch_size, -1)
