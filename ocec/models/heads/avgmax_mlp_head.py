"""Head ``avgmax_mlp`` of OCEC. Shapes: B images, C channels, H x W cells."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ocec.models.heads.base_head import BaseHead
from ocec.models.layers.global_pool import global_max, global_mean
from ocec.registry import MODELS

MIN_HIDDEN_CHANNELS = 16


@MODELS.register_module()
class AvgMaxMLPHead(BaseHead):
    """Global average beside global maximum, and a net of one hidden layer.

    Args:
        in_channels: channels C of the feature map; the classifier fills it in from
            the backbone. The hidden layer has max(16, C) units.
        num_classes: logits per image, 1 or 2.
        dropout: probability in [0, 1), before and after the hidden layer.
        loss: see :class:`ocec.models.heads.base_head.BaseHead`.
        margin: see :class:`ocec.models.heads.base_head.BaseHead`.

    Source:
        OCEC (github.com/PINTO0309/OCEC), head ``avgmax_mlp``.
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
        hidden_channels = max(MIN_HIDDEN_CHANNELS, in_channels)
        super().__init__(
            hidden_channels, num_classes, dropout=dropout, loss=loss, margin=margin
        )
        self.mlp = nn.Sequential(
            nn.BatchNorm1d(2 * in_channels),
            nn.Dropout(dropout),
            nn.Linear(2 * in_channels, hidden_channels),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
        )

    def embed(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return (B, max(16, C)), the hidden layer after dropout."""
        pooled = torch.cat((global_mean(feats[-1]), global_max(feats[-1])), dim=1)
        return self.mlp(pooled)
