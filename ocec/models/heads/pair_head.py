"""What all heads for pairs share. Shapes: B pairs, D channels, E of the embedding."""

from __future__ import annotations

from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from ocec.functional.digit_pairs import NUM_DIGITS
from ocec.models.losses.zoo_loss import takes_reduction
from ocec.registry import MODELS
from ocec.structures import PairTargets

UNKNOWN_DIGIT = -1


class PairHead(BaseModule):
    """A head that says which of two images shows the larger digit.

    Subclasses implement ``embed`` and ``logits``. The logit is the log-odds that the
    left digit is larger.

    Args:
        in_channels: D of each feature vector; the classifier fills it in.
        loss: config of a loss of one logit (MODELS), or a module.
        digit_loss_weight: weight >= 0 of the cross-entropy of the digits themselves,
            from a linear layer on the features; 0 for none, and then no such layer.

    Raises:
        ValueError: ``digit_loss_weight`` is negative, or the loss is not made for one
            logit.
    """

    def __init__(
        self,
        in_channels: int,
        *,
        loss: dict | nn.Module | None = None,
        digit_loss_weight: float = 0.0,
    ) -> None:
        super().__init__()
        if digit_loss_weight < 0:
            raise ValueError(f'digit_loss_weight must be >= 0, got {digit_loss_weight}')
        loss = {'type': 'BCELoss', 'pos_weight': 1.0} if loss is None else loss
        self.loss_module = loss if isinstance(loss, nn.Module) else MODELS.build(loss)
        if (
            takes_reduction(self.loss_module)
            or getattr(self.loss_module, 'num_classes', 1) != 1
        ):
            raise ValueError(
                f'{type(self).__name__} gives one logit per pair, '
                f'{type(self.loss_module).__name__} takes two: take one of BCELoss, '
                'FocalLoss, FocalLabelSmoothCE, LabelSmoothLoss, SmoothFocalLoss'
            )
        self.digit_loss_weight = digit_loss_weight
        self.digit_fc = None
        if digit_loss_weight > 0:
            self.digit_fc = nn.Linear(in_channels, NUM_DIGITS)

    def init_weights(self) -> None:
        """Xavier-uniform linear layers with biases of 0; norms start as identity."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, (nn.BatchNorm1d, nn.LayerNorm)):
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)

    def embed(self, left_BD: Tensor, right_BD: Tensor) -> Tensor:
        """Return what the last step decides on.

        Args:
            left_BD: (B, D) features of the left images.
            right_BD: (B, D) of the right ones.

        Returns:
            (B, E).
        """
        raise NotImplementedError

    def logits(self, embedding_BE: Tensor) -> Tensor:
        """Return the log-odds that the left digit is larger.

        Args:
            embedding_BE: (B, E), what ``embed`` returned.

        Returns:
            (B,).
        """
        raise NotImplementedError

    def forward(self, left_BD: Tensor, right_BD: Tensor) -> Tensor:
        """Return the log-odds that the left digit is larger.

        Args:
            left_BD: (B, D) features of the left images.
            right_BD: (B, D) of the right ones.

        Returns:
            (B,).
        """
        return self.logits(self.embed(left_BD, right_BD))

    def digit_loss(
        self, left_BD: Tensor, right_BD: Tensor, targets: PairTargets
    ) -> Tensor:
        """Return the cross-entropy of the digits, weighted; unknown ones do not count.

        Args:
            left_BD: (B, D) features of the left images.
            right_BD: (B, D) of the right ones.
            targets: with ``digit_B2``.

        Returns:
            Scalar, nats times ``digit_loss_weight``; 0 where no digit is known.

        Raises:
            ValueError: the targets hold no digits.
        """
        if getattr(targets, 'digit_B2', None) is None:
            raise ValueError(
                f'digit_loss_weight={self.digit_loss_weight:g} needs to know the '
                'digits, and the dataset does not tell them: set '
                'model.head.digit_loss_weight=0'
            )
        total = known = 0
        for side, feat_BD in enumerate((left_BD, right_BD)):
            digit_B = targets.digit_B2[:, side]
            total = total + F.cross_entropy(
                self.digit_fc(feat_BD).float(),
                digit_B,
                ignore_index=UNKNOWN_DIGIT,
                reduction='sum',
            )
            known = known + (digit_B != UNKNOWN_DIGIT).sum()
        return self.digit_loss_weight * total / known.clamp(min=1)

    def log_values(self) -> dict[str, Tensor]:
        """Return scalars to write into the log beside the losses."""
        return {}
