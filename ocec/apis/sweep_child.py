"""A trial as a config file of its own: the base config and what was changed."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config

from ocec.apis.run_config import load_run_config
from ocec.apis.sweep_check import look_up
from ocec.apis.sweep_config import as_options

NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_]*')
INDENT = '    '


def child_config_text(
    base: Path, settings: Mapping, *, folder: Path, docstring: str
) -> str:
    """Write a config that inherits from another one.

    Args:
        base: the config file to inherit from.
        settings: key to value, as for ``--cfg-options``.
        folder: where the file will lie.
        docstring: of the file.

    Returns:
        Python text; ``_base_`` is relative to the folder. A list of which an item
        changes is written out, since a config cannot change one item of its base's.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        cfg = load_run_config(base, cfg_options=as_options(settings), no_check=True)
        plain = load_run_config(base, no_check=True)
    tree: dict = {}
    for key in settings:
        path = _path_of_dicts(plain, key)
        old, _ = look_up(plain, '.'.join(path))
        value, _ = look_up(cfg, '.'.join(path))
        _put(tree, path, _mark(value, old))
    relative = os.path.relpath(Path(base).resolve(), Path(folder).resolve())
    lines = [f'"""{docstring}"""', '', f'_base_ = {Path(relative).as_posix()!r}', '']
    lines += [f'{name} = {_code(value, 0)}' for name, value in tree.items()]
    return '\n'.join(lines) + '\n'


def _path_of_dicts(cfg: Config, key: str) -> list[str]:
    """Steps of a key up to the first list."""
    steps = key.replace('[', '.').replace(']', '').split('.')
    for number in range(1, len(steps)):
        value, _ = look_up(cfg, '.'.join(steps[:number]))
        if isinstance(value, list | tuple):
            return steps[:number]
    return steps


def _mark(value: object, old: object) -> object:
    """Let a dict take the place of another one, rather than be merged into it."""
    value = plain_value(value)
    if isinstance(value, dict) and isinstance(old, Mapping):
        return {'_delete_': True, **value}
    return value


def plain_value(value: object) -> object:
    """Return dicts and lists of mmengine as Python's own."""
    if isinstance(value, Mapping):
        return {key: plain_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(plain_value(item) for item in value)
    return value


def _put(tree: dict, path: list[str], value: object) -> None:
    for step in path[:-1]:
        tree = tree.setdefault(step, {})
    tree[path[-1]] = value


def _code(value: object, depth: int) -> str:
    """Write a value as code; dicts as ``dict(...)`` where their keys are names."""
    outer, inner = INDENT * depth, INDENT * (depth + 1)
    if isinstance(value, dict) and value:
        is_call = all(isinstance(k, str) and NAME.fullmatch(k) for k in value)
        form = '{}={},' if is_call else '{!r}: {},'
        rows = [form.format(k, _code(v, depth + 1)) for k, v in value.items()]
        body = ''.join(f'{inner}{row}\n' for row in rows)
        return f'dict(\n{body}{outer})' if is_call else f'{{\n{body}{outer}}}'
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        body = ''.join(f'{inner}{_code(item, depth + 1)},\n' for item in value)
        return f'[\n{body}{outer}]'
    return repr(value)
