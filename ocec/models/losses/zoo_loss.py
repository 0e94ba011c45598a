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
    """A softmax loss of mmpretrain, giving one loss per image.

    Only losses of a softmax over both logits are taken: a loss with a sigmoid for
    each of them trains another probability than the one that is reported.

    Args:
        loss: the loss, for two logits.

    Raises:
        ValueError: the loss is not one of a softmax, or takes no soft labels.
    """

    num_classes = 2

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss
        self._check()

    def forward(self, logits_B2: Tensor, targets_B: Tensor) -> Tensor:
        """Return the loss of each image.

        Args:
            logits_B2: (B, 2) scores of closed and open.
            targets_B: (B,) 1 open, 0 closed, or soft labels in [0, 1]; the loss gets
                them as (B, 2) shares of both classes.

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
        targets_B = targets_B.float()
        shares_B2 = torch.stack((1 - targets_B, targets_B), dim=1)
        loss = self.loss(logits_B2.float(), shares_B2, reduction_override='none')
        return loss.flatten(1).sum(dim=1) if loss.ndim > 1 else loss

    def _check(self) -> None:
        """Try the loss on two logits, and on the same ones moved together."""
        name = type(self.loss).__name__
        logits_B2, targets_B = torch.tensor([[0.3, -0.2]]), torch.tensor([0.8])
        try:
            with torch.no_grad():
                plain_B = self(logits_B2, targets_B)
                moved_B = self(logits_B2 + 1, targets_B)
        except (RuntimeError, ValueError, IndexError, AssertionError) as error:
            raise ValueError(
                f'mmpretrain.{name} takes no soft labels of two classes ({error}): '
                'take one of BCELoss, FocalLoss, FocalLabelSmoothCE, LabelSmoothLoss'
            ) from error
        if not torch.allclose(plain_B, moved_B, atol=1e-5):
            raise ValueError(
                f'mmpretrain.{name} is no softmax loss as it is set: it would train '
                'another P(open) than the one that is reported. Take one of BCELoss, '
                'FocalLoss, FocalLabelSmoothCE, LabelSmoothLoss, or leave out '
                'use_sigmoid'
            )
