"""Focal loss on smoothed labels, as the pair recipes have it. Shapes: B images."""

from torch import Tensor

from ocec.functional.losses import smooth_focal_loss
from ocec.models.losses.binary_loss import BinaryLoss, check_gamma, check_share
from ocec.registry import MODELS


@MODELS.register_module()
class SmoothFocalLoss(BinaryLoss):
    """Focal loss whose modulating factor comes from the smoothed cross-entropy.

    The scale alpha of the pair recipes is 1; it is no class weight there.

    Args:
        label_smooth_val: mass in [0, 1) spread over both classes; 0.1 makes 0.95 and
            0.05 of 1 and 0.
        gamma: exponent, 0 or >= 1.
        pos_weight: weight of label 1, > 0, or ``auto``.

    Raises:
        ValueError: an argument is out of range.

    Source:
        Formula: :func:`ocec.functional.losses.smooth_focal_loss`.
    """

    def __init__(
        self,
        label_smooth_val: float = 0.1,
        gamma: float = 2.0,
        *,
        pos_weight: float | str = 1.0,
    ) -> None:
        super().__init__(pos_weight)
        check_share(label_smooth_val, 'label_smooth_val')
        check_gamma(gamma)
        self.label_smooth_val = label_smooth_val
        self.gamma = gamma

    def _per_image(self, logits_B: Tensor, targets_B: Tensor) -> Tensor:
        loss_B = smooth_focal_loss(
            logits_B, targets_B, smoothing=self.label_smooth_val, gamma=self.gamma
        )
        return self._weighted(loss_B, targets_B)
