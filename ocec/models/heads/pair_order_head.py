"""A head that reads the digits and compares them. Shapes: B pairs, D channels.

T = 45 unordered pairs of digits.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ocec.functional.digit_pairs import DEFAULT_ADJACENCY, NUM_DIGITS
from ocec.functional.order_rule import (
    larger_and_smaller,
    order_log_weights,
    order_logit,
)
from ocec.models.heads.pair_head import PairHead
from ocec.registry import MODELS


@MODELS.register_module()
class OrderPairHead(PairHead):
    """Posteriors of both digits, and the odds that the left one is larger.

    With posteriors p and q and an antisymmetric matrix W of learnt weights the logit
    is ``2 artanh(p' W q / p' |W| q)``, the log-odds of i > j against i < j. The
    weights start as the rule of Bayes for pairs of which a share ``adjacency`` are
    neighbours; weight decay draws them back to it. Swapped sides flip the sign
    exactly, in training too but for dropout in the tower.

    Args:
        in_channels: D of each feature vector; the classifier fills it in.
        adjacency: share in [0, 1) of the pairs that were drawn as neighbours.
        loss: see :class:`ocec.models.heads.pair_head.PairHead`.
        digit_loss_weight: weight >= 0 of the cross-entropy of the posteriors against
            the digits, where they are known.

    Raises:
        ValueError: an argument is out of range.

    Source:
        Formula: :func:`ocec.functional.order_rule.order_logit`.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        adjacency: float = DEFAULT_ADJACENCY,
        loss: dict | nn.Module | None = None,
        digit_loss_weight: float = 1.0,
    ) -> None:
        super().__init__(in_channels, loss=loss, digit_loss_weight=digit_loss_weight)
        self.digit_fc = nn.Linear(in_channels, NUM_DIGITS)
        # the rule is no parameter, so that weight decay pulls towards it
        self.register_buffer('rule_T', order_log_weights(adjacency))
        self.offset_T = nn.Parameter(torch.zeros_like(self.rule_T))

    def embed(self, left_BD: Tensor, right_BD: Tensor) -> Tensor:
        """Return (B, 20), the log-posteriors of the left and of the right digit."""
        logs = [
            self.digit_fc(feat_BD).float().log_softmax(dim=1)
            for feat_BD in (left_BD, right_BD)
        ]
        return torch.cat(logs, dim=1)

    def logits(self, embedding_BE: Tensor) -> Tensor:
        """Return (B,), the log-odds by the weighted posteriors."""
        log_left_BK, log_right_BK = embedding_BE.chunk(2, dim=1)
        return order_logit(log_left_BK, log_right_BK, self.rule_T + self.offset_T)

    def order_matrix(self) -> Tensor:
        """Return W as it is now.

        Returns:
            (10, 10) float32, antisymmetric; positive where the row's digit is larger.
        """
        larger_T, smaller_T = larger_and_smaller()
        weight_T = (self.rule_T + self.offset_T).detach().exp()
        matrix = weight_T.new_zeros(NUM_DIGITS, NUM_DIGITS)
        matrix[larger_T, smaller_T] = weight_T
        return matrix - matrix.T
