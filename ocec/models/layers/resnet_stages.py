"""The convolutions of a small residual net. Shapes: B images, C channels, H x W."""

from collections.abc import Sequence

from torch import Tensor, nn

from ocec.models.layers.block_checkpoint import checkpoint_block
from ocec.models.layers.cbam import CBAM
from ocec.models.layers.residual_block import BasicBlock, Bottleneck
from ocec.models.layers.squeeze_excite import SqueezeExcite

BLOCKS = {'basic': BasicBlock, 'bottleneck': Bottleneck}
ATTENTIONS = ('se', 'cbam', 'none')
STAGE_WIDTHS = (64, 128, 256)
ATTENTION_REDUCTION = 16
# one hidden unit of a ReLU without bias is often dead from the start
MIN_ATTENTION_UNITS = 4


class ResNetStages(nn.Module):
    """A stem and three stages of residual blocks, each ending with attention.

    The stem is one 3x3 convolution without pooling; the second and third stage begin
    with stride 2. A 28x28 image gives maps of 28x28, 14x14 and 7x7 cells.

    Args:
        layers: blocks of each of the three stages, >= 1.
        width_mult: scales the widths 64, 128 and 256, > 0.
        block: ``basic`` or ``bottleneck``; the latter has four times the channels.
        attention: ``se``, ``cbam`` or ``none``, once at the end of each stage; with a
            sixteenth of the channels in the hidden layer, at least 4.
        in_channels: channels of the image.
        stem_stride: 1, or 2 to halve the image at once: about 3 times faster, and
            maps of 14x14, 7x7 and 4x4.
        with_cp: in training, compute the inside of the blocks again in the backward
            pass instead of keeping it: less memory, more time.

    Raises:
        ValueError: an argument is out of range.

    Source:
        He et al., CVPR 2016, arXiv:1512.03385; attention as in Hu et al., CVPR 2018,
        arXiv:1709.01507, or Woo et al., ECCV 2018, arXiv:1807.06521.
    """

    def __init__(
        self,
        layers: Sequence[int] = (2, 2, 2),
        *,
        width_mult: float = 1.0,
        block: str = 'basic',
        attention: str = 'se',
        in_channels: int = 1,
        stem_stride: int = 1,
        with_cp: bool = False,
    ) -> None:
        super().__init__()
        _check(layers, width_mult, block, attention, stem_stride)
        widths = [int(width * width_mult) for width in STAGE_WIDTHS]
        self.stem = nn.Sequential(
            nn.Conv2d(
                in_channels, widths[0], 3, stride=stem_stride, padding=1, bias=False
            ),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
        )
        stages, attentions, channels = [], [], widths[0]
        for index, (width, num_blocks) in enumerate(zip(widths, layers, strict=True)):
            blocks = []
            for number in range(num_blocks):
                stride = 2 if index > 0 and number == 0 else 1
                blocks.append(BLOCKS[block](channels, width, stride=stride))
                channels = width * BLOCKS[block].expansion
            stages.append(nn.Sequential(*blocks))
            attentions.append(_attention(attention, channels))
        self.stages = nn.ModuleList(stages)
        self.attentions = nn.ModuleList(attentions)
        #: channels of the map of each stage
        self.stage_channels = tuple(w * BLOCKS[block].expansion for w in widths)
        self.with_cp = with_cp

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, ...]:
        """Return the maps of the three stages, the finest first."""
        x_BCHW = self.stem(x_BCHW)
        maps = []
        for stage, attention in zip(self.stages, self.attentions, strict=True):
            for block in stage:
                is_checkpointed = self.with_cp and self.training
                x_BCHW = (
                    checkpoint_block(block, x_BCHW)
                    if is_checkpointed
                    else block(x_BCHW)
                )
            x_BCHW = attention(x_BCHW)
            maps.append(x_BCHW)
        return tuple(maps)

    def stage_modules(self) -> dict[str, list[nn.Module]]:
        """Return ``stem``, ``blocks.0`` ...; a stage's attention is in its last."""
        named = {'stem': [self.stem]}
        for stage, attention in zip(self.stages, self.attentions, strict=True):
            for block in stage:
                named[f'blocks.{len(named) - 1}'] = [block]
            named[f'blocks.{len(named) - 2}'].append(attention)
        return named


def _attention(name: str, channels: int) -> nn.Module:
    reduction = max(1, min(ATTENTION_REDUCTION, channels // MIN_ATTENTION_UNITS))
    if name == 'se':
        return SqueezeExcite(channels, reduction, bias=False)
    return CBAM(channels, reduction) if name == 'cbam' else nn.Identity()


def _check(
    layers: Sequence[int],
    width_mult: float,
    block: str,
    attention: str,
    stem_stride: int,
) -> None:
    if len(layers) != len(STAGE_WIDTHS) or min(layers) < 1:
        raise ValueError(
            f'layers must be {len(STAGE_WIDTHS)} numbers >= 1, the blocks of each '
            f'stage, got {tuple(layers)}'
        )
    if not width_mult * STAGE_WIDTHS[0] >= 1:
        raise ValueError(
            f'width_mult must be >= 1/{STAGE_WIDTHS[0]}, which leaves one channel, got '
            f'{width_mult}'
        )
    if block not in BLOCKS:
        raise ValueError(f'block must be one of {tuple(BLOCKS)}, got {block!r}')
    if attention not in ATTENTIONS:
        raise ValueError(f'attention must be one of {ATTENTIONS}, got {attention!r}')
    if stem_stride not in (1, 2):
        raise ValueError(f'stem_stride must be 1 or 2, got {stem_stride}')
