"""Stream of EPAM-Net. Shapes: N clips, C channels, T frames, H x W pixels."""

from collections.abc import Sequence

from mmengine.model import BaseModule
from torch import Tensor, nn

from ocec.functional.temporal import clips_of_frames, frames_of_clips
from ocec.models.backbones.block_plan import (
    check_input_size,
    check_positive,
    halved_size,
    name_stages,
    run_blocks,
)
from ocec.models.backbones.weight_init import init_ocec_weights
from ocec.models.layers.xshift_block import EXPANSION, XShiftBlock
from ocec.registry import MODELS

STAGE_STRIDE = 2


@MODELS.register_module()
class XShiftNet(BaseModule):
    """X3D without convolutions in time: frames exchange channels instead.

    A 3x3 stem, stages of blocks that halve the map and (but the first) double the
    channels, a 1x1 convolution. No stride is in time: T frames go in, T come out. It is
    a 2D network on N T frames, for any T.

    Args:
        in_channels: 3 colours, or the keypoints of heatmaps.
        depths: blocks of each stage, each >= 1.
        base_channels: channels of stem and first stage, > 0.
        stem_stride: 1 or 2.
        shift_div: 1 / shift_div of a block's channels come from the next frame, as many
            from the one before; >= 2.
        with_cp: in training, compute the inside of the blocks again in the backward
            pass instead of keeping it: less memory, more time.

    Raises:
        ValueError: an argument is out of range.

    Source:
        X-ShiftNet of EPAM-Net (Abdelkawy et al., arXiv:2408.05421). The defaults are
        its RGB stream, 1,980,030 parameters; the pose stream has ``in_channels=17,
        depths=(5, 11, 7), stem_stride=1, shift_div=4``, 519,580.
    """

    def __init__(
        self,
        in_channels: int = 3,
        depths: Sequence[int] = (3, 5, 11, 7),
        *,
        base_channels: int = 24,
        stem_stride: int = 2,
        shift_div: int = 8,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        check_positive(in_channels=in_channels, base_channels=base_channels)
        _check(depths, stem_stride, shift_div)
        self.stem = nn.Sequential(
            nn.Conv2d(
                in_channels, base_channels, 3, stride=stem_stride, padding=1, bias=False
            ),
            nn.BatchNorm2d(base_channels),
            nn.ReLU(inplace=True),
        )
        stages, channels = [], base_channels
        for stage, depth in enumerate(depths):
            width, blocks = base_channels * 2**stage, []
            for number in range(depth):
                block = XShiftBlock(
                    channels,
                    width,
                    stride=STAGE_STRIDE if number == 0 else 1,
                    shift_div=shift_div,
                    with_se=number % 2 == 0,
                )
                blocks.append(block)
                channels = width
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.out_channels = int(EXPANSION * channels)
        self.neck = nn.Sequential(
            nn.Conv2d(channels, self.out_channels, 1, bias=False),
            nn.BatchNorm2d(self.out_channels),
            nn.ReLU(inplace=True),
        )
        self.num_halvings = len(depths) + (stem_stride == 2)
        self.with_cp = with_cp

    def init_weights(self) -> None:
        """Kaiming-normal convolutions (fan out); each block starts as its shortcut."""
        init_ocec_weights(self)
        for stage in self.stages:
            for block in stage:
                nn.init.zeros_(block.project[-1].weight)

    def feature_size(self, input_size: tuple[int, int]) -> tuple[int, int]:
        """Return the size of the feature map.

        Args:
            input_size: (height, width) of a frame or heatmap in pixels.

        Returns:
            (height, width) in cells, halved upwards by every stride of 2.

        Raises:
            ValueError: no size of an image.
        """
        return halved_size(check_input_size(input_size), self.num_halvings)

    def stage_modules(self) -> dict[str, list[nn.Module]]:
        """Return the stages, from the image on: ``stem``, ``blocks.0`` ... ``neck``."""
        blocks = [block for stage in self.stages for block in stage]
        return {**name_stages(self.stem, blocks), 'neck': [self.neck]}

    def forward(self, x_NCTHW: Tensor) -> Tensor:
        """Return the features of every frame.

        Args:
            x_NCTHW: (N, in_channels, T, H, W) normalised frames, or heatmaps. Fastest
                as a view of (N, T, H, W, C) memory.

        Returns:
            (N, out_channels, T, h, w), a view of such memory where the weights are in
            channels_last.
        """
        x_NTCHW = frames_of_clips(x_NCTHW)
        num_frames = x_NTCHW.shape[1]
        x_FCHW = self.stem(x_NTCHW.flatten(0, 1))
        x_NTCHW = x_FCHW.unflatten(0, (-1, num_frames))
        for stage in self.stages:
            x_NTCHW = run_blocks(stage, x_NTCHW, with_cp=self.with_cp)
        x_FCHW = self.neck(x_NTCHW.flatten(0, 1))
        return clips_of_frames(x_FCHW.unflatten(0, (-1, num_frames)))


def _check(depths: Sequence[int], stem_stride: int, shift_div: int) -> None:
    if not depths or min(depths) < 1:
        raise ValueError(
            f'depths must be numbers >= 1, the blocks of each stage, got '
            f'{tuple(depths)}'
        )
    if stem_stride not in (1, 2):
        raise ValueError(f'stem_stride must be 1 or 2, got {stem_stride}')
    if shift_div < 2:
        raise ValueError(
            f'shift_div must be >= 2, or more channels move than there are, got '
            f'{shift_div}'
        )
