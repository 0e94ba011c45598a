"""Attention to channels, then to places. Shapes: B images, C channels, H x W cells."""

import torch
from torch import Tensor, nn

from ocec.models.layers.global_pool import global_max, global_mean


class CBAM(nn.Module):
    """Scale each channel by a gate, then each cell by another; both in (0, 1).

    The gate of the channels sees their means and maxima through one shared net of two
    layers; that of the cells sees the mean and the maximum over the channels through
    one convolution.

    Args:
        channels: C, of input and output.
        reduction: the hidden layer has max(1, C // reduction) channels, >= 1.
        kernel_size: of the convolution over the cells, odd.

    Raises:
        ValueError: ``kernel_size`` is even.

    Source:
        Woo et al., CBAM: Convolutional Block Attention Module, ECCV 2018,
        arXiv:1807.06521, Eq. 2 and 3; like the equations without biases.
    """

    def __init__(
        self, channels: int, reduction: int = 16, *, kernel_size: int = 7
    ) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise ValueError(f'kernel_size must be odd, got {kernel_size}')
        hidden_channels = max(1, channels // reduction)
        self.channel_net = nn.Sequential(
            nn.Linear(channels, hidden_channels, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(hidden_channels, channels, bias=False),
        )
        self.cell_conv = nn.Conv2d(
            2, 1, kernel_size, padding=kernel_size // 2, bias=False
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return (B, C, H, W)."""
        gate_BC = (
            self.channel_net(global_mean(x_BCHW)) + self.channel_net(global_max(x_BCHW))
        ).sigmoid()
        x_BCHW = x_BCHW * gate_BC[:, :, None, None]
        summary_B2HW = torch.cat(
            (x_BCHW.mean(dim=1, keepdim=True), x_BCHW.amax(dim=1, keepdim=True)), dim=1
        )
        return x_BCHW * self.cell_conv(summary_B2HW).sigmoid()
