"""ConvNeXt block. Shapes: B images, C channels, H x W cells."""

import torch
from mmcv.cnn.bricks import DropPath
from torch import Tensor, nn

from ocec.models.layers.channel_layer_norm import ChannelLayerNorm
from ocec.models.layers.depthwise_conv import DepthwiseConv2d


class ConvNeXtBlock(nn.Module):
    """Depthwise 7x7, layer norm and a two-layer MLP per cell, scaled and added.

    With stride 2 the map is halved first (layer norm and a 2x2 convolution); the
    identity is the halved map, so every block is residual.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output; those of the input when stride is 1.
        stride: 1 or 2.
        expansion: hidden channels of the MLP per channel, >= 1.
        layer_scale_init: first value of the scale of the branch, one per channel.
        drop_path: probability in [0, 1) that an image skips the block in training.

    Raises:
        ValueError: the channels change although the stride is 1.

    Source:
        Liu et al., A ConvNet for the 2020s, CVPR 2022, arXiv:2201.03545, Fig. 4.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        stride: int = 1,
        expansion: int = 4,
        layer_scale_init: float = 1e-6,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        if stride == 1 and in_channels != out_channels:
            raise ValueError(
                'a ConvNeXtBlock of stride 1 keeps its channels, got '
                f'in_channels={in_channels}, out_channels={out_channels}'
            )
        self.downsample = nn.Identity()
        if stride > 1:
            self.downsample = nn.Sequential(
                ChannelLayerNorm(in_channels),
                nn.Conv2d(in_channels, out_channels, stride, stride=stride),
            )
        self.depthwise = DepthwiseConv2d(out_channels, 7, bias=True)
        self.norm = ChannelLayerNorm(out_channels)
        self.mlp = nn.Sequential(
            nn.Linear(out_channels, expansion * out_channels),
            nn.GELU(),
            nn.Linear(expansion * out_channels, out_channels),
        )
        self.gamma = nn.Parameter(torch.full((out_channels,), float(layer_scale_init)))
        self.drop_path = DropPath(drop_path)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return (B, out_channels, floor(H / stride), floor(W / stride))."""
        x_BCHW = self.downsample(x_BCHW)
        normed_BCHW = self.norm(self.depthwise(x_BCHW))
        branch_BHWC = self.gamma * self.mlp(normed_BCHW.permute(0, 2, 3, 1))
        return x_BCHW + self.drop_path(branch_BHWC.permute(0, 3, 1, 2))
