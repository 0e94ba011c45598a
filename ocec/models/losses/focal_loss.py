"""Focal loss. Shapes: B images."""

from torch import Tensor

from ocec.functional.losses import focal_loss
from ocec.models.losses.binary_loss import BinaryLoss, check_gamma
from ocec.registry import MODELS


@MODELS.register_module()
class FocalLoss(BinaryLoss):
    """Cross-entropy that counts less where the model is right already.

    Args:
        gamma: exponent, 0 (plain cross-entropy) or >= 1.
        pos_weight: weight of the open class against 1 of the closed one, > 0, or
            ``auto``. The paper's alpha is ``pos_weight / (1 + pos_weight)``, up to
            the size of the loss.

    Raises:
        ValueError: an argument is out of range.

    Source:
        Formula: :func:`ocec.functional.losses.focal_loss`.
    """

    def __init__(self, gamma: float = 2.0, *, pos_weight: float | str = 1.0) -> None:
        super().__init__(pos_weight)
        check_gamma(gamma)
        self.gamma = gamma

    def _per_image(self, logits_B: Tensor, targets_B: Tensor) -> Tensor:
        loss_B = focal_loss(logits_B, targets_B, gamma=self.gamma)
        return self._weighted(loss_B, targets_B)
