"""Channel attention. Shapes: B images, C channels, H x W cells."""

from torch import Tensor, nn

from ocec.models.layers.global_pool import global_mean


class SqueezeExcite(nn.Module):
    """Scale each channel by a gate in (0, 1) that sees the means of all channels.

    Args:
        channels: C, of input and output.
        reduction: the hidden layer has max(1, C // reduction) channels, >= 1.
        bias: whether the two layers have biases.

    Source:
        Hu et al., Squeeze-and-Excitation Networks, CVPR 2018, arXiv:1709.01507,
        Eq. 2 to 4.
    """

    def __init__(self, channels: int, reduction: int = 8, *, bias: bool = True) -> None:
        super().__init__()
        hidden_channels = max(1, channels // reduction)
        self.gate = nn.Sequential(
            nn.Conv2d(channels, hidden_channels, 1, bias=bias),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden_channels, channels, 1, bias=bias),
            nn.Sigmoid(),
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return (B, C, H, W)."""
        return x_BCHW * self.gate(global_mean(x_BCHW)[:, :, None, None])
