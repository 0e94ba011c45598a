"""A gate on feature vectors. Shapes: B images, D channels."""

from torch import Tensor, nn


class FeatureAttention(nn.Module):
    """Let a vector decide which of its own channels count.

    ``LN(LN(x) * sigmoid(net(LN(x))) + x)``, the net with one narrow hidden layer.

    Args:
        channels: D, of input and output.
        reduction: the hidden layer has max(1, D // reduction) units, >= 1.
    """

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        hidden_channels = max(1, channels // reduction)
        self.norm_in = nn.LayerNorm(channels)
        self.gate = nn.Sequential(
            nn.Linear(channels, hidden_channels),
            nn.GELU(),
            nn.Linear(hidden_channels, channels),
            nn.Sigmoid(),
        )
        self.norm_out = nn.LayerNorm(channels)

    def forward(self, x_BD: Tensor) -> Tensor:
        """Return (B, D)."""
        normed_BD = self.norm_in(x_BD)
        return self.norm_out(normed_BD * self.gate(normed_BD) + x_BD)
