"""Backbones of other toolboxes. Shapes: B images, C channels, H x W pixels."""

import copy

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from ocec.models.backbones.block_plan import check_input_size, check_positive
from ocec.registry import MODELS

# out_channels does not depend on it; large enough for a total stride of 64
PROBE_SIZE = (128, 128)


@MODELS.register_module()
class ZooBackbone(BaseModule):
    """A backbone that does not know its channels and map size, measured by a dry run.

    The last of its feature maps is the one that counts, as for the heads. Dry runs
    use a copy on the CPU in evaluation mode: weights, buffers, modes and random
    numbers of the model stay as they are.

    Args:
        backbone: config of a backbone for RGB images (MODELS), as
            ``dict(type='mmpretrain.MobileNetV3', arch='small')``, or a module that
            returns feature maps (B, C, h, w).
        stem_stride: stride to give the convolution that runs first, > 0; 1 where its
            own halves a small image too soon. None leaves it.

    Raises:
        ValueError: ``stem_stride`` is out of range, or the backbone has no
            convolution or returns no feature map.

    Example:
        >>> backbone = ZooBackbone(nn.Conv2d(3, 8, 3, stride=4), stem_stride=2)
        >>> backbone.out_channels, backbone.feature_size((32, 64))
        (8, (15, 31))
    """

    default_head = 'AvgHead'

    def __init__(
        self, backbone: dict | nn.Module, *, stem_stride: int | None = None
    ) -> None:
        super().__init__()
        self.backbone = (
            backbone if isinstance(backbone, nn.Module) else MODELS.build(backbone)
        )
        if stem_stride is not None:
            check_positive(stem_stride=stem_stride)
            stem = self.backbone.get_submodule(self._first_convolution())
            stem.stride = (stem_stride, stem_stride)
        self.out_channels = self._probe(PROBE_SIZE)[0]

    def feature_size(self, input_size: tuple[int, int]) -> tuple[int, int]:
        """Return the size of the last feature map.

        Args:
            input_size: (height, width) of the image in pixels.

        Returns:
            (height, width) in cells.

        Raises:
            ValueError: no size of an image, or one that the backbone cannot take.
        """
        return self._probe(check_input_size(input_size))[1:]

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, ...]:
        """Return the feature maps of the backbone, (B, C, h, w) each."""
        feats = self.backbone(x_BCHW)
        return tuple(feats) if isinstance(feats, (tuple, list)) else (feats,)

    def _probe(self, input_size: tuple[int, int]) -> tuple[int, int, int]:
        """Return (channels, height, width) of the last feature map."""
        name = type(self.backbone).__name__
        try:
            feats = _dry_run(copy.deepcopy(self.backbone), input_size)
        except RuntimeError as error:
            size = 'x'.join(map(str, input_size))
            raise ValueError(f'{name} cannot take a {size} image: {error}') from error
        feat = feats[-1] if isinstance(feats, (tuple, list)) else feats
        if not isinstance(feat, Tensor) or feat.ndim != 4:
            got = tuple(feat.shape) if isinstance(feat, Tensor) else type(feat).__name__
            raise ValueError(
                f'{name} must return feature maps of shape (B, C, h, w), got {got}'
            )
        return tuple(feat.shape[1:])

    def _first_convolution(self) -> str:
        """Return the name of the convolution that runs first."""
        probe, order = copy.deepcopy(self.backbone), []
        for name, layer in probe.named_modules():
            if isinstance(layer, nn.Conv2d):
                layer.register_forward_hook(lambda *_, name=name: order.append(name))
        _dry_run(probe, PROBE_SIZE)
        if not order:
            raise ValueError(
                f'{type(self.backbone).__name__} has no convolution whose stride '
                'stem_stride could set'
            )
        return order[0]


@torch.no_grad()
def _dry_run(
    backbone: nn.Module, input_size: tuple[int, int]
) -> Tensor | tuple[Tensor, ...]:
    backbone.cpu().float()
    backbone.eval()  # not chained: some zoo models return None
    with torch.random.fork_rng(devices=[]):
        return backbone(torch.zeros(1, 3, *input_size))
