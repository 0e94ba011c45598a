"""Head ``avg`` of OCEC. Shapes: B images, C channels, H x W cells."""

from __future__ import annotations

from torch import Tensor, nn

from ocec.models.heads.base_head import BaseHead
from ocec.models.layers.global_pool import global_mean
from ocec.registry import MODELS


@MODELS.register_module()
class AvgHead(BaseHead):
    """Global average, batch norm, dropout, one linear layer or a margin.

    Args:
        in_channels: channels C of the feature map; the classifier fills it in from
            the backbone.
        num_classes: logits per image, 1 or 2.
        dropout: probability in [0, 1).
        loss: see :class:`ocec.models.heads.base_head.BaseHead`.
        margin: see :class:`ocec.models.heads.base_head.BaseHead`.

    Source:
        OCEC (github.com/PINTO0309/OCEC), head ``avg``.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int = 1,
        *,
        dropout: float = 0.3,
        loss: dict | nn.Module | None = None,
        margin: dict | None = None,
    ) -> None:
        super().__init__(
            in_channels, num_classes, dropout=dropout, loss=loss, margin=margin
        )
        self.norm = nn.BatchNorm1d(in_channels)
        self.dropout = nn.Dropout(dropout)

    def embed(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return (B, C), the pooled map after norm and dropout."""
        return self.dropout(self.norm(global_mean(feats[-1])))
