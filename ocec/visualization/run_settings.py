"""The resolved config that a run left in its work_dir, read without running it."""

from __future__ import annotations

import ast
from pathlib import Path

MAX_BYTES = 1 << 22
"""4 MiB; a dumped config has some ten thousand bytes."""

Setting = str | int | float | bool | None


def find_config(work_dir: Path) -> Path | None:
    """Return the newest dumped config of a work_dir.

    Args:
        work_dir: of a run.

    Returns:
        ``*.py`` of its top level, else ``<timestamp>/vis_data/config.py``; None
        without one.
    """
    found = list(work_dir.glob('*.py')) or list(work_dir.glob('*/vis_data/config.py'))
    return max(found, key=lambda path: (path.stat().st_mtime, path.name), default=None)


def read_settings(path: Path) -> dict[str, Setting]:
    """Read a dumped config as dotted names.

    Nothing in it is executed: a work_dir may come from somebody else.

    Args:
        path: assignments of literals and ``dict(...)``, as mmengine dumps them.

    Returns:
        ``model.backbone.type`` and so on to value; an item of a list of dicts has
        its number as a part of the name, other lists are one text.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no Python file, too large, or nested too deeply.
    """
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f'{path.name} is no config: more than {MAX_BYTES:,} bytes')
    try:
        return _settings_of(ast.parse(path.read_text(encoding='utf-8')))
    except (SyntaxError, ValueError) as error:
        raise ValueError(f'{path.name} is no config: {error}') from error
    except (RecursionError, MemoryError):
        raise ValueError(f'{path.name} is no config: nested too deeply') from None


def _settings_of(tree: ast.Module) -> dict[str, Setting]:
    settings: dict[str, Setting] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if not name.startswith('__'):
                _flatten(name, _value_of(node.value), settings)
    return settings


def _value_of(node: ast.expr):
    """Return what an expression stands for; its source where it is no literal."""
    if isinstance(node, ast.Call) and getattr(node.func, 'id', None) == 'dict':
        merged = {}
        for part in (*node.args, *(k.value for k in node.keywords if not k.arg)):
            value = _value_of(part)
            merged |= value if isinstance(value, dict) else {'': value}
        return merged | {k.arg: _value_of(k.value) for k in node.keywords if k.arg}
    if isinstance(node, ast.Dict) and None not in node.keys:
        return {
            str(_value_of(key)): _value_of(value)
            for key, value in zip(node.keys, node.values, strict=True)
        }
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value_of(item) for item in node.elts]
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):  # TypeError: a set of lists
        return ast.unparse(node)


def _flatten(name: str, value, settings: dict[str, Setting]) -> None:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            _flatten(f'{name}.{key}', item, settings)
    elif isinstance(value, list) and any(isinstance(i, (dict, list)) for i in value):
        for number, item in enumerate(value):
            _flatten(f'{name}.{number}', item, settings)
    elif value is None or isinstance(value, (str, int, float, bool)):
        settings[name] = value
    else:
        settings[name] = str(value)
