"""Backbone ``baseline`` of OCEC. Shapes: B images, C channels, H x W pixels."""

from mmengine.model import BaseModule
from torch import Tensor, nn

from ocec.models.backbones.block_plan import (
    check_input_size,
    check_positive,
    halved_size,
    name_stages,
    plan_blocks,
    run_blocks,
)
from ocec.models.backbones.weight_init import init_ocec_weights
from ocec.models.layers import SeparableConv
from ocec.registry import MODELS


@MODELS.register_module()
class OCECBaseline(BaseModule):
    """A stem and depthwise-separable blocks; every second block halves the map.

    Block i (from 0) has stride 2 and doubles the channels when i is even and > 0.
    With 4 blocks a 32x64 image becomes an 8x16 map of 2 * base_channels.

    Args:
        base_channels: channels of the stem, > 0.
        num_blocks: blocks after the stem, > 0.
        in_channels: channels of the image.
        drop_path_rate: probability in [0, 1) that an image skips the last block in
            training; it grows linearly from 0 at the first block. Blocks that change
            the map's shape are never skipped.
        with_cp: in training, compute the inside of the blocks again in the backward
            pass instead of keeping it: less memory, more time.

    Raises:
        ValueError: an argument is out of range.

    Source:
        OCEC (github.com/PINTO0309/OCEC), architecture ``baseline``; parameter counts:
        11,264 for 32 channels and 4 blocks, 546,176 for 64 and 8.
    """

    default_head = 'AvgHead'

    def __init__(
        self,
        base_channels: int = 32,
        num_blocks: int = 4,
        *,
        in_channels: int = 3,
        drop_path_rate: float = 0.0,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        check_positive(in_channels=in_channels)
        plans = plan_blocks(base_channels, num_blocks, drop_path_rate)
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, base_channels, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(base_channels),
            nn.ReLU(inplace=True),
        )
        blocks = [
            SeparableConv(
                plan.in_channels,
                plan.out_channels,
                stride=plan.stride,
                drop_path=plan.drop_path,
            )
            for plan in plans
        ]
        self.blocks = nn.Sequential(*blocks)
        self.num_halvings = 1 + sum(plan.stride == 2 for plan in plans)
        self.out_channels = plans[-1].out_channels
        self.with_cp = with_cp

    def init_weights(self) -> None:
        """Kaiming-normal convolutions (fan out); batch norm starts as identity."""
        init_ocec_weights(self)

    def feature_size(self, input_size: tuple[int, int]) -> tuple[int, int]:
        """Return the size of the feature map.

        Args:
            input_size: (height, width) of the image in pixels.

        Returns:
            (height, width) in cells, halved upwards by the stem and by every block of
            stride 2.

        Raises:
            ValueError: no size of an image.
        """
        return halved_size(check_input_size(input_size), self.num_halvings)

    def stage_modules(self) -> dict[str, list[nn.Module]]:
        """Return the stages, from the image on: ``stem``, ``blocks.0`` ..."""
        return name_stages(self.stem, self.blocks)

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor]:
        """Return a tuple of one feature map, (B, out_channels, h, w)."""
        return (run_blocks(self.blocks, self.stem(x_BCHW), with_cp=self.with_cp),)
