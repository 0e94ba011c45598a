"""Backbone ``convnext`` of OCEC. Shapes: B images, C channels, H x W pixels."""

from mmengine.model import BaseModule
from torch import Tensor, nn

from ocec.models.backbones.block_plan import (
    check_input_size,
    check_positive,
    name_stages,
    plan_blocks,
    run_blocks,
)
from ocec.models.backbones.weight_init import init_ocec_weights
from ocec.models.layers import ChannelLayerNorm, ConvNeXtBlock
from ocec.registry import MODELS

PATCH_SIZE = 4  # pixels per side of a cell after the stem


@MODELS.register_module()
class OCECConvNeXt(BaseModule):
    """A patch stem and ConvNeXt blocks, with layer norms over the channels.

    Block i (from 0) halves the map and doubles the channels when i is even and > 0.
    With 4 blocks a 32x64 image becomes a 4x8 map of 2 * base_channels.

    Args:
        base_channels: channels of the stem, > 0.
        num_blocks: blocks after the stem, > 0.
        in_channels: channels of the image.
        expansion: hidden channels of a block's MLP per channel, > 0.
        layer_scale_init: first value of the scale of every block's branch, > 0.
        drop_path_rate: probability in [0, 1) that an image skips the last block in
            training; it grows linearly from 0 at the first block.
        with_cp: in training, compute the inside of the blocks again in the backward
            pass instead of keeping it: less memory, more time.

    Raises:
        ValueError: an argument is out of range.

    Source:
        OCEC (github.com/PINTO0309/OCEC), architecture ``convnext``; parameter counts:
        103,008 for 32 channels and 4 blocks, 6,375,104 for 64 and 8. Liu et al., A
        ConvNet for the 2020s, CVPR 2022, arXiv:2201.03545.
    """

    default_head = 'TransformerHead'

    def __init__(
        self,
        base_channels: int = 32,
        num_blocks: int = 4,
        *,
        in_channels: int = 3,
        expansion: int = 4,
        layer_scale_init: float = 1e-6,
        drop_path_rate: float = 0.0,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        check_positive(
            in_channels=in_channels,
            expansion=expansion,
            layer_scale_init=layer_scale_init,
        )
        plans = plan_blocks(base_channels, num_blocks, drop_path_rate)
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, base_channels, PATCH_SIZE, stride=PATCH_SIZE),
            ChannelLayerNorm(base_channels),
        )
        blocks = [
            ConvNeXtBlock(
                plan.in_channels,
                plan.out_channels,
                stride=plan.stride,
                expansion=expansion,
                layer_scale_init=layer_scale_init,
                drop_path=plan.drop_path,
            )
            for plan in plans
        ]
        self.blocks = nn.Sequential(*blocks)
        self.halving_blocks = [i for i, p in enumerate(plans) if p.stride == 2]
        self.num_blocks = num_blocks
        self.out_channels = plans[-1].out_channels
        self.with_cp = with_cp

    def init_weights(self) -> None:
        """Kaiming-normal convolutions (fan out), Xavier-uniform linear layers."""
        init_ocec_weights(self)

    def feature_size(self, input_size: tuple[int, int]) -> tuple[int, int]:
        """Return the size of the feature map.

        Args:
            input_size: (height, width) of the image in pixels.

        Returns:
            (height, width) in cells: a quarter, rounded down, then halved downwards
            by every second block.

        Raises:
            ValueError: no size of an image, or one too small for the blocks.
        """
        size = check_input_size(input_size)
        rows, columns = (pixels // PATCH_SIZE for pixels in size)
        if min(rows, columns) < 1:
            problem = (
                f'is smaller than the {PATCH_SIZE}x{PATCH_SIZE} patches of the stem'
            )
            raise ValueError(self._too_small(size, problem))
        for index in self.halving_blocks:
            if min(rows, columns) < 2:
                problem = (
                    f'leaves block {index} (from 0) a {rows}x{columns} map before its '
                    '2x2 convolution of stride 2'
                )
                # up to the next halving nothing more is asked of the map
                raise ValueError(self._too_small(size, problem, max_blocks=index))
            rows, columns = rows // 2, columns // 2
        return rows, columns

    def stage_modules(self) -> dict[str, list[nn.Module]]:
        """Return the stages, from the image on: ``stem``, ``blocks.0`` ..."""
        return name_stages(self.stem, self.blocks)

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor]:
        """Return a tuple of one feature map, (B, out_channels, h, w)."""
        return (run_blocks(self.blocks, self.stem(x_BCHW), with_cp=self.with_cp),)

    def _too_small(
        self, size: tuple[int, int], problem: str, *, max_blocks: int | None = None
    ) -> str:
        least = PATCH_SIZE * 2 ** len(self.halving_blocks)
        fewer = '' if max_blocks is None else f'num_blocks <= {max_blocks} or '
        return (
            f'OCECConvNeXt with num_blocks={self.num_blocks}: a {size[0]}x{size[1]} '
            f'image {problem}. Take {fewer}an image of at least {least}x{least}'
        )
