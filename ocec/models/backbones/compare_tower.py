"""The plain tower of stage 0. Shapes: B images, C channels, H x W pixels."""

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from ocec.models.backbones.block_plan import name_stages
from ocec.models.backbones.weight_init import init_ocec_weights
from ocec.models.layers.dense_stack import check_dropout
from ocec.models.layers.global_pool import global_mean
from ocec.registry import MODELS


@MODELS.register_module()
class CompareTower(BaseModule):
    """Three 3x3 convolutions, two max-pools, the mean of the map, one linear layer.

    Args:
        widths: channels of the convolutions, at least one, each > 0; a max-pool of
            2x2 stands between two of them.
        feat_dim: length D of the feature vector, > 0.
        dropout: probability in [0, 1) at the end.
        in_channels: channels of the image.

    Raises:
        ValueError: an argument is out of range.

    Source:
        The plain compare net of the pair task; 109,632 parameters with the default
        widths. Its convolutions have biases, though batch norm takes them away again.
    """

    def __init__(
        self,
        widths: Sequence[int] = (32, 64, 128),
        feat_dim: int = 128,
        *,
        dropout: float = 0.1,
        in_channels: int = 1,
    ) -> None:
        super().__init__()
        check_dropout(dropout)
        if not widths or min(*widths, feat_dim) < 1:
            raise ValueError(
                f'widths and feat_dim must be >= 1, got {tuple(widths)} and {feat_dim}'
            )
        layers: list[nn.Module] = []
        for index, width in enumerate(widths):
            if index:
                layers.append(nn.MaxPool2d(2))
            layers += [
                nn.Conv2d(in_channels, width, 3, padding=1),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
            in_channels = width
        self.convs = nn.Sequential(*layers)
        self.projection = nn.Sequential(
            nn.Linear(in_channels, feat_dim), nn.ReLU(inplace=True), nn.Dropout(dropout)
        )
        self.out_channels = feat_dim

    def init_weights(self) -> None:
        """Kaiming-normal convolutions (fan out), Xavier-uniform linear layers."""
        init_ocec_weights(self)

    def stage_modules(self) -> dict[str, list[nn.Module]]:
        """Return the stages, from the image on: ``stem``, ``blocks.0`` ... ``neck``."""
        starts = [i for i, m in enumerate(self.convs) if isinstance(m, nn.Conv2d)]
        ends = [*starts[1:], len(self.convs)]
        convs = [self.convs[i:j] for i, j in zip(starts, ends, strict=True)]
        return {**name_stages(convs[0], convs[1:]), 'neck': [self.projection]}

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the features, (B, feat_dim)."""
        return self.projection(global_mean(self.convs(x_BCHW)))
