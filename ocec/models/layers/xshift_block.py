"""Block of X-ShiftNet.

Shapes: N clips of T frames, F = N * T frames, C channels, H x W cells.
"""

from torch import Tensor, nn

from ocec.functional.temporal import temporal_shift
from ocec.models.layers.clip_squeeze_excite import ClipSqueezeExcite
from ocec.models.layers.depthwise_conv import DepthwiseConv2d

EXPANSION = 2.25


class XShiftBlock(nn.Module):
    """Temporal shift, then expand 1x1, depthwise 3x3, gate, Swish, project 1x1.

    A block of X3D whose convolution in time is replaced by a shift of channels, inside
    the residual branch only. It is a 2D network on N T frames, equal to one of (1, k,
    k) kernels on (N, C, T, H, W), batch norms included.

    Args:
        in_channels: C of the input.
        out_channels: C of the output; the hidden ones are 2.25 times as many.
        stride: 1 or 2, of the depthwise convolution. With 2, or where the channels
            change, a 1x1 convolution takes the place of the identity.
        shift_div: 1 / shift_div of the input's channels come from the next frame, as
            many from the one before; >= 2.
        with_se: whether there is a gate (squeeze-and-excite over the clip).

    Source:
        X3D (Feichtenhofer, CVPR 2020, arXiv:2004.04730) with the shift of TSM (Lin et
        al., ICCV 2019, arXiv:1811.08383), as EPAM-Net has it.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        stride: int = 1,
        shift_div: int = 8,
        with_se: bool = True,
    ) -> None:
        super().__init__()
        hidden_channels = int(EXPANSION * out_channels)
        self.num_shifted = in_channels // shift_div
        self.expand = nn.Sequential(
            nn.Conv2d(in_channels, hidden_channels, 1, bias=False),
            nn.BatchNorm2d(hidden_channels),
            nn.ReLU(inplace=True),
        )
        self.depthwise = nn.Sequential(
            DepthwiseConv2d(hidden_channels, stride=stride),
            nn.BatchNorm2d(hidden_channels),
        )
        self.squeeze_excite = ClipSqueezeExcite(hidden_channels) if with_se else None
        # not in place: its gradient needs the input, which would be copied
        self.swish = nn.SiLU()
        self.project = nn.Sequential(
            nn.Conv2d(hidden_channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x_NTCHW: Tensor) -> Tensor:
        """Return (N, T, out_channels, ceil(H / stride), ceil(W / stride))."""
        num_frames = x_NTCHW.shape[1]
        x_FCHW = x_NTCHW.flatten(0, 1)
        shifted_FCHW = temporal_shift(x_FCHW, num_frames, self.num_shifted)
        hidden_FCHW = self.depthwise(self.expand(shifted_FCHW))
        if self.squeeze_excite is not None:
            hidden_FCHW = self.squeeze_excite(hidden_FCHW, num_frames)
        # in place: batch norm keeps its input, not this
        out_FCHW = self.project(self.swish(hidden_FCHW)).add_(self.shortcut(x_FCHW))
        return self.activation(out_FCHW).unflatten(0, (-1, num_frames))
