"""Released checkpoints of EPAM-Net, with the names and shapes of our layers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

#: conv and norm of a pair, as they stand in a Sequential
_PLACES = {'conv': '0', 'bn': '1'}
# each pattern ends where the name within the part begins
_PARTS = (
    (r'(?P<stream>rgb|pose)_backbone\.', r'backbone.\g<stream>_path.'),
    (r'(?P<stream>rgb|pose)_cls_head\.fc_cls\.', r'head.fc.\g<stream>.'),
    (r'attention_module\.', 'backbone.attention.'),
)
_PAIR = r'(conv|bn)\.'
_OF_BLOCK = {
    'conv1': 'expand',
    'conv2': 'depthwise',
    'conv3': 'project',
    'downsample': 'shortcut',
}
_OF_GATE = {'fc1': '0', 'fc2': '2'}


def read_epam_state(checkpoint: Mapping, file: str) -> dict[str, Tensor]:
    """Take the weights out of a released checkpoint of EPAM-Net.

    Args:
        checkpoint: with ``model_state_dict``, or names to tensors; a prefix
            ``module.`` of the names is taken away.
        file: where it lies, for messages.

    Returns:
        Their names to tensors.

    Raises:
        ValueError: there are no weights in the file.
    """
    state = checkpoint
    if isinstance(checkpoint, Mapping):
        state = checkpoint.get('model_state_dict', checkpoint)
    if not (
        isinstance(state, Mapping)
        and state
        and all(isinstance(x, Tensor) for x in state.values())
    ):
        raise ValueError(f'{file} holds no weights of EPAM-Net (model_state_dict)')
    return {name.removeprefix('module.'): x for name, x in state.items()}


def convert_epam(state: Mapping[str, Tensor], file: str) -> dict[str, Tensor]:
    """Give released weights the names and shapes of our layers.

    Kernels of (1, k, k) lose their first dimension: the network here is a 2D one.

    Args:
        state: what :func:`read_epam_state` returned.
        file: where it lies, for messages.

    Returns:
        Names of an ``ActionRecognizer`` with ``EPAMNet`` and ``TwoStreamHead`` to
        tensors.

    Raises:
        ValueError: a name is not known, or a kernel is longer than 1 in time.
    """
    unknown = [name for name in state if epam_to_ours(name) is None]
    if unknown:
        shown = ', '.join(unknown[:3])
        raise ValueError(
            f'{file}: {len(unknown):,} of {len(state):,} names are not those of '
            f'EPAM-Net: {shown}{" ..." if len(unknown) > 3 else ""}'
        )
    converted = {}
    for name, tensor in state.items():
        if tensor.ndim == 5:
            if tensor.shape[2] != 1:
                raise ValueError(
                    f'{file}: {name} has shape {tuple(tensor.shape)}, a kernel of '
                    f'length {tensor.shape[2]} in time; EPAM-Net has none'
                )
            tensor = tensor.squeeze(2)
        converted[epam_to_ours(name)] = tensor
    return converted


def epam_to_ours(name: str) -> str | None:
    """Return the name of a released tensor here.

    Args:
        name: without ``module.``, as ``rgb_backbone.layer1.0.conv2.bn.weight``.

    Returns:
        The name in an ``ActionRecognizer``; None for one that is not known.

    Example:
        >>> epam_to_ours('rgb_backbone.layer1.0.conv2.bn.weight')
        'backbone.rgb_path.stages.0.0.depthwise.1.weight'
    """
    for pattern, replacement in _PARTS:
        found = re.match(pattern, name)
        if found:
            rest, inner = name[found.end() :], None
            if 'backbone' in pattern:
                inner = _of_stream(rest)
            elif 'attention' in pattern:
                inner = _of_attention(rest)
            elif rest in ('weight', 'bias'):
                inner = rest
            return None if inner is None else found.expand(replacement) + inner
    return None


def _of_stream(name: str) -> str | None:
    for theirs, ours in (('conv1_s', 'stem'), ('conv5', 'neck')):
        found = re.fullmatch(rf'{theirs}\.{_PAIR}(\w+)', name)
        if found:
            return f'{ours}.{_PLACES[found[1]]}.{found[2]}'
    found = re.fullmatch(
        rf'layer(\d+)\.(\d+)\.({"|".join(_OF_BLOCK)})\.{_PAIR}(\w+)', name
    )
    if found:
        stage, block, layer, place, last = found.groups()
        inner = f'{_OF_BLOCK[layer]}.{_PLACES[place]}.{last}'
        return f'stages.{int(stage) - 1}.{block}.{inner}'
    found = re.fullmatch(r'layer(\d+)\.(\d+)\.se_module\.(fc[12])\.(\w+)', name)
    if found:
        stage, block, layer, last = found.groups()
        inner = f'squeeze_excite.gate.{_OF_GATE[layer]}.{last}'
        return f'stages.{int(stage) - 1}.{block}.{inner}'
    return None


def _of_attention(name: str) -> str | None:
    if name == 'conv_temporal_attention.weight':
        return 'temporal.weight'
    found = re.fullmatch(rf'spatial\.{_PAIR}(\w+)', name)
    return found and f'spatial.{_PLACES[found[1]]}.{found[2]}'
