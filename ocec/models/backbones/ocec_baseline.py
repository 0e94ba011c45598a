"""Backbone ``baseline`` of OCEC. Shapes: B images, C channels, H x W pixels."""

from mmengine.model import BaseModule
from torch import Tensor, nn

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

    Raises:
        ValueError: an argument is not positive.

    Source:
        OCEC (github.com/PINTO0309/OCEC), architecture ``baseline``; parameter counts:
        11,264 for 32 channels and 4 blocks, 546,176 for 64 and 8.
    """

    def __init__(
        self, base_channels: int = 32, num_blocks: int = 4, *, in_channels: int = 3
    ) -> None:
        super().__init__()
        for name, value in (
            ('base_channels', base_channels),
            ('num_blocks', num_blocks),
            ('in_channels', in_channels),
        ):
            if value <= 0:
                raise ValueError(f'{name} must be > 0, got {value}')
        self.stem = nn.Sequential(
            nn.Conv2d(in_channels, base_channels, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(base_channels),
            nn.ReLU(inplace=True),
        )
        blocks, channels = [], base_channels
        for index in range(num_blocks):
            halves = index > 0 and index % 2 == 0
            out_channels = channels * 2 if halves else channels
            blocks.append(
                SeparableConv(channels, out_channels, stride=2 if halves else 1)
            )
            channels = out_channels
        self.blocks = nn.Sequential(*blocks)
        self.out_channels = channels

    def init_weights(self) -> None:
        """Kaiming-normal convolutions (fan out); batch norm starts as identity."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode='fan_out', nonlinearity='relu'
                )
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor]:
        """Return a tuple of one feature map, (B, out_channels, h, w)."""
        return (self.blocks(self.stem(x_BCHW)),)
