"""Depthwise-separable block. Shapes: B images, C channels, H x W cells."""

from mmcv.cnn.bricks import DropPath
from torch import Tensor, nn

from ocec.models.layers.depthwise_conv import DepthwiseConv2d


class SeparableConv(nn.Module):
    """Depthwise 3x3 and pointwise 1x1, each with batch norm; residual where it fits.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        stride: 1 or 2, of the depthwise convolution. The identity is added when the
            stride is 1 and the channels do not change.
        drop_path: probability in [0, 1) that an image skips the block in training;
            without effect where there is no identity.

    Source:
        Howard et al., MobileNets, 2017, arXiv:1704.04861, Fig. 3.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        stride: int = 1,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.depthwise = nn.Sequential(
            DepthwiseConv2d(in_channels, stride=stride),
            nn.BatchNorm2d(in_channels),
            nn.ReLU(inplace=True),
        )
        self.pointwise = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.drop_path = DropPath(drop_path)
        self.activation = nn.ReLU(inplace=True)
        self.has_identity = stride == 1 and in_channels == out_channels

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return (B, out_channels, ceil(H / stride), ceil(W / stride))."""
        out_BCHW = self.pointwise(self.depthwise(x_BCHW))
        if self.has_identity:
            # in place: batch norm keeps its input, not this
            out_BCHW = self.drop_path(out_BCHW).add_(x_BCHW)
        return self.activation(out_BCHW)
