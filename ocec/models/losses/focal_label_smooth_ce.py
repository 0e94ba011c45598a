"""The training guide's focal loss with label smoothing. Shapes: B images."""

from torch import Tensor

from ocec.functional.losses import focal_label_smooth_ce
from ocec.models.losses.binary_loss import BinaryLoss, check_gamma, check_share
from ocec.registry import MODELS


@MODELS.register_module()
class FocalLabelSmoothCE(BinaryLoss):
    """Focal cross-entropy against smoothed targets.

    Args:
        smoothing: target mass of the wrong class, in [0, 1).
        gamma: exponent, 0 or >= 1.
        pos_weight: weight of the open class, > 0, or ``auto``.

    Raises:
        ValueError: an argument is out of range.

    Source:
        Formula: :func:`ocec.functional.losses.focal_label_smooth_ce`.
    """

    def __init__(
        self,
        smoothing: float = 0.05,
        gamma: float = 2.0,
        *,
        pos_weight: float | str = 1.0,
    ) -> None:
        super().__init__(pos_weight)
        check_share(smoothing, 'smoothing')
        check_gamma(gamma)
        self.smoothing = smoothing
        self.gamma = gamma

    def _per_image(self, logits_B: Tensor, targets_B: Tensor) -> Tensor:
        loss_B = focal_label_smooth_ce(
            logits_B, targets_B, smoothing=self.smoothing, gamma=self.gamma
        )
        return self._weighted(loss_B, targets_B)
