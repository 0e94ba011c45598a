"""What all losses share: logits, targets, class weight. Shapes: B images."""

import math

import torch
from torch import Tensor, nn

from ocec.functional.losses import positive_weight
from ocec.functional.probability import open_logit


class BinaryLoss(nn.Module):
    """A loss per image of one or two logits against hard or soft labels.

    Two logits are reduced to their difference, whose sigmoid is P(open): a loss
    means the same for every head. Subclasses implement ``_per_image``.

    Args:
        pos_weight: weight of the open class, > 0; ``auto`` takes closed / open of
            the train split, which the runner tells before training. The weight is a
            buffer: a checkpoint carries it, so validation loss means the same later.

    Raises:
        ValueError: ``pos_weight`` is neither a positive number nor ``auto``.
    """

    def __init__(self, pos_weight: float | str) -> None:
        super().__init__()
        self.is_auto = pos_weight == 'auto'
        if not self.is_auto and not (
            isinstance(pos_weight, (int, float)) and 0 < pos_weight < math.inf
        ):
            raise ValueError(
                f"pos_weight must be finite and > 0, or 'auto', got {pos_weight!r}"
            )
        weight = math.nan if self.is_auto else float(pos_weight)
        self._configured = weight
        self.register_buffer('pos_weight', torch.tensor(weight))
        self._is_resolved = not self.is_auto

    def set_class_counts(self, num_closed: int, num_open: int) -> float:
        """Resolve ``auto``; a fixed weight is that of the config again.

        Loading a checkpoint of another run brings that run's weight.

        Args:
            num_closed: images of the closed class in the train split.
            num_open: images of the open class in the train split.

        Returns:
            The weight in use.
        """
        if self.is_auto:
            self.pos_weight.fill_(positive_weight(num_closed, num_open))
            self._is_resolved = True
        else:
            self.pos_weight.fill_(self._configured)
        return self.pos_weight.item()

    def forward(self, logits: Tensor, targets_B: Tensor) -> Tensor:
        """Return the loss of each image.

        Args:
            logits: (B,) or (B, 1) scores of open, or (B, 2) of closed and open.
            targets_B: (B,) 1 open, 0 closed, or soft labels in [0, 1].

        Returns:
            (B,) float32, nats.

        Raises:
            RuntimeError: ``auto`` was neither resolved nor loaded.
        """
        if not self._is_resolved:  # looked at until it is, then never again
            if self.pos_weight.isnan():
                raise RuntimeError(
                    "pos_weight='auto' needs the class counts of the train split: "
                    'train with tools/train.py, call set_class_counts(closed, open), '
                    'or load a trained checkpoint'
                )
            self._is_resolved = True
        return self._per_image(open_logit(logits), targets_B)

    def _per_image(self, logits_B: Tensor, targets_B: Tensor) -> Tensor:
        raise NotImplementedError

    def _weighted(self, loss_B: Tensor, targets_B: Tensor) -> Tensor:
        """Weigh the loss of each image by its share of open."""
        return loss_B * (1 + (self.pos_weight - 1) * targets_B.float())


def check_share(value: float, name: str) -> None:
    """Refuse what is not in [0, 1).

    Args:
        value: the setting.
        name: its name.

    Raises:
        ValueError: it is out of range.
    """
    if not 0 <= value < 1:
        raise ValueError(f'{name} must be in [0, 1), got {value}')


def check_gamma(gamma: float) -> None:
    """Refuse an exponent below 1 other than 0.

    Args:
        gamma: the setting.

    Raises:
        ValueError: it is out of range.
    """
    if not (gamma == 0 or gamma >= 1):
        raise ValueError(
            'gamma must be 0 or >= 1 (in between the gradient is infinite where the '
            f'model is right), got {gamma}'
        )
