"""What the token heads share. Shapes: B images, T tokens, C channels, H x W cells."""

from __future__ import annotations

from torch import Tensor, nn

from ocec.models.heads.base_head import BaseHead
from ocec.models.layers.token_pool import TokenPool


class TokenHead(BaseHead):
    """Pool to a few tokens, let ``layers`` mix them, average, layer norm, dropout.

    Subclasses set ``layers``.

    Args:
        in_channels: channels C of the feature map.
        num_classes: logits per image, 1 or 2.
        feature_size: (H, W) of the feature map.
        token_grid: (rows, columns) of tokens; None takes the one nearest to 2x4.
        dropout: probability in [0, 1).
        loss: see :class:`ocec.models.heads.base_head.BaseHead`.
        margin: see :class:`ocec.models.heads.base_head.BaseHead`.

    Raises:
        ValueError: the grid does not divide the map, or its size is not known.
    """

    layers: nn.Module

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        feature_size: tuple[int, int] | None,
        token_grid: tuple[int, int] | None,
        dropout: float,
        loss: dict | nn.Module | None,
        margin: dict | None,
    ) -> None:
        super().__init__(
            in_channels, num_classes, dropout=dropout, loss=loss, margin=margin
        )
        if feature_size is None:
            raise ValueError(
                f'{type(self).__name__} must know the size of the feature map: set '
                'model.input_size=(height, width) of the images, or '
                'model.head.feature_size'
            )
        self.pool = TokenPool(feature_size, token_grid)
        self.norm = nn.LayerNorm(in_channels)
        self.dropout = nn.Dropout(dropout)

    def embed(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return (B, C), the mean token after norm and dropout."""
        mixed_BTC = self.layers(self.pool(feats[-1]))
        return self.dropout(self.norm(mixed_BTC.mean(dim=1)))
