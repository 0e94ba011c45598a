"""The plain head of stage 0. Shapes: B pairs, D channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ocec.models.heads.pair_head import PairHead
from ocec.models.layers.dense_stack import check_dropout
from ocec.registry import MODELS


@MODELS.register_module()
class ConcatPairHead(PairHead):
    """Both feature vectors one after the other, and a net of one hidden layer.

    Args:
        in_channels: D of each feature vector; the classifier fills it in.
        hidden_channels: units of the hidden layer, > 0.
        dropout: probability in [0, 1) after it.
        loss: see :class:`ocec.models.heads.pair_head.PairHead`.
        digit_loss_weight: see :class:`ocec.models.heads.pair_head.PairHead`.

    Raises:
        ValueError: an argument is out of range.

    Source:
        The plain compare net of the pair task: with its tower 175,681 parameters.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int = 256,
        *,
        dropout: float = 0.2,
        loss: dict | nn.Module | None = None,
        digit_loss_weight: float = 0.0,
    ) -> None:
        super().__init__(in_channels, loss=loss, digit_loss_weight=digit_loss_weight)
        check_dropout(dropout)
        self.mlp = nn.Sequential(
            nn.Linear(2 * in_channels, hidden_channels),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
        )
        self.fc = nn.Linear(hidden_channels, 1)

    def embed(self, left_BD: Tensor, right_BD: Tensor) -> Tensor:
        """Return (B, hidden_channels), the hidden layer after dropout."""
        return self.mlp(torch.cat((left_BD, right_BD), dim=1))

    def logits(self, embedding_BE: Tensor) -> Tensor:
        """Return (B,), a linear map of the embedding."""
        return self.fc(embedding_BE)[:, 0]
