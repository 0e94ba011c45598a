"""Binary cross-entropy with class weights. Shapes: B images."""

from torch import Tensor

from ocec.functional.losses import binary_cross_entropy
from ocec.models.losses.binary_loss import BinaryLoss
from ocec.registry import MODELS


@MODELS.register_module()
class BCELoss(BinaryLoss):
    """Binary cross-entropy; on two logits it is their softmax cross-entropy.

    Args:
        pos_weight: weight of the open class, > 0, or ``auto``, see
            :class:`ocec.models.losses.binary_loss.BinaryLoss`.

    Source:
        Formula: :func:`ocec.functional.losses.binary_cross_entropy`.
    """

    def __init__(self, pos_weight: float | str = 'auto') -> None:
        super().__init__(pos_weight)

    def _per_image(self, logits_B: Tensor, targets_B: Tensor) -> Tensor:
        return binary_cross_entropy(logits_B, targets_B, pos_weight=self.pos_weight)
