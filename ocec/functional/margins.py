"""Angular margins: logits from cosines, made harder for the true class in training.

Shapes: B images, D channels of the embedding, two classes (closed, open).
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

# squared sine below which the slope of the sine is taken as zero: it is infinite at 0
MIN_SQUARED_SINE = 1e-6
# an embedding shorter than this has no direction: dividing by its length would give
# gradients that half precision cannot hold
MIN_LENGTH = 1e-2


def cosine_scores(embedding_BD: Tensor, weight_2D: Tensor) -> Tensor:
    """Return the cosine of each embedding with the direction of each class.

    Computed in float32 under any autocast: in half precision a cosine near 1 has
    three digits, and 1 - 1e-7 is 1.

    Args:
        embedding_BD: (B, D); below a length of 0.01 the cosine goes to 0.
        weight_2D: (2, D), one direction per class.

    Returns:
        (B, 2) float32 in [-1, 1].

    Example:
        >>> cosine_scores(torch.tensor([[3.0, 4.0]]), torch.eye(2))
        tensor([[0.6000, 0.8000]])
    """
    with torch.autocast(embedding_BD.device.type, enabled=False):
        return F.linear(
            F.normalize(embedding_BD.float(), dim=1, eps=MIN_LENGTH),
            F.normalize(weight_2D.float(), dim=1),
        )


def cosface_logits(
    cosine_B2: Tensor, targets_B: Tensor, *, m: float, s: float
) -> Tensor:
    """Take the margin off the cosine of the true class: ``s * (cos - m * q)``.

    Args:
        cosine_B2: (B, 2) cosines of closed and open.
        targets_B: (B,) share of open in [0, 1]; a soft label shares the margin out.
        m: margin >= 0, in cosine.
        s: scale > 0.

    Returns:
        (B, 2) float32 logits.

    Source:
        Wang et al., CosFace, 2018, arXiv:1801.09414, eq. 4.

    Example:
        >>> cosface_logits(torch.tensor([[0.5, 0.5]]), torch.ones(1), m=0.25, s=8.0)
        tensor([[4., 2.]])
    """
    return s * (cosine_B2.float() - m * _both_shares(targets_B))


def arcface_logits(
    cosine_B2: Tensor, targets_B: Tensor, *, m: float, s: float
) -> Tensor:
    """Add the margin to the angle of the true class: ``s * cos(angle + m * q)``.

    Past ``pi - m`` the cosine would rise again; there it goes on as
    ``cos(angle) - m * sin(m)``, which keeps falling.

    Args:
        cosine_B2: (B, 2) cosines of closed and open.
        targets_B: (B,) share of open in [0, 1]; a soft label shares the margin out.
        m: margin in [0, pi / 2), in radians.
        s: scale > 0.

    Returns:
        (B, 2) float32 logits, with finite gradients also at a cosine of 1 or -1.

    Source:
        Deng et al., ArcFace, 2019, arXiv:1801.07698, eq. 3.

    Example:
        >>> right_angle = torch.tensor([[0.0, 0.0]])
        >>> arcface_logits(right_angle, torch.ones(1), m=math.pi / 6, s=8.0)
        tensor([[ 0., -4.]])
    """
    cosine_B2 = cosine_B2.float()
    margin_B2 = m * _both_shares(targets_B)
    sine_B2 = (1 - cosine_B2**2).clamp(min=MIN_SQUARED_SINE).sqrt()
    shifted_B2 = cosine_B2 * margin_B2.cos() - sine_B2 * margin_B2.sin()
    beyond_B2 = cosine_B2 - margin_B2 * margin_B2.sin()
    is_before_B2 = cosine_B2 > (math.pi - margin_B2).cos()
    return s * shifted_B2.where(is_before_B2 | (margin_B2 == 0), beyond_B2)


def _both_shares(targets_B: Tensor) -> Tensor:
    """Return (B, 2), the shares of closed and open."""
    targets_B = targets_B.float()
    return torch.stack((1 - targets_B, targets_B), dim=1)
