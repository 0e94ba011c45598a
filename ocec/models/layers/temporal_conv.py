"""Convolutions in time only, as 2D convolutions over (T, H W).

Shapes: N clips of T frames, C channels, H x W cells, k the length of the kernel.
"""

from collections.abc import Callable

from torch import Tensor, nn


class TemporalConv2d(nn.Conv2d):
    """A convolution over the frames of each cell, zero padded.

    Equal to a Conv3d with a kernel of (k, 1, 1); on frames in channels_last memory
    (T, H W) is a picture that needs no copy.

    Args:
        in_channels: C of the input.
        out_channels: C of the output.
        kernel_size: k, odd.
        stride: in time, >= 1.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        *,
        stride: int = 1,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            (kernel_size, 1),
            stride=(stride, 1),
            padding=(kernel_size // 2, 0),
            bias=False,
        )

    def forward(self, x_NTCHW: Tensor) -> Tensor:
        """Return (N, ceil(T / stride), out_channels, H, W)."""
        return _over_time(super().forward, x_NTCHW)


class TemporalDeconv2d(nn.ConvTranspose2d):
    """A transposed convolution over the frames of each cell: stride T frames from T.

    Args:
        in_channels: C of the input.
        out_channels: C of the output.
        kernel_size: k, odd.
        stride: output frames per input frame, >= 1.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, *, stride: int
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            (kernel_size, 1),
            stride=(stride, 1),
            padding=(kernel_size // 2, 0),
            output_padding=(stride - 1, 0),
            bias=False,
        )

    def forward(self, x_NTCHW: Tensor) -> Tensor:
        """Return (N, stride * T, out_channels, H, W)."""
        return _over_time(super().forward, x_NTCHW)


def _over_time(conv: Callable[[Tensor], Tensor], x_NTCHW: Tensor) -> Tensor:
    size = x_NTCHW.shape[3:]
    out_NCTP = conv(x_NTCHW.transpose(1, 2).flatten(3))
    return out_NCTP.unflatten(3, size).transpose(1, 2)
