"""What a checkpoint tells of its model, and how that differs from another model."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Mapping

from torch import Tensor

from ocec.registry import MODELS

# settings of a backbone that change none of its weights
WITHOUT_WEIGHTS = ('drop_path_rate', 'with_cp', 'layer_scale_init', 'init_cfg')
_BLOCK = re.compile(r'backbone\.blocks\.(\d+)\.')


def read_stored_model(meta: Mapping | None) -> dict | None:
    """Return the ``model`` of the config in a checkpoint, without running it.

    Args:
        meta: of the checkpoint; ``cfg`` is the text of its config.

    Returns:
        The dict; None where there is none, or one that is more than plain values.
    """
    text = meta.get('cfg') if isinstance(meta, Mapping) else None
    if not isinstance(text, str):
        return None
    try:
        statements = ast.parse(text).body
        for statement in statements:
            match statement:
                case ast.Assign(targets=[ast.Name(id='model')], value=value):
                    model = _plain_value(value)
                    return model if isinstance(model, dict) else None
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None
    return None


def _plain_value(node: ast.expr):
    match node:
        case ast.Call(func=ast.Name(id='dict'), args=[]):
            return {k.arg: _plain_value(k.value) for k in node.keywords}
        case ast.Dict():
            keys = [ast.literal_eval(key) for key in node.keys]
            return dict(zip(keys, map(_plain_value, node.values), strict=True))
        case ast.List() | ast.Tuple():
            items = [_plain_value(item) for item in node.elts]
            return items if isinstance(node, ast.List) else tuple(items)
    return ast.literal_eval(node)


def settings_from_shapes(state: Mapping[str, Tensor]) -> dict | None:
    """Tell the settings of one of our own backbones from its weights.

    Args:
        state: names to tensors of a whole model.

    Returns:
        ``type``, ``base_channels``, ``num_blocks``, ``in_channels`` and what the type
        has beside; None for another backbone.
    """
    stem = state.get('backbone.stem.0.weight')
    blocks = [int(m[1]) for name in state if (m := _BLOCK.match(name))]
    if stem is None or stem.ndim != 4 or not blocks:
        return None
    settings = {
        'base_channels': stem.shape[0],
        'num_blocks': 1 + max(blocks),
        'in_channels': stem.shape[1],
    }
    prefix = 'backbone.blocks.0.'
    if (expand := state.get(f'{prefix}expand.0.weight')) is not None:
        settings['expansion'] = expand.shape[0] // expand.shape[1]
        squeeze = state.get(f'{prefix}squeeze_excite.gate.0.weight')
        if squeeze is not None:
            settings['se_reduction'] = squeeze.shape[1] // squeeze.shape[0]
        return {'type': 'OCECInvertedSE', **settings}
    if (mlp := state.get(f'{prefix}mlp.0.weight')) is not None:
        settings['expansion'] = mlp.shape[0] // mlp.shape[1]
        return {'type': 'OCECConvNeXt', **settings}
    if f'{prefix}pointwise.0.weight' in state:
        return {'type': 'OCECBaseline', **settings}
    return None


def differing_settings(given: Mapping | None, own: Mapping | None) -> list[str]:
    """Say in which settings two backbones differ.

    Args:
        given: config of the backbone of a checkpoint, or None.
        own: that of the config.

    Returns:
        Lines as ``checkpoint: base_channels=32, config: 48``; none where one is not
        known or nothing that has weights differs.
    """
    if not given or not own:
        return []
    given, own = _with_defaults(given), _with_defaults(own)
    names = [name for name in given if name in own and name not in WITHOUT_WEIGHTS]
    if given['type'] == own['type']:
        names += [name for name in own if name not in {*given, *WITHOUT_WEIGHTS}]
        names += [name for name in given if name not in {*own, *WITHOUT_WEIGHTS}]
    return [
        f'checkpoint: {name}={_shown(given, name)}, config: {_shown(own, name)}'
        for name in names
        if _comparable(given.get(name)) != _comparable(own.get(name))
    ]


def head_type(model: Mapping | None) -> str | None:
    """Return the name of the head that a config of a model stands for.

    Args:
        model: the config, or None.

    Returns:
        The name without its scope, with ``AutoHead`` resolved; None if it is not told.
    """
    name = _type_of((model or {}).get('head'))
    if name != 'AutoHead':
        return name
    return getattr(_own_class(model.get('backbone')), 'default_head', None)


def margin_type(model: Mapping | None) -> str | None:
    """Return the name of the margin of a config; ``none`` for none, None if unknown."""
    head = (model or {}).get('head')
    if not isinstance(head, Mapping):
        return None
    return 'none' if head.get('margin') is None else _type_of(head['margin'])


def _type_of(cfg) -> str | None:
    name = cfg.get('type') if isinstance(cfg, Mapping) else None
    return name.rsplit('.', 1)[-1] if isinstance(name, str) else None


def _own_class(cfg):
    """Return the class of this package that a config names, or None.

    ``MODELS.get`` would import any module that a text of the file names.
    """
    MODELS.import_from_location()
    return MODELS.module_dict.get(_type_of(cfg))


def _with_defaults(cfg: Mapping) -> dict:
    """Fill in what the class takes by default."""
    backbone = _own_class(cfg)
    if not inspect.isclass(backbone):
        return dict(cfg)
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(backbone).parameters.items()
        if parameter.default is not parameter.empty
    }
    return {'type': cfg['type'], **defaults, **cfg}


def _comparable(value):
    if isinstance(value, (list, tuple)):
        return [_comparable(item) for item in value]
    return value


def _shown(cfg: Mapping, name: str) -> str:
    return str(cfg[name]) if name in cfg else 'not set'
