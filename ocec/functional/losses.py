"""Losses as plain functions of tensors: no registry, no config, no reduction.

The classes in ``ocec/models/losses`` add settings and registration.
Shapes: B images in the batch.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def binary_cross_entropy(
    logits_B: Tensor, targets_B: Tensor, *, pos_weight: Tensor | float = 1.0
) -> Tensor:
    """Binary cross-entropy on one logit, with a weight on the open class.

    ``L = -(w * y * log p + (1 - y) * log(1 - p))``, p = sigmoid(logit).

    Args:
        logits_B: (B,) scores of open before the sigmoid.
        targets_B: (B,) 1.0 for open, 0.0 for closed; soft labels in [0, 1] too.
        pos_weight: w > 0, weight of the open class; usually closed / open.

    Returns:
        (B,) loss of each image in nats, not reduced.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> binary_cross_entropy(torch.zeros(2), torch.tensor([1.0, 0.0]), pos_weight=2)
        tensor([1.3863, 0.6931])
    """
    if logits_B.shape != targets_B.shape:
        raise ValueError(
            f'logits and targets must have one shape, got {tuple(logits_B.shape)} '
            f'and {tuple(targets_B.shape)}'
        )
    logits_B = logits_B.float()
    return F.binary_cross_entropy_with_logits(
        logits_B,
        targets_B.float(),
        pos_weight=torch.as_tensor(pos_weight, device=logits_B.device),
        reduction='none',
    )


def positive_weight(num_closed: int, num_open: int) -> float:
    """Weight of the open class that gives both classes one total weight.

    Args:
        num_closed: images of the negative class in the train split, >= 0.
        num_open: images of the positive class in the train split, >= 0.

    Returns:
        closed / open; 1.0 when a class is missing, as nothing can balance it.

    Raises:
        ValueError: a count is negative.

    Example:
        >>> round(positive_weight(468, 532), 3)
        0.88
    """
    if num_closed < 0 or num_open < 0:
        raise ValueError(f'counts must be >= 0, got {num_closed} and {num_open}')
    if num_closed == 0 or num_open == 0:
        return 1.0
    return num_closed / num_open
