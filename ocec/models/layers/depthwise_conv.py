"""Depthwise convolution that stays fast in mixed precision on a CPU.

Shapes: B images, C channels, H x W cells.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class DepthwiseConv2d(nn.Conv2d):
    """A convolution of each channel with its own kernel, without bias.

    With stride 2, oneDNN has no bfloat16 kernel for the backward pass: 32 ms against
    1.8 ms in float32 for 256 maps of 32x16x32 (two cores of an AMD EPYC with
    AVX-512, torch 2.15, docs/decisions/0003). So on a CPU a strided one is computed
    in float32, whatever autocast says.

    Args:
        channels: C, of input and output.
        kernel_size: odd.
        stride: 1 or 2.
    """

    def __init__(self, channels: int, kernel_size: int = 3, *, stride: int = 1) -> None:
        super().__init__(
            channels,
            channels,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            groups=channels,
            bias=False,
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return (B, C, ceil(H / stride), ceil(W / stride)) in the input's dtype."""
        if x_BCHW.device.type != 'cpu' or self.stride == (1, 1):
            return super().forward(x_BCHW)
        # float64 stays; both operands, for a model that is bfloat16 as a whole
        dtype = torch.promote_types(x_BCHW.dtype, torch.float32)
        with torch.autocast('cpu', enabled=False):
            out_BCHW = F.conv2d(
                x_BCHW.to(dtype),
                self.weight.to(dtype),
                stride=self.stride,
                padding=self.padding,
                groups=self.groups,
            )
        return out_BCHW.to(x_BCHW.dtype)
