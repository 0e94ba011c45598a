"""A head that cannot prefer a side. Shapes: B pairs, D channels, E hidden units."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ocec.models.heads.pair_head import PairHead
from ocec.models.layers.dense_stack import DenseStack
from ocec.registry import MODELS


@MODELS.register_module()
class AntisymmetricPairHead(PairHead):
    """``g(left, right) - g(right, left)``: swapped sides flip the sign of the logit.

    The net g sees both vectors one after the other; its last layer is linear, so that
    the logit is that layer, without a bias, of the difference of the hidden units.

    In evaluation the flip is exact. In training, too, but for dropout: the batch norms
    of g see both orders of every pair and those of the tower both sides, so that
    swapping any pairs of a batch does not change the statistics.

    Args:
        in_channels: D of each feature vector; the classifier fills it in.
        hidden_channels: units of the hidden layers of g, at least one.
        dropout: probabilities in [0, 1) after the hidden layers, as many.
        loss: see :class:`ocec.models.heads.pair_head.PairHead`.
        digit_loss_weight: see :class:`ocec.models.heads.pair_head.PairHead`.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: Sequence[int] = (256, 128),
        *,
        dropout: Sequence[float] = (0.4, 0.3),
        loss: dict | nn.Module | None = None,
        digit_loss_weight: float = 0.0,
    ) -> None:
        super().__init__(in_channels, loss=loss, digit_loss_weight=digit_loss_weight)
        self.mlp = DenseStack(2 * in_channels, hidden_channels, dropout)
        self.fc = nn.Linear(self.mlp.out_channels, 1, bias=False)

    def embed(self, left_BD: Tensor, right_BD: Tensor) -> Tensor:
        """Return (B, E), hidden units of (left, right) less those of (right, left)."""
        one_way = torch.cat((left_BD, right_BD), dim=1)
        other_way = torch.cat((right_BD, left_BD), dim=1)
        hidden = self.mlp(torch.cat((one_way, other_way)))
        # chunk(2) would fix the batch size of an exported program
        one_way_BE, other_way_BE = hidden.unflatten(0, (2, -1)).unbind()
        return one_way_BE - other_way_BE

    def logits(self, embedding_BE: Tensor) -> Tensor:
        """Return (B,), a linear map of the embedding, without a bias."""
        return self.fc(embedding_BE)[:, 0]
