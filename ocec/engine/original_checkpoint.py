"""Checkpoints of the original OCEC trainer, with the names of our layers."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

PIXEL_MAX = 255.0
BACKBONES = {
    'baseline': 'OCECBaseline',
    'inverted_se': 'OCECInvertedSE',
    'convnext': 'OCECConvNeXt',
}
HEADS = {
    'avg': 'AvgHead',
    'avgmax_mlp': 'AvgMaxMLPHead',
    'transformer': 'TransformerHead',
    'mlp_mixer': 'MLPMixerHead',
}
MARGIN_KEYS = ('margin_head.', 'arc_head.')

# in this order, the first that fits counts; each ends where the parameter's name begins
_BACKBONE_NAMES = (
    (r'stem\.(\d+)\.(?:norm\.)?', r'backbone.stem.\1.'),
    (
        r'features\.(\d+)\.((?:depthwise|pointwise)\.\d+)\.',
        r'backbone.blocks.\1.\2.',
    ),
    (r'features\.(\d+)\.block\.([01])\.', r'backbone.blocks.\1.expand.\2.'),
    (r'features\.(\d+)\.block\.3\.', r'backbone.blocks.\1.depthwise.0.'),
    (r'features\.(\d+)\.block\.4\.', r'backbone.blocks.\1.depthwise.1.'),
    (
        r'features\.(\d+)\.block\.6\.fc\.(\d)\.',
        r'backbone.blocks.\1.squeeze_excite.gate.\2.',
    ),
    (r'features\.(\d+)\.block\.7\.', r'backbone.blocks.\1.project.0.'),
    (r'features\.(\d+)\.block\.8\.', r'backbone.blocks.\1.project.1.'),
    (
        r'features\.(\d+)\.0\.op\.(\d)\.(?:norm\.)?',
        r'backbone.blocks.\1.downsample.\2.',
    ),
    (r'features\.(\d+)\.\d\.dwconv\.', r'backbone.blocks.\1.depthwise.'),
    (r'features\.(\d+)\.\d\.norm\.norm\.', r'backbone.blocks.\1.norm.'),
    (r'features\.(\d+)\.\d\.pwconv1\.', r'backbone.blocks.\1.mlp.0.'),
    (r'features\.(\d+)\.\d\.pwconv2\.', r'backbone.blocks.\1.mlp.2.'),
    (r'features\.(\d+)\.\d\.(?=gamma$)', r'backbone.blocks.\1.'),
)
_TOKEN_NAMES = (
    (r'head\.mixer\.layers\.(\d+)\.self_attn\.in_proj_', r'head.layers.\1.qkv.'),
    (
        r'head\.mixer\.layers\.(\d+)\.self_attn\.out_proj\.',
        r'head.layers.\1.projection.',
    ),
    (r'head\.mixer\.layers\.(\d+)\.linear1\.', r'head.layers.\1.ffn.0.'),
    (r'head\.mixer\.layers\.(\d+)\.linear2\.', r'head.layers.\1.ffn.3.'),
    (r'head\.mixer\.layers\.(\d+)\.norm1\.', r'head.layers.\1.attention_norm.'),
    (r'head\.mixer\.layers\.(\d+)\.norm2\.', r'head.layers.\1.ffn_norm.'),
    (r'head\.mixer\.(\d+)\.norm_tokens\.', r'head.layers.\1.token_norm.'),
    (r'head\.mixer\.(\d+)\.token_fc1\.', r'head.layers.\1.token_mlp.0.'),
    (r'head\.mixer\.(\d+)\.token_fc2\.', r'head.layers.\1.token_mlp.3.'),
    (r'head\.mixer\.(\d+)\.norm_channels\.', r'head.layers.\1.channel_norm.'),
    (r'head\.mixer\.(\d+)\.channel_fc1\.', r'head.layers.\1.channel_mlp.0.'),
    (r'head\.mixer\.(\d+)\.channel_fc2\.', r'head.layers.\1.channel_mlp.3.'),
    (r'head\.final_norm\.', 'head.norm.'),
)
_AVG_NAMES = ((r'head\.0\.', 'head.norm.'), (r'head\.2\.', 'head.fc.'))
# without dropout the last layer is one place further to the front
_AVGMAX_NAMES = ((r'head\.([02])\.', r'head.mlp.\1.'), (r'head\.[45]\.', 'head.fc.'))


def is_original(checkpoint: Mapping) -> bool:
    """Return whether the original trainer, or its fork, wrote a checkpoint."""
    return isinstance(checkpoint.get('model_state'), Mapping)


def convert_original(
    checkpoint: Mapping, file: str
) -> tuple[dict, dict | None, list[str]]:
    """Give the weights of the original trainer the names of our layers.

    The constants of its normalisation become those of the preprocessor. A margin of
    the fork is left out with the head beside it: it decides on features without the
    batch norm that our heads have, and the head beside it was never trained.

    Args:
        checkpoint: with ``model_state``; ``model_config`` and ``normalization`` where
            there are any.
        file: where it lies, for messages.

    Returns:
        ``(state, model, notes)``: names to tensors, the config of the model or None
        where the file does not tell it, and lines for the user.

    Raises:
        ValueError: its architecture has no equal here.

    Source:
        Names of layers and keys: OCEC (github.com/PINTO0309/OCEC).
    """
    weights = {
        name.removeprefix('module.'): tensor
        for name, tensor in checkpoint['model_state'].items()
    }
    _check_convnext(weights, file)
    notes = []
    if any(name.startswith(MARGIN_KEYS) for name in weights):
        left_out = ('head.', *MARGIN_KEYS)
        weights = {n: x for n, x in weights.items() if not n.startswith(left_out)}
        notes.append(
            'the margin of the original decides on features without the batch norm '
            'that the heads here have, and the plain head beside it was never trained: '
            'both are left out'
        )
    state = {original_to_ours(name, weights): x for name, x in weights.items()}
    state.update(_constants(checkpoint.get('normalization') or {}))
    return state, _model_config(checkpoint), notes


def original_to_ours(name: str, names: Mapping[str, Tensor]) -> str:
    """Return the name of a weight here.

    Args:
        name: of the original, as ``features.0.depthwise.0.weight``.
        names: all of them, which tell the head.

    Returns:
        The name in an ImageClassifier; one that is not known as it is.

    Example:
        >>> original_to_ours('features.0.depthwise.0.weight', {})
        'backbone.blocks.0.depthwise.0.weight'
    """
    if any(re.match(r'head\.[45]\.', other) for other in names):
        of_head = _AVGMAX_NAMES
    else:
        of_head = _AVG_NAMES
    for pattern, replacement in (*_BACKBONE_NAMES, *_TOKEN_NAMES, *of_head):
        renamed, count = re.subn(f'^{pattern}', replacement, name)
        if count:
            return renamed
    return name


def _check_convnext(weights: Mapping[str, Tensor], file: str) -> None:
    for name, tensor in weights.items():
        if name.endswith('.pwconv1.weight') and tensor.ndim == 4:
            raise ValueError(
                f'{file}: the convnext of the fork normalises over cells and channels '
                '(one group), that of the original and of this package over channels: '
                'its weights would give other numbers here'
            )


def _constants(normalization: Mapping) -> dict[str, Tensor]:
    """Return mean and std as the preprocessor has them: of pixels in [0, 255]."""
    return {
        f'data_preprocessor.{name}': PIXEL_MAX
        * torch.tensor(list(normalization[name]), dtype=torch.float32).view(-1, 1, 1)
        for name in ('mean', 'std')
        if name in normalization
    }


def _model_config(checkpoint: Mapping) -> dict | None:
    given = checkpoint.get('model_config')
    if not given:
        return None
    variant = given.get('arch_variant', 'baseline')
    backbone = {'type': BACKBONES.get(variant, variant)}
    backbone.update(
        {k: given[k] for k in ('base_channels', 'num_blocks') if k in given}
    )
    model = {'type': 'ImageClassifier', 'backbone': backbone}
    head = given.get('head_variant', 'auto')
    model['head'] = {'type': HEADS.get(head, 'AutoHead')}
    size = (checkpoint.get('normalization') or {}).get('image_size')
    if size is not None:
        model['input_size'] = (size, size) if isinstance(size, int) else tuple(size)
    return model
