"""Backbones of other toolboxes. Shapes: B images, C channels, H x W pixels."""

import copy
from collections.abc import Iterable

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

    def stage_modules(self) -> dict[str, list[nn.Module]]:
        """Return the stages in the order in which a dry run calls them.

        The first layer is the ``stem``, then each block or layer is one of
        ``blocks.0`` ...; a norm between them goes with the one before it.
        What does not run, as a classifier that is left out, is in none.
        """
        stages: list[list[nn.Module]] = []
        for name in self._running_order(_units(self.backbone)):
            unit = self.backbone.get_submodule(name)
            is_norm = all(param.ndim == 1 for param in unit.parameters())
            if is_norm and stages:
                stages[-1].append(unit)
            else:
                stages.append([unit])
        numbered = {f'blocks.{i}': stage for i, stage in enumerate(stages[1:])}
        return {'stem': stages[0], **numbered} if stages else {}

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
        convolutions = [
            name
            for name, layer in self.backbone.named_modules()
            if isinstance(layer, nn.Conv2d)
        ]
        order = self._running_order(convolutions)
        if not order:
            raise ValueError(
                f'{type(self.backbone).__name__} has no convolution whose stride '
                'stem_stride could set'
            )
        return order[0]

    def _running_order(self, names: Iterable[str]) -> list[str]:
        """Find out which of the backbone's modules run, and in which order.

        Args:
            names: of modules.

        Returns:
            Those that a dry run calls, each once, in the order in which calls end.
        """
        probe, order = copy.deepcopy(self.backbone), []
        for name in names:
            probe.get_submodule(name).register_forward_hook(
                lambda *_, name=name: order.append(name)
            )
        _dry_run(probe, PROBE_SIZE)
        return list(dict.fromkeys(order))


def _units(module: nn.Module, prefix: str = '') -> list[str]:
    """Return the names of the layers and blocks that a backbone is made of.

    Lists of blocks are taken apart, blocks are not; of layers without parameters
    there is nothing to train.
    """
    names = []
    children = [
        (f'{prefix}{name}', child)
        for name, child in module.named_children()
        if next(child.parameters(), None) is not None
    ]
    for name, child in children:
        if len(children) == 1 or _is_list_of_blocks(child):
            names += _units(child, f'{name}.') or [name]
        else:
            names.append(name)
    return names


def _is_list_of_blocks(module: nn.Module) -> bool:
    """Whether it only holds blocks: a convolution with its norm does not."""
    if not isinstance(module, nn.Sequential):
        return isinstance(module, nn.ModuleList)
    return any(next(child.children(), None) is not None for child in module)


@torch.no_grad()
def _dry_run(
    backbone: nn.Module, input_size: tuple[int, int]
) -> Tensor | tuple[Tensor, ...]:
    backbone.cpu().float()
    backbone.eval()  # not chained: some zoo models return None
    with torch.random.fork_rng(devices=[]):
        return backbone(torch.zeros(1, 3, *input_size))
