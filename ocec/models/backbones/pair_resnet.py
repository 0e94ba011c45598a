"""Residual tower of the pair task. Shapes: B images, C channels, H x W pixels."""

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from ocec.models.backbones.weight_init import init_ocec_weights
from ocec.models.layers.dense_stack import DenseStack
from ocec.models.layers.global_pool import global_mean
from ocec.models.layers.resnet_stages import ResNetStages
from ocec.registry import MODELS


@MODELS.register_module()
class PairResNet(BaseModule):
    """Three residual stages, the mean of the last map, two linear layers.

    Args:
        layers: blocks of each of the three stages, >= 1.
        width_mult: scales the widths 64, 128 and 256, > 0.
        block: ``basic`` or ``bottleneck``.
        attention: ``se``, ``cbam`` or ``none``, at the end of each stage.
        feat_dim: length D of the feature vector, > 0.
        dropout: probabilities in [0, 1) after the two linear layers.
        in_channels: channels of the image.
        stem_stride: 1, or 2 to halve the image at once.
        with_cp: in training, compute the inside of the blocks again in the backward
            pass instead of keeping it: less memory, more time.

    Raises:
        ValueError: an argument is out of range.

    Source:
        The residual towers of the pair task; parameter counts: 2,917,312 for
        (2, 2, 2), 4,467,392 for (3, 3, 3), 4,498,512 for (2, 2, 2) at width 1.25.
        Layers: :class:`ocec.models.layers.resnet_stages.ResNetStages`.
    """

    def __init__(
        self,
        layers: Sequence[int] = (2, 2, 2),
        width_mult: float = 1.0,
        *,
        block: str = 'basic',
        attention: str = 'se',
        feat_dim: int = 256,
        dropout: tuple[float, float] = (0.4, 0.3),
        in_channels: int = 1,
        stem_stride: int = 1,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        self.stages = ResNetStages(
            layers,
            width_mult=width_mult,
            block=block,
            attention=attention,
            in_channels=in_channels,
            stem_stride=stem_stride,
            with_cp=with_cp,
        )
        self.projection = DenseStack(
            self.stages.stage_channels[-1], (feat_dim, feat_dim), dropout
        )
        self.out_channels = feat_dim

    def init_weights(self) -> None:
        """Kaiming-normal convolutions (fan out), Xavier-uniform linear layers."""
        init_ocec_weights(self)

    def stage_modules(self) -> dict[str, list[nn.Module]]:
        """Return the stages, from the image on: ``stem``, ``blocks.0`` ... ``neck``."""
        return {**self.stages.stage_modules(), 'neck': [self.projection]}

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the features, (B, feat_dim)."""
        return self.projection(global_mean(self.stages(x_BCHW)[-1]))
