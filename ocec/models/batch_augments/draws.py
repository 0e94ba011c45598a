"""Settings of random augmentations: checked ranges, and draws per image.

Every draw comes from torch's CPU generator and every batch of a size takes the same
number of them, so that a seed gives the same settings on every device.
"""

import math

from torch import Tensor

# B images


def check_probability(prob: float) -> None:
    """Refuse what is no probability.

    Args:
        prob: a number in [0, 1].

    Raises:
        ValueError: prob is out of range.
    """
    if not 0 <= prob <= 1:
        raise ValueError(f'prob must be in [0, 1], got {prob}')


def check_range(
    limits: tuple[float, float], name: str, *, lowest: float, highest: float = math.inf
) -> None:
    """Refuse what is no range within bounds.

    Args:
        limits: (low, high).
        name: of the argument, for the message.
        lowest: smallest allowed low.
        highest: largest allowed high.

    Raises:
        ValueError: not two numbers, in the wrong order or out of bounds.
    """
    if len(limits) != 2 or not lowest <= limits[0] <= limits[1] <= highest:
        raise ValueError(
            f'{name} must be (low, high) with {lowest} <= low <= high <= {highest}, '
            f'got {limits}'
        )


def check_counts(
    limits: tuple[int, int], name: str, *, lowest: int = 1, highest: float = math.inf
) -> None:
    """Refuse what is no range of whole numbers.

    Args:
        limits: (low, high), both included.
        name: of the argument, for the message.
        lowest: smallest allowed low.
        highest: largest allowed high.

    Raises:
        ValueError: not two whole numbers, in the wrong order or out of bounds.
    """
    check_range(limits, name, lowest=lowest, highest=highest)
    if any(int(limit) != limit for limit in limits):
        raise ValueError(f'{name} must be whole numbers, got {limits}')


def spread(share: Tensor, limits: tuple[float, float]) -> Tensor:
    """Map shares to a range.

    Args:
        share: any shape, in [0, 1).
        limits: (low, high).

    Returns:
        The same shape, float32, in [low, high].

    Example:
        >>> import torch
        >>> spread(torch.tensor([0.0, 0.5]), (2.0, 4.0))
        tensor([2., 3.])
    """
    return limits[0] + (limits[1] - limits[0]) * share


def spread_counts(share: Tensor, limits: tuple[int, int]) -> Tensor:
    """Map shares to the whole numbers of a range, all equally likely.

    Args:
        share: any shape, float32 in [0, 1).
        limits: (low, high), both included.

    Returns:
        The same shape, int64, in [low, high].

    Example:
        >>> import torch
        >>> spread_counts(torch.tensor([0.0, 0.6, 0.9]), (1, 3))
        tensor([1, 2, 3])
    """
    low, high = limits
    # float32 rounds the largest share times a count up to the count
    return (share * (high - low + 1)).floor().long().clamp_(max=high - low) + low
