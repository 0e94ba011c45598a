"""Layer norm of feature maps. Shapes: B images, C channels, H x W cells."""

from torch import Tensor, nn


class ChannelLayerNorm(nn.LayerNorm):
    """Layer norm over the channels of each cell, for maps of (B, C, H, W).

    Not the same as a group norm with one group, whose mean and variance run over
    the cells, too. In channels_last memory nothing is copied.

    Args:
        channels: C.
        eps: added to the variance, > 0.

    Source:
        Ba et al., Layer Normalization, 2016, arXiv:1607.06450; over channels as in
        Liu et al., A ConvNet for the 2020s, CVPR 2022, arXiv:2201.03545.
    """

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__(channels, eps=eps)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return (B, C, H, W), a channels_last map."""
        return super().forward(x_BCHW.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
