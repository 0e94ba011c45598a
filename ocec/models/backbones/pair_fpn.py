"""Tower with a feature pyramid. Shapes: B images, C channels, H x W pixels."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from ocec.models.backbones.weight_init import init_ocec_weights
from ocec.models.layers.dense_stack import DenseStack
from ocec.models.layers.global_pool import global_mean
from ocec.models.layers.resnet_stages import ResNetStages
from ocec.registry import MODELS


@MODELS.register_module()
class PairFPN(BaseModule):
    """Three residual stages, a top-down pyramid over them, all levels together.

    Each stage is brought to one width (1x1), the coarser level, enlarged, is added,
    and the sum is smoothed (3x3). The means of the three levels are joined and
    projected.

    Args:
        layers: blocks of each of the three stages, >= 1.
        width_mult: scales the widths 64, 128 and 256, > 0.
        pyramid_channels: width of the pyramid, > 0.
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
        Lin et al., Feature Pyramid Networks for Object Detection, CVPR 2017,
        arXiv:1612.03144, Fig. 3; nearest-neighbour enlarging, no activations in the
        pyramid.
    """

    def __init__(
        self,
        layers: Sequence[int] = (2, 2, 2),
        width_mult: float = 1.0,
        *,
        pyramid_channels: int = 128,
        block: str = 'basic',
        attention: str = 'se',
        feat_dim: int = 256,
        dropout: tuple[float, float] = (0.4, 0.3),
        in_channels: int = 1,
        stem_stride: int = 1,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        if pyramid_channels < 1:
            raise ValueError(f'pyramid_channels must be >= 1, got {pyramid_channels}')
        self.stages = ResNetStages(
            layers,
            width_mult=width_mult,
            block=block,
            attention=attention,
            in_channels=in_channels,
            stem_stride=stem_stride,
            with_cp=with_cp,
        )
        self.laterals = nn.ModuleList(
            nn.Conv2d(channels, pyramid_channels, 1)
            for channels in self.stages.stage_channels
        )
        self.smooths = nn.ModuleList(
            nn.Conv2d(pyramid_channels, pyramid_channels, 3, padding=1)
            for _ in self.stages.stage_channels
        )
        self.projection = DenseStack(
            pyramid_channels * len(self.laterals), (feat_dim, feat_dim), dropout
        )
        self.out_channels = feat_dim

    def init_weights(self) -> None:
        """Kaiming-normal convolutions (fan out), Xavier-uniform linear layers."""
        init_ocec_weights(self)

    def stage_modules(self) -> dict[str, list[nn.Module]]:
        """Return the stages, from the image on: ``stem``, ``blocks.0`` ... ``neck``."""
        neck = [self.laterals, self.smooths, self.projection]
        return {**self.stages.stage_modules(), 'neck': neck}

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return the features, (B, feat_dim)."""
        pooled = [global_mean(level) for level in self.pyramid(x_BCHW)]
        return self.projection(torch.cat(pooled, dim=1))

    def pyramid(self, x_BCHW: Tensor) -> tuple[Tensor, ...]:
        """Compute the levels of the pyramid.

        Args:
            x_BCHW: (B, in_channels, H, W).

        Returns:
            Three maps of ``pyramid_channels``, the finest first.
        """
        maps = self.stages(x_BCHW)
        level = self.laterals[-1](maps[-1])
        levels = [level]
        for feat, lateral in zip(maps[-2::-1], self.laterals[-2::-1], strict=True):
            enlarged = F.interpolate(level, size=feat.shape[2:], mode='nearest')
            level = lateral(feat) + enlarged
            levels.insert(0, level)
        return tuple(s(x) for s, x in zip(self.smooths, levels, strict=True))
