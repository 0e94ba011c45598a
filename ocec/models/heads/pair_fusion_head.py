"""Several ways to put two feature vectors together. Shapes: B pairs, D channels.

F fusions.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import torch
from mmengine.logging import print_log
from torch import Tensor, nn
from torch.nn import functional as F

from ocec.models.heads.pair_head import PairHead
from ocec.models.layers.dense_stack import DenseStack
from ocec.models.layers.feature_attention import FeatureAttention
from ocec.registry import MODELS

# keeps the gradient of the root finite where both vectors are equal
DISTANCE_FLOOR = 1e-12


def distance(left_BD: Tensor, right_BD: Tensor) -> Tensor:
    """Return the Euclidean distance.

    Args:
        left_BD: (B, D).
        right_BD: (B, D).

    Returns:
        (B,) float32, >= 1e-6.
    """
    squares_B = (left_BD - right_BD).float().square().sum(dim=1)
    return (squares_B + DISTANCE_FLOOR).sqrt()


FUSIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    'diff': lambda a, b: (a - b).abs(),
    'concat': lambda a, b: torch.cat((a, b), dim=1),
    'product': lambda a, b: a * b,
    'cosine': lambda a, b: F.cosine_similarity(a.float(), b.float(), dim=1)[:, None],
    'l2': lambda a, b: distance(a, b)[:, None],
    'residual': lambda a, b: a - b,
}
# the others say the same of (a, b) and (b, a)
ORDERED = ('concat', 'residual')
SCALARS = ('cosine', 'l2')


@MODELS.register_module()
class FusionPairHead(PairHead):
    """One net per fusion, each with a logit of its own; a learnt mean of the logits.

    ============ ==================== ==================== =========
    fusion       input                layers               sees order
    ============ ==================== ==================== =========
    diff         abs(a - b), D        D/2 - D/4 - 1        no
    concat       a and b, 2 D         D - D/2 - 1          yes
    product      a * b, D             D/2 - D/4 - 1        no
    cosine       cos(a, b), 1         64 - 32 - 1          no
    l2           norm(a - b), 1       64 - 32 - 1          no
    residual     a - b, D             D/2 - D/4 - 1        yes
    ============ ==================== ==================== =========

    A fusion that does not see the order cannot tell which side is larger; it can tell
    how sure the others may be. The shares in the mean are a softmax, and are logged.

    Args:
        in_channels: D of each feature vector, >= 4; the classifier fills it in.
        fusions: which ones, without repetition.
        feature_attention: whether a gate on each feature vector comes first.
        dropout: probabilities in [0, 1) after the two hidden layers.
        loss: see :class:`ocec.models.heads.pair_head.PairHead`.
        digit_loss_weight: see :class:`ocec.models.heads.pair_head.PairHead`.

    Raises:
        ValueError: a fusion is unknown or comes twice, or there is none.

    Source:
        The fusion heads of the pair task; parameters with D = 256: 41,601, 165,121,
        41,601, 2,433, 2,433, 41,601 in the order above, one more for each share, and
        34,112 for the attention.
    """

    def __init__(
        self,
        in_channels: int,
        fusions: Sequence[str] = tuple(FUSIONS),
        *,
        feature_attention: bool = False,
        dropout: tuple[float, float] = (0.4, 0.3),
        loss: dict | nn.Module | None = None,
        digit_loss_weight: float = 0.0,
    ) -> None:
        super().__init__(in_channels, loss=loss, digit_loss_weight=digit_loss_weight)
        _check(fusions)
        self.fusions = tuple(fusions)
        self.attention = (
            FeatureAttention(in_channels) if feature_attention else nn.Identity()
        )
        self.nets = nn.ModuleDict(
            {name: _net(name, in_channels, dropout) for name in self.fusions}
        )
        self.share_logits = nn.Parameter(torch.zeros(len(self.fusions)))

    def embed(self, left_BD: Tensor, right_BD: Tensor) -> Tensor:
        """Return (B, F), the logit of each fusion."""
        left_BD, right_BD = self.attention(left_BD), self.attention(right_BD)
        logits = [
            self.nets[name](FUSIONS[name](left_BD, right_BD)) for name in self.fusions
        ]
        return torch.cat(logits, dim=1)

    def logits(self, embedding_BE: Tensor) -> Tensor:
        """Return (B,), the mean of the logits by the learnt shares."""
        return embedding_BE.float() @ self.share_logits.softmax(dim=0)

    def log_values(self) -> dict[str, Tensor]:
        """Return the share of each fusion in the mean; they sum to 1."""
        shares_F = self.share_logits.detach().softmax(dim=0)
        return {
            f'share_{n}': share for n, share in zip(self.fusions, shares_F, strict=True)
        }


def _net(name: str, in_channels: int, dropout: tuple[float, float]) -> nn.Sequential:
    width, widths = in_channels, (in_channels // 2, in_channels // 4)
    if name == 'concat':
        width, widths = 2 * in_channels, (in_channels, in_channels // 2)
    elif name in SCALARS:
        width, widths = 1, (64, 32)
    return nn.Sequential(DenseStack(width, widths, dropout), nn.Linear(widths[-1], 1))


def _check(fusions: Sequence[str]) -> None:
    unknown = [name for name in fusions if name not in FUSIONS]
    if unknown:
        raise ValueError(f'fusions must be of {tuple(FUSIONS)}, got {unknown[0]!r}')
    if not fusions or len(set(fusions)) < len(fusions):
        raise ValueError(
            f'fusions must be at least one, each once, got {tuple(fusions)}'
        )
    if not set(fusions) & set(ORDERED):
        print_log(
            f'fusions {tuple(fusions)} say the same when the sides are swapped, and '
            'cannot tell which is larger: add one of ' + ', '.join(ORDERED),
            'current',
            logging.WARNING,
        )
