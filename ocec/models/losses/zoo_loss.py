"""Losses of mmpretrain behind our interface. Shapes: B images, two classes."""

import inspect

import torch
from torch import Tensor, nn


def takes_reduction(loss: nn.Module) -> bool:
    """Whether a loss has mmpretrain's argument ``reduction_override``.

    Args:
        loss: any loss.

    Returns:
        True for the losses of mmpretrain that classify.
    """
    return 'reduction_override' in inspect.signature(loss.forward).parameters


class ZooLoss(nn.Module):
    """A loss of mmpretrain, giving one loss per image.

    Args:
        loss: the loss, for two logits.
    """

    num_classes = 2

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, logits_B2: Tensor, targets_B: Tensor) -> Tensor:
        """Return the loss of each image.

        Args:
            logits_B2: (B, 2) scores of closed and open.
            targets_B: (B,) int64, 1 open, 0 closed, or float soft labels in [0, 1],
                which the loss gets as (B, 2) shares.

        Returns:
            (B,) float32, nats.

        Raises:
            ValueError: the logits are not (B, 2).
        """
        if logits_B2.ndim != 2 or logits_B2.shape[1] != 2:
            raise ValueError(
                f'{type(self.loss).__name__} takes (B, 2) logits, got '
                f'{tuple(logits_B2.shape)}: set model.head.num_classes=2'
            )
        if targets_B.is_floating_point():
            targets = torch.stack((1 - targets_B, targets_B), dim=1)
        else:
            targets = targets_B
        loss = self.loss(logits_B2.float(), targets, reduction_override='none')
        return loss.flatten(1).sum(dim=1) if loss.ndim > 1 else loss
