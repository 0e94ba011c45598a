"""Head ``transformer`` of OCEC. Shapes: B images, T tokens, C channels."""

from __future__ import annotations

from torch import nn

from ocec.models.heads.token_head import TokenHead
from ocec.models.layers.encoder_layer import EncoderLayer
from ocec.registry import MODELS

MIN_FFN_CHANNELS = 128


@MODELS.register_module()
class TransformerHead(TokenHead):
    """A few tokens through pre-norm encoder layers, without position embedding.

    Args:
        in_channels: channels C of the feature map; the classifier fills it in from
            the backbone.
        num_classes: logits per image, 1 or 2.
        feature_size: (H, W) of the feature map; the classifier fills it in from the
            backbone and the image size.
        token_grid: (rows, columns) of tokens, which must divide the map; None takes
            the one nearest to 2x4.
        num_layers: encoder layers, >= 1; their feed-forward nets have max(128, 2 C)
            units.
        dropout: probability in [0, 1), inside the layers and before the last one.
        loss: see :class:`ocec.models.heads.base_head.BaseHead`.
        margin: see :class:`ocec.models.heads.base_head.BaseHead`.

    Raises:
        ValueError: the grid does not divide the feature map, the feature size is not
            known, or ``num_layers`` is not positive.

    Source:
        OCEC (github.com/PINTO0309/OCEC), head ``transformer``.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int = 1,
        *,
        feature_size: tuple[int, int] | None = None,
        token_grid: tuple[int, int] | None = None,
        num_layers: int = 2,
        dropout: float = 0.3,
        loss: dict | nn.Module | None = None,
        margin: dict | None = None,
    ) -> None:
        super().__init__(
            in_channels,
            num_classes,
            feature_size=feature_size,
            token_grid=token_grid,
            dropout=dropout,
            loss=loss,
            margin=margin,
        )
        if num_layers < 1:
            raise ValueError(f'num_layers must be >= 1, got {num_layers}')
        ffn_channels = max(MIN_FFN_CHANNELS, 2 * in_channels)
        self.layers = nn.Sequential(
            *(
                EncoderLayer(in_channels, ffn_channels, dropout=dropout)
                for _ in range(num_layers)
            )
        )
