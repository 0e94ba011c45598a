"""The config that a checkpoint holds, read without running code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

from mmengine.registry import Registry

from ocec.apis.errors import ConfigError

# packages whose registered classes a stored config may name
TRUSTED_SCOPES = ('ocec', 'mmengine', 'mmpretrain', 'mmcv')
# keys by which a config runs other files
IMPORT_KEYS = {'_base_', 'custom_imports', 'imports'}
# what mmengine fills in before it reads the text, inside of strings too
TEMPLATE_MARK = '{{'
_SCOPED_NAME = re.compile(r'(\w+)\.(\w+)')


def write_stored_config(
    checkpoint: dict, file: str | Path, path: str | Path, *, trust: bool = False
) -> None:
    """Write the config of a checkpoint as a config file, if it is plain data.

    A config is a program, and a type such as ``os.system`` in it would be called: only
    assignments of plain values are let through, and only types that a registry of
    OpenMMLab's packages or of this one has.

    Args:
        checkpoint: what ``load_safely`` returned.
        file: where the checkpoint lies, for messages.
        path: of the config file to write.
        trust: write any text.

    Raises:
        ConfigError: the checkpoint holds no config, or one that could run code.
    """
    meta = checkpoint.get('meta') if isinstance(checkpoint, Mapping) else None
    text = meta.get('cfg') if isinstance(meta, Mapping) else None
    if not isinstance(text, str) or not text.strip():
        raise ConfigError(f'{file} holds no config: name its file with --config')
    if not trust:
        try:
            problem = _find_problem(text)
        except (RecursionError, MemoryError):
            problem = 'it is nested too deeply'
        if problem is not None:
            raise ConfigError(
                f'{file}: the config in it could run code ({problem}). If you know '
                'where it comes from, load it with --trust-checkpoint, or name a '
                'config file with --config'
            )
    Path(path).write_text(text, encoding='utf-8')


def _find_problem(text: str) -> str | None:
    if TEMPLATE_MARK in text:
        return f'{TEMPLATE_MARK} is a template'
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        return f'line {error.lineno}: {error.msg}'
    except ValueError as error:  # a null byte
        return str(error)
    for statement in tree.body:
        node = _find_code(statement)
        if node is not None:
            return f'line {node.lineno}: {ast.unparse(node)[:60]!r} is no plain value'
    for name in _dotted_types(tree):
        if not _is_registered(name):
            return f'type {name!r} is in no registry'
    return None


def _find_code(node: ast.AST) -> ast.AST | None:
    """Return the first part of ``name = value`` that is more than plain data."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]) if name not in IMPORT_KEYS:
            inside = [node.value]
        case ast.Constant():
            inside = []
        case ast.UnaryOp(op=ast.USub()):
            inside = [node.operand]
        case ast.List() | ast.Tuple() | ast.Set():
            inside = node.elts
        case ast.Dict() if None not in node.keys:
            inside = [*node.keys, *node.values]
        case ast.Call(func=ast.Name(id='dict'), args=[]):
            inside = [keyword.value for keyword in node.keywords]
        case _:
            return node
    return next(filter(None, map(_find_code, inside)), None)


def _dotted_types(tree: ast.AST) -> Iterator[str]:
    """Yield each text with a dot that stands under ``type``, ``ema_type``..."""
    for node in ast.walk(tree):
        pairs = []
        if isinstance(node, ast.keyword) and node.arg:
            pairs = [(node.arg, node.value)]
        elif isinstance(node, ast.Dict):
            pairs = [
                (key.value, value)
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant)
            ]
        for key, value in pairs:
            name = value.value if isinstance(value, ast.Constant) else None
            if str(key).endswith('type') and isinstance(name, str) and '.' in name:
                yield name


def _is_registered(name: str) -> bool:
    """Whether ``scope.Name`` is in a registry of a package.

    mmengine looks a name without a dot up in its registries only, and takes one with
    dots for the path of any function of any module.
    """
    match = _SCOPED_NAME.fullmatch(name)
    if match is None or match[1] not in TRUSTED_SCOPES:
        return False
    try:
        registries = vars(import_module(f'{match[1]}.registry')).values()
    except ModuleNotFoundError:  # mmcv registers in those of mmengine
        registries = vars(import_module('mmengine.registry')).values()
    for registry in registries:
        if isinstance(registry, Registry):
            registry.import_from_location()
            if match[2] in registry.module_dict:
                return True
    return False
