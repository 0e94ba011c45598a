"""Transformer encoder layer. Shapes: B images, T tokens, C channels, h heads."""

from torch import Tensor, nn
from torch.nn import functional as F


def num_heads_of(channels: int, max_heads: int = 8) -> int:
    """Return the largest number of attention heads that divides the channels.

    Args:
        channels: C, >= 1.
        max_heads: upper limit, >= 1.

    Returns:
        A divisor of C, at most ``max_heads``.

    Example:
        >>> num_heads_of(64), num_heads_of(90)
        (8, 6)
    """
    return max(h for h in range(1, max_heads + 1) if channels % h == 0)


class EncoderLayer(nn.Module):
    """Pre-norm self-attention and a feed-forward net, each with a residual.

    Plain linear layers around ``scaled_dot_product_attention``:
    ``nn.TransformerEncoderLayer`` switches to a fused kernel in evaluation that
    exporters do not know; the function is the same.

    Args:
        channels: C.
        ffn_channels: width of the feed-forward net.
        dropout: probability in [0, 1): of attention weights, hidden units, outputs.

    Source:
        Vaswani et al., 2017, arXiv:1706.03762; pre-norm as in Xiong et al., 2020,
        arXiv:2002.04745.
    """

    def __init__(self, channels: int, ffn_channels: int, *, dropout: float) -> None:
        super().__init__()
        self.num_heads = num_heads_of(channels)
        self.dropout_prob = dropout
        self.attention_norm = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.projection = nn.Linear(channels, channels)
        self.ffn_norm = nn.LayerNorm(channels)
        self.ffn = nn.Sequential(
            nn.Linear(channels, ffn_channels),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(ffn_channels, channels),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x_BTC: Tensor) -> Tensor:
        """Return (B, T, C)."""
        x_BTC = x_BTC + self.dropout(self._attend(self.attention_norm(x_BTC)))
        return x_BTC + self.dropout(self.ffn(self.ffn_norm(x_BTC)))

    def _attend(self, x_BTC: Tensor) -> Tensor:
        qkv_BT3hD = self.qkv(x_BTC).unflatten(2, (3, self.num_heads, -1))
        q_BhTD, k_BhTD, v_BhTD = qkv_BT3hD.permute(2, 0, 3, 1, 4).unbind(0)
        mixed_BhTD = F.scaled_dot_product_attention(
            q_BhTD,
            k_BhTD,
            v_BhTD,
            dropout_p=self.dropout_prob if self.training else 0.0,
        )
        return self.projection(mixed_BhTD.transpose(1, 2).flatten(2))
