"""MLP-Mixer layer. Shapes: B images, T tokens, C channels."""

from torch import Tensor, nn


class MixerLayer(nn.Module):
    """Mix the tokens of each channel, then the channels of each token.

    Args:
        num_tokens: T.
        channels: C.
        dropout: probability in [0, 1), after each linear layer.

    Source:
        Tolstikhin et al., MLP-Mixer, 2021, arXiv:2105.01601, Fig. 1; both nets are
        twice as wide as their input.
    """

    def __init__(self, num_tokens: int, channels: int, *, dropout: float) -> None:
        super().__init__()
        self.token_norm = nn.LayerNorm(channels)
        self.token_mlp = _mlp(num_tokens, dropout)
        self.channel_norm = nn.LayerNorm(channels)
        self.channel_mlp = _mlp(channels, dropout)

    def forward(self, x_BTC: Tensor) -> Tensor:
        """Return (B, T, C)."""
        mixed_BCT = self.token_mlp(self.token_norm(x_BTC).transpose(1, 2))
        x_BTC = x_BTC + mixed_BCT.transpose(1, 2)
        return x_BTC + self.channel_mlp(self.channel_norm(x_BTC))


def _mlp(width: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, 2 * width),
        nn.GELU(),
        nn.Dropout(dropout),
        nn.Linear(2 * width, width),
        nn.Dropout(dropout),
    )
