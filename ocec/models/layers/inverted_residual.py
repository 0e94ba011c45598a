"""Inverted residual block. Shapes: B images, C channels, H x W cells."""

from mmcv.cnn.bricks import DropPath
from torch import Tensor, nn

from ocec.models.layers.depthwise_conv import DepthwiseConv2d
from ocec.models.layers.squeeze_excite import SqueezeExcite


class InvertedResidual(nn.Module):
    """Expand 1x1, depthwise 3x3, squeeze-and-excite, project 1x1, with batch norms.

    Other than in MobileNetV2 an activation (SiLU) follows the addition, so that the
    narrow ends of the block are not linear.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        stride: 1 or 2, of the depthwise convolution. The identity is added when the
            stride is 1 and the channels do not change.
        expansion: hidden channels per input channel, >= 1.
        se_reduction: hidden channels per channel of the squeeze, >= 1.
        drop_path: probability in [0, 1) that an image skips the block in training;
            without effect where there is no identity.

    Source:
        Sandler et al., MobileNetV2, CVPR 2018, arXiv:1801.04381, Fig. 4; the
        activation after the addition is that of OCEC (github.com/PINTO0309/OCEC).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        stride: int = 1,
        expansion: int = 4,
        se_reduction: int = 8,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        hidden_channels = in_channels * expansion
        self.expand = nn.Sequential(
            nn.Conv2d(in_channels, hidden_channels, 1, bias=False),
            nn.BatchNorm2d(hidden_channels),
            nn.SiLU(),
        )
        self.depthwise = nn.Sequential(
            DepthwiseConv2d(hidden_channels, stride=stride),
            nn.BatchNorm2d(hidden_channels),
            nn.SiLU(),
        )
        self.squeeze_excite = SqueezeExcite(hidden_channels, se_reduction)
        self.project = nn.Sequential(
            nn.Conv2d(hidden_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.drop_path = DropPath(drop_path)
        self.activation = nn.SiLU()
        self.has_identity = stride == 1 and in_channels == out_channels

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return (B, out_channels, ceil(H / stride), ceil(W / stride))."""
        hidden_BCHW = self.squeeze_excite(self.depthwise(self.expand(x_BCHW)))
        out_BCHW = self.project(hidden_BCHW)
        if self.has_identity:
            # in place: batch norm keeps its input, not this
            out_BCHW = self.drop_path(out_BCHW).add_(x_BCHW)
        return self.activation(out_BCHW)
