"""Head ``auto`` of OCEC: the one that belongs to the backbone."""

from __future__ import annotations

from torch import nn

from ocec.models.heads.base_head import BaseHead
from ocec.models.heads.token_head import TokenHead
from ocec.registry import MODELS


@MODELS.register_module(name='AutoHead')
def build_auto_head(
    in_channels: int,
    num_classes: int = 1,
    *,
    default_head: str = 'AvgHead',
    feature_size: tuple[int, int] | None = None,
    token_grid: tuple[int, int] | None = None,
    num_layers: int | None = None,
    dropout: float = 0.3,
    loss: dict | nn.Module | None = None,
    margin: dict | None = None,
) -> BaseHead:
    """Build the head that the backbone names as its own.

    ``OCECBaseline``: AvgHead; ``OCECInvertedSE``: AvgMaxMLPHead; ``OCECConvNeXt``:
    TransformerHead.

    Args:
        in_channels: channels of the feature map; the classifier fills it in.
        num_classes: logits per image, 1 or 2.
        default_head: registered name of the head; the classifier takes it from the
            backbone.
        feature_size: (H, W) of the feature map; the classifier fills it in.
        token_grid: of a head with tokens; None takes the one nearest to 2x4.
        num_layers: of a head with tokens; None takes two.
        dropout: probability in [0, 1).
        loss: see :class:`ocec.models.heads.base_head.BaseHead`.
        margin: see :class:`ocec.models.heads.base_head.BaseHead`.

    Returns:
        The head.

    Raises:
        ValueError: settings of tokens for a head that has none.
    """
    settings = {
        'in_channels': in_channels,
        'num_classes': num_classes,
        'dropout': dropout,
        'loss': loss,
        'margin': margin,
    }
    head_class = MODELS.get(default_head)
    of_tokens = {'token_grid': token_grid, 'num_layers': num_layers}
    of_tokens = {key: value for key, value in of_tokens.items() if value is not None}
    if issubclass(head_class, TokenHead):
        return head_class(**settings, feature_size=feature_size, **of_tokens)
    if of_tokens:
        raise ValueError(
            f'the head of this backbone is {default_head}, which has no tokens: leave '
            f'out {" and ".join(of_tokens)}, or set head.type'
        )
    return head_class(**settings)
