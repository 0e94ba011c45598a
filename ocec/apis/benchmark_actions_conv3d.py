"""X-ShiftNet written with Conv3d, as most write it: what the 2D form is timed against.

Shapes: N clips, C channels, T frames, H x W cells.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from ocec.apis.errors import ConfigError
from ocec.models.backbones import EPAMNet, XShiftNet
from ocec.models.layers.xshift_block import XShiftBlock


def as_conv3d(model: nn.Module) -> nn.Module:
    """Write the streams of a recogniser with Conv3d, with the same weights.

    Args:
        model: a recogniser with a backbone of X-ShiftNets; left untouched.

    Returns:
        A copy; it takes and gives what the model does.

    Raises:
        ConfigError: the backbone has other streams.
    """
    backbone = getattr(model, 'backbone', None)
    paths = {}
    if isinstance(backbone, EPAMNet):
        paths = {'rgb_path': backbone.rgb_path, 'pose_path': backbone.pose_path}
        paths = {name: path for name, path in paths.items() if path is not None}
    if not paths or not all(isinstance(path, XShiftNet) for path in paths.values()):
        raise ConfigError(
            'only EPAMNet with streams of XShiftNet has a form with Conv3d to be '
            'compared with: leave --parts step out'
        )
    written = copy.deepcopy(model).to(memory_format=torch.contiguous_format)
    for name in paths:
        path = getattr(written.backbone, name)
        setattr(written.backbone, name, Conv3dStream(path))
    return written


class Conv3dStream(nn.Module):
    """A stream whose maps are (N, C, T, H, W) throughout.

    Args:
        stream: whose weights to take.
    """

    def __init__(self, stream: XShiftNet) -> None:
        super().__init__()
        self.out_channels = stream.out_channels
        self.stem = _in_3d(stream.stem)
        blocks = [Conv3dBlock(block) for stage in stream.stages for block in stage]
        self.blocks = nn.Sequential(*blocks)
        self.neck = _in_3d(stream.neck)

    def forward(self, x_NCTHW: Tensor) -> Tensor:
        """Return (N, out_channels, T, h, w)."""
        # (N, T, H, W, C) memory is what the 2D form wants; this one is slower on it
        return self.neck(self.blocks(self.stem(x_NCTHW.contiguous())))


class Conv3dBlock(nn.Module):
    """A block with kernels of (1, k, k).

    Args:
        block: whose weights to take.
    """

    def __init__(self, block: XShiftBlock) -> None:
        super().__init__()
        self.num_shifted = block.num_shifted
        self.expand = _in_3d(block.expand)
        self.depthwise = _in_3d(block.depthwise)
        with_se = block.squeeze_excite is not None
        self.gate = _in_3d(block.squeeze_excite.gate) if with_se else None
        self.swish = nn.SiLU()
        self.project = _in_3d(block.project)
        shortcut = block.shortcut
        is_identity = isinstance(shortcut, nn.Identity)
        self.shortcut = nn.Identity() if is_identity else _in_3d(shortcut)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x_NCTHW: Tensor) -> Tensor:
        """Return (N, out_channels, T, ceil(H / stride), ceil(W / stride))."""
        hidden_NCTHW = self.depthwise(self.expand(self._shift(x_NCTHW)))
        if self.gate is not None:
            mean_NC111 = hidden_NCTHW.mean((2, 3, 4), keepdim=True)
            hidden_NCTHW = hidden_NCTHW * self.gate(mean_NC111)
        out_NCTHW = self.project(self.swish(hidden_NCTHW))
        return self.activation(out_NCTHW + self.shortcut(x_NCTHW))

    def _shift(self, x_NCTHW: Tensor) -> Tensor:
        """Move channels in time by zeros and three copies, as TSM does."""
        f, out_NCTHW = self.num_shifted, torch.zeros_like(x_NCTHW)
        out_NCTHW[:, :f, :-1] = x_NCTHW[:, :f, 1:]
        out_NCTHW[:, f : 2 * f, 1:] = x_NCTHW[:, f : 2 * f, :-1]
        out_NCTHW[:, 2 * f :] = x_NCTHW[:, 2 * f :]
        return out_NCTHW


def _in_3d(layers: nn.Sequential) -> nn.Sequential:
    return nn.Sequential(*map(_layer_in_3d, layers))


def _layer_in_3d(layer: nn.Module) -> nn.Module:
    if isinstance(layer, nn.Conv2d):
        conv = nn.Conv3d(
            layer.in_channels,
            layer.out_channels,
            (1, *layer.kernel_size),
            stride=(1, *layer.stride),
            padding=(0, *layer.padding),
            groups=layer.groups,
            bias=layer.bias is not None,
        )
        weights = {
            name: x[:, :, None] if x.ndim == 4 else x
            for name, x in layer.state_dict().items()
        }
        return _with_weights(conv, weights, like=layer.weight)
    if isinstance(layer, nn.BatchNorm2d):
        norm = nn.BatchNorm3d(
            layer.num_features, eps=layer.eps, momentum=layer.momentum
        )
        return _with_weights(norm, layer.state_dict(), like=layer.weight)
    return copy.deepcopy(layer)


def _with_weights(
    layer: nn.Module, weights: dict[str, Tensor], *, like: Tensor
) -> nn.Module:
    layer.to(like.device, like.dtype)
    layer.load_state_dict(weights)
    return layer
