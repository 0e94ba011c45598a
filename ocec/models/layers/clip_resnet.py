"""Residual network over clips, with convolutions in time in its last stages.

Shapes: N clips of T frames, F = N * T frames, C channels, H x W cells.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from ocec.models.layers.block_checkpoint import checkpoint_block
from ocec.models.layers.temporal_conv import TemporalConv2d

EXPANSION = 4


class ClipBottleneck(nn.Module):
    """Reduce 1x1 or 3x1x1 (in time), convolve 3x3, restore 1x1, around an identity.

    Args:
        in_channels: channels of the input.
        channels: channels of the 3x3 convolution; the output has four times as many.
        stride: 1 or 2, of the 3x3 convolution and of the shortcut, in space.
        is_temporal: whether the first convolution sees three frames.

    Source:
        He et al., CVPR 2016, arXiv:1512.03385, Fig. 5 right, inflated in time as in the
        slow pathway of SlowFast (Feichtenhofer et al., ICCV 2019, arXiv:1812.03982,
        Table 1).
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        stride: int = 1,
        is_temporal: bool = False,
    ) -> None:
        super().__init__()
        out_channels = channels * EXPANSION
        self.is_temporal = is_temporal
        self.reduce = (
            TemporalConv2d(in_channels, channels)
            if is_temporal
            else nn.Conv2d(in_channels, channels, 1, bias=False)
        )
        self.branch = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x_NTCHW: Tensor) -> Tensor:
        """Return (N, T, 4 * channels, ceil(H / stride), ceil(W / stride))."""
        x_FCHW = x_NTCHW.flatten(0, 1)
        reduced_FCHW = (
            self.reduce(x_NTCHW).flatten(0, 1)
            if self.is_temporal
            else self.reduce(x_FCHW)
        )
        out_FCHW = self.branch(reduced_FCHW).add_(self.shortcut(x_FCHW))
        return self.activation(out_FCHW).unflatten(0, (-1, x_NTCHW.shape[1]))


class ClipResNet(nn.Module):
    """A 7x7 stem, a max-pool and stages of bottlenecks, on every frame.

    Args:
        in_channels: channels of the frames.
        depths: blocks of each stage.
        base_channels: channels of the stem; stage i has 2^i times as many inside.
        stem_stride: 1 or 2, of the stem and again of the pool.
        strides: 1 or 2 for each stage, in space.
        temporal: for each stage whether its blocks see three frames.
        lateral_channels: for each stage how many channels from another stream are
            joined to its input.
        with_cp: in training, compute the inside of the blocks again in the backward
            pass instead of keeping it: less memory, more time.
    """

    def __init__(
        self,
        in_channels: int,
        depths: Sequence[int],
        *,
        base_channels: int,
        stem_stride: int,
        strides: Sequence[int],
        temporal: Sequence[bool],
        lateral_channels: Sequence[int],
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(
                in_channels, base_channels, 7, stride=stem_stride, padding=3, bias=False
            ),
            nn.BatchNorm2d(base_channels),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=stem_stride, padding=1),
        )
        stages, channels = [], base_channels
        rows = zip(depths, strides, temporal, lateral_channels, strict=True)
        for index, (depth, stride, is_temporal, joined) in enumerate(rows):
            width, blocks = base_channels * 2**index, []
            channels += joined
            for number in range(depth):
                block = ClipBottleneck(
                    channels,
                    width,
                    stride=stride if number == 0 else 1,
                    is_temporal=is_temporal,
                )
                blocks.append(block)
                channels = width * EXPANSION
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.out_channels = channels
        self.with_cp = with_cp

    def run_stem(self, x_NTCHW: Tensor) -> Tensor:
        """Return (N, T, base_channels, h, w)."""
        return self.stem(x_NTCHW.flatten(0, 1)).unflatten(0, (-1, x_NTCHW.shape[1]))

    def run_stage(self, index: int, x_NTCHW: Tensor) -> Tensor:
        """Run one stage.

        Args:
            index: of the stage, from 0.
            x_NTCHW: its input, with what another stream joined to it.

        Returns:
            (N, T, C, h, w).
        """
        for block in self.stages[index]:
            is_checkpointed = self.with_cp and self.training
            x_NTCHW = (
                checkpoint_block(block, x_NTCHW) if is_checkpointed else block(x_NTCHW)
            )
        return x_NTCHW
