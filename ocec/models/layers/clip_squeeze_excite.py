"""Channel attention over a clip.

Shapes: N clips of T frames, F = N * T frames, C channels, H x W cells.
"""

from torch import Tensor, nn

from ocec.models.layers.global_pool import global_mean

MULTIPLE = 8
LARGEST_LOSS = 0.1


def squeezed_channels(channels: int, reduction: int = 16) -> int:
    """Return the width of the hidden layer: C / reduction, to the nearest 8.

    Args:
        channels: C, >= 1.
        reduction: >= 1.

    Returns:
        A multiple of 8, at least 8; the next one up where rounding lost over 10 %.

    Example:
        >>> [squeezed_channels(channels) for channels in (54, 108, 216, 432)]
        [8, 8, 16, 32]
    """
    wanted = channels / reduction
    rounded = max(MULTIPLE, int(wanted + MULTIPLE / 2) // MULTIPLE * MULTIPLE)
    return rounded if rounded >= (1 - LARGEST_LOSS) * wanted else rounded + MULTIPLE


class ClipSqueezeExcite(nn.Module):
    """Scale each channel of a clip by a gate that sees the means over all its frames.

    Args:
        channels: C, of input and output.
        reduction: see :func:`squeezed_channels`.

    Source:
        Hu et al., Squeeze-and-Excitation Networks, CVPR 2018, arXiv:1709.01507,
        Eq. 2 to 4, with the mean over time too as in X3D (Feichtenhofer, CVPR 2020,
        arXiv:2004.04730).
    """

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden_channels = squeezed_channels(channels, reduction)
        self.gate = nn.Sequential(
            nn.Conv2d(channels, hidden_channels, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden_channels, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x_FCHW: Tensor, num_frames: int) -> Tensor:
        """Return (F, C, H, W); ``num_frames`` is T."""
        mean_NTC = global_mean(x_FCHW).unflatten(0, (-1, num_frames))
        gate_NC11 = self.gate(mean_NTC.mean(dim=1)[:, :, None, None])
        gate_NTC11 = gate_NC11[:, None].expand(-1, num_frames, -1, -1, -1)
        return x_FCHW * gate_NTC11.flatten(0, 1)
