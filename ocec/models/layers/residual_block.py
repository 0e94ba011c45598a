"""The two blocks of residual nets. Shapes: B images, C channels, H x W cells."""

from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around an identity.

    Args:
        in_channels: channels of the input.
        channels: channels of both convolutions; the output has as many.
        stride: 1 or 2, of the first convolution and of the shortcut.

    Source:
        He et al., Deep Residual Learning for Image Recognition, CVPR 2016,
        arXiv:1512.03385, Fig. 5 left.
    """

    #: channels of the output per channel of the block
    expansion = 1

    def __init__(self, in_channels: int, channels: int, *, stride: int = 1) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(in_channels, channels, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.shortcut = _shortcut(in_channels, channels, stride)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return (B, channels, ceil(H / stride), ceil(W / stride))."""
        return self.activation(self.branch(x_BCHW) + self.shortcut(x_BCHW))


class Bottleneck(nn.Module):
    """Reduce 1x1, convolve 3x3, restore 1x1, around an identity.

    Args:
        in_channels: channels of the input.
        channels: channels of the 3x3 convolution; the output has four times as many.
        stride: 1 or 2, of the 3x3 convolution and of the shortcut.

    Source:
        He et al., Deep Residual Learning for Image Recognition, CVPR 2016,
        arXiv:1512.03385, Fig. 5 right; the stride at the 3x3 convolution.
    """

    #: channels of the output per channel of the block
    expansion = 4

    def __init__(self, in_channels: int, channels: int, *, stride: int = 1) -> None:
        super().__init__()
        out_channels = channels * self.expansion
        self.branch = nn.Sequential(
            nn.Conv2d(in_channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut = _shortcut(in_channels, out_channels, stride)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return (B, 4 * channels, ceil(H / stride), ceil(W / stride))."""
        return self.activation(self.branch(x_BCHW) + self.shortcut(x_BCHW))


def _shortcut(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    if stride == 1 and in_channels == out_channels:
        return nn.Identity()
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
        nn.BatchNorm2d(out_channels),
    )
