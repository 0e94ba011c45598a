"""Fully connected layers with batch norm. Shapes: B images, D channels."""

from collections.abc import Sequence

from torch import Tensor, nn


class DenseStack(nn.Module):
    """Linear, batch norm, ReLU, dropout; once per width.

    Args:
        in_channels: D of the input.
        widths: units of each layer, at least one.
        dropouts: probability in [0, 1) after each layer, as many as widths.

    Raises:
        ValueError: as many dropouts as widths are needed, each in [0, 1).
    """

    def __init__(
        self, in_channels: int, widths: Sequence[int], dropouts: Sequence[float]
    ) -> None:
        super().__init__()
        if len(widths) != len(dropouts) or not widths:
            raise ValueError(
                f'one dropout per layer: got {len(widths)} widths and {len(dropouts)} '
                'dropouts'
            )
        layers: list[nn.Module] = []
        for width, dropout in zip(widths, dropouts, strict=True):
            check_dropout(dropout)
            layers += [
                nn.Linear(in_channels, width),
                nn.BatchNorm1d(width),
                nn.ReLU(inplace=True),
                nn.Dropout(dropout),
            ]
            in_channels = width
        self.layers = nn.Sequential(*layers)
        self.out_channels = in_channels

    def forward(self, x_BD: Tensor) -> Tensor:
        """Return (B, last width)."""
        return self.layers(x_BD)


def check_dropout(dropout: float) -> None:
    """Refuse what is no probability of dropping.

    Args:
        dropout: the setting.

    Raises:
        ValueError: it is not in [0, 1).
    """
    if not 0 <= dropout < 1:
        raise ValueError(f'dropout must be in [0, 1), got {dropout}')
