"""Head ``avg`` of OCEC. Shapes: B images, C channels, H x W cells."""

from mmengine.model import BaseModule
from torch import Tensor, nn

from ocec.registry import MODELS


@MODELS.register_module()
class AvgHead(BaseModule):
    """Global average, batch norm, dropout, one linear layer.

    Args:
        in_channels: channels C of the feature map; the classifier fills it in from
            the backbone.
        num_classes: logits per image: 1, the score of open for a sigmoid.
        dropout: probability in [0, 1).
        loss: config of a loss (MODELS) that maps (B,) logits and (B,) targets to
            (B,) losses, or a module.

    Raises:
        ValueError: ``num_classes`` or ``dropout`` is out of range, or the loss is
            made for another number of logits.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int = 1,
        *,
        dropout: float = 0.3,
        loss: dict | nn.Module | None = None,
    ) -> None:
        super().__init__()
        if not 0 <= dropout < 1:
            raise ValueError(f'dropout must be in [0, 1), got {dropout}')
        loss = {'type': 'BCELoss'} if loss is None else loss
        self.loss_module = loss if isinstance(loss, nn.Module) else MODELS.build(loss)
        if num_classes != 1:
            raise ValueError(
                'AvgHead takes num_classes=1 (one logit, the score of open), '
                f'got {num_classes}'
            )
        accepted = getattr(self.loss_module, 'num_classes', num_classes)
        if accepted != num_classes:
            raise ValueError(
                f'AvgHead gives {num_classes} logit per image, '
                f'{type(self.loss_module).__name__} takes {accepted}'
            )
        self.norm = nn.BatchNorm1d(in_channels)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(in_channels, num_classes)

    def init_weights(self) -> None:
        """Xavier-uniform linear layer; batch norm starts as identity."""
        nn.init.xavier_uniform_(self.fc.weight)
        nn.init.zeros_(self.fc.bias)
        nn.init.ones_(self.norm.weight)
        nn.init.zeros_(self.norm.bias)

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return the logits.

        Args:
            feats: feature maps; the last one, (B, C, H, W), is used.

        Returns:
            (B,) scores of open before the sigmoid.
        """
        pooled_BC = feats[-1].mean(dim=(2, 3))
        return self.fc(self.dropout(self.norm(pooled_BC)))[:, 0]
