"""Cross-entropy against smoothed labels. Shapes: B images."""

from torch import Tensor

from ocec.functional.losses import binary_cross_entropy, smooth_labels
from ocec.models.losses.binary_loss import BinaryLoss, check_share
from ocec.registry import MODELS


@MODELS.register_module()
class LabelSmoothLoss(BinaryLoss):
    """Cross-entropy against labels that leave some mass to the other class.

    Args:
        label_smooth_val: mass in [0, 1) spread over both classes; 0.1 makes 0.95 and
            0.05 of 1 and 0.
        pos_weight: weight of the open class, > 0, or ``auto``.

    Raises:
        ValueError: an argument is out of range.

    Source:
        Formula: :func:`ocec.functional.losses.smooth_labels`.
    """

    def __init__(
        self, label_smooth_val: float = 0.1, *, pos_weight: float | str = 1.0
    ) -> None:
        super().__init__(pos_weight)
        check_share(label_smooth_val, 'label_smooth_val')
        self.label_smooth_val = label_smooth_val

    def _per_image(self, logits_B: Tensor, targets_B: Tensor) -> Tensor:
        smooth_B = smooth_labels(targets_B, self.label_smooth_val)
        return self._weighted(binary_cross_entropy(logits_B, smooth_B), targets_B)
