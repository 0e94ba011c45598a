"""Losses as plain functions of tensors: no registry, no config, no reduction.

The classes in ``ocec/models/losses`` add settings and registration.
Shapes: B images in the batch.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

# keeps the logarithm of a probability finite
LOG_FLOOR = 1e-7


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
    _check_shapes(logits_B, targets_B)
    logits_B = logits_B.float()
    return F.binary_cross_entropy_with_logits(
        logits_B,
        targets_B.float(),
        pos_weight=torch.as_tensor(pos_weight, device=logits_B.device),
        reduction='none',
    )


def smooth_labels(targets_B: Tensor, smoothing: float) -> Tensor:
    """Move targets towards one half.

    Args:
        targets_B: (B,) 1.0 for open, 0.0 for closed, or soft labels in [0, 1].
        smoothing: mass e in [0, 1] that is spread over both classes.

    Returns:
        (B,) float32, ``y * (1 - e) + e / 2``.

    Source:
        Szegedy et al., 2016, arXiv:1512.00567, section 7.

    Example:
        >>> smooth_labels(torch.tensor([1.0, 0.0]), 0.1)
        tensor([0.9500, 0.0500])
    """
    return targets_B.float() * (1 - smoothing) + smoothing / 2


def focal_loss(logits_B: Tensor, targets_B: Tensor, *, gamma: float = 2.0) -> Tensor:
    """Cross-entropy that counts less where the model is right already.

    ``L = (1 - p_t)^gamma * CE``, with ``p_t = y * p + (1 - y) * (1 - p)``, which for
    a hard label is the probability of the true class.

    Args:
        logits_B: (B,) log-odds of open.
        targets_B: (B,) 1.0 for open, 0.0 for closed; soft labels in [0, 1] too.
        gamma: exponent, 0 (plain cross-entropy) or >= 1: in between the gradient is
            infinite where the model is sure and right.

    Returns:
        (B,) loss of each image in nats, not reduced.

    Raises:
        ValueError: the shapes differ.

    Source:
        Lin et al., 2017, arXiv:1708.02002, eq. 4; without the weight alpha.

    Example:
        >>> focal_loss(torch.zeros(1), torch.ones(1), gamma=1.0)
        tensor([0.3466])
    """
    ce_B = binary_cross_entropy(logits_B, targets_B)
    targets_B = targets_B.float()
    logits_B = logits_B.float()
    # 1 - p_t, written so that nothing cancels where p_t is close to 1
    missing_B = targets_B * (-logits_B).sigmoid() + (1 - targets_B) * logits_B.sigmoid()
    return missing_B**gamma * ce_B


def focal_label_smooth_ce(
    logits_B: Tensor, targets_B: Tensor, *, smoothing: float = 0.05, gamma: float = 2.0
) -> Tensor:
    """Focal cross-entropy against smoothed targets, as the training guide has it.

    ``L = (1 - p_t)^gamma * -sum_j q_j * log(p_j + 1e-7)``: the true class gets
    q = 1 - e, the other one e (not e / 2); p_t is the probability of the true class.
    The guide's code turned one logit z into the pair (-z, z) and thereby trained
    sigmoid(2 z) while it reported sigmoid(z); here it is sigmoid(z) in both places.

    Args:
        logits_B: (B,) log-odds of open.
        targets_B: (B,) 1.0 for open, 0.0 for closed; soft labels in [0, 1] too.
        smoothing: e in [0, 1].
        gamma: exponent, 0 or >= 1.

    Returns:
        (B,) loss of each image in nats, not reduced.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> focal_label_smooth_ce(torch.zeros(1), torch.ones(1))
        tensor([0.1733])
    """
    _check_shapes(logits_B, targets_B)
    targets_B = targets_B.float()
    logits_B = logits_B.float()
    open_B, closed_B = logits_B.sigmoid(), (-logits_B).sigmoid()
    smooth_B = targets_B * (1 - smoothing) + (1 - targets_B) * smoothing
    ce_B = (
        -smooth_B * (open_B + LOG_FLOOR).log()
        - (1 - smooth_B) * (closed_B + LOG_FLOOR).log()
    )
    missing_B = targets_B * closed_B + (1 - targets_B) * open_B
    return missing_B**gamma * ce_B


def smooth_focal_loss(
    logits_B: Tensor, targets_B: Tensor, *, smoothing: float = 0.1, gamma: float = 2.0
) -> Tensor:
    """Focal loss whose p_t is that of the smoothed cross-entropy.

    ``L = (1 - exp(-CE))^gamma * CE``, with CE against :func:`smooth_labels`. Without
    smoothing it is :func:`focal_loss`. With it, exp(-CE) never reaches 1: the loss of
    a perfect model is 0.0064 for the default arguments, not 0.

    Args:
        logits_B: (B,) log-odds of open.
        targets_B: (B,) 1.0 for open, 0.0 for closed; soft labels in [0, 1] too.
        smoothing: mass in [0, 1] that is spread over both classes.
        gamma: exponent, 0 or >= 1.

    Returns:
        (B,) loss of each image in nats, not reduced.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> smooth_focal_loss(torch.zeros(1), torch.ones(1))
        tensor([0.1733])
    """
    ce_B = binary_cross_entropy(logits_B, smooth_labels(targets_B, smoothing))
    return (-torch.expm1(-ce_B)) ** gamma * ce_B


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


def _check_shapes(logits_B: Tensor, targets_B: Tensor) -> None:
    if logits_B.shape != targets_B.shape:
        raise ValueError(
            f'logits and targets must have one shape, got {tuple(logits_B.shape)} '
            f'and {tuple(targets_B.shape)}'
        )
