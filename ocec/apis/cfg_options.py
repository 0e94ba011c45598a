"""``--cfg-options KEY=VALUE``: change a config from the command line.

Values are never evaluated, a key that does not lead anywhere is an error, and each
change is reported as ``key: old -> new``.
"""

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config, ConfigDict

from ocec.apis.option_values import CFG_OPTIONS_HELP, parse_value

__all__ = [
    'CFG_OPTIONS_HELP',
    'CfgOption',
    'TypeSelector',
    'apply_cfg_options',
    'parse_cfg_options',
]

# where apply_cfg_options leaves the paths it has set, for messages of config_check
OPTION_PATHS = '_cfg_option_paths'
DELETE_KEY = '_delete_'
MAX_SHOWN = 120  # characters of an old or a new value
MAX_STEPS = 100  # of a key; recipes have less than ten
MAX_DIGITS = 18

_STEP = re.compile(r'\.?([^.\[\]\s]+)|\[(-?\d+)\]|\[type=([^\[\]\s]+)\]')


@dataclass(frozen=True)
class TypeSelector:
    """The item of a list whose ``type`` is ``name``."""

    name: str


@dataclass(frozen=True)
class CfgOption:
    """One KEY=VALUE.

    Args:
        key: as typed.
        path: names, list indices (as text) and type selectors.
        value: the parsed value.
    """

    key: str
    path: tuple[str | TypeSelector, ...]
    value: Any


@dataclass
class _Change:
    """What one option did: lines for the user, paths for config_check."""

    key: str
    lines: list[str]
    paths: list[tuple[str, ...]]


def parse_cfg_options(items: Sequence[str] | None) -> list[CfgOption]:
    """Parse the arguments of ``--cfg-options``.

    Args:
        items: KEY=VALUE each; None or empty for none given.

    Returns:
        The options in the order given.

    Raises:
        ValueError: an item has no ``=``, its key is malformed, or its value is a
            broken container.

    Example:
        >>> [option] = parse_cfg_options(['a.b[1].c = none'])
        >>> option.path, option.value
        (('a', 'b', '1', 'c'), None)
    """
    return [_parse_item(item) for item in items or ()]


def apply_cfg_options(cfg: Config, options: Sequence[CfgOption]) -> list[str]:
    """Write the options into the config.

    Lists and dicts on the way are copied, so that a list that two keys share is
    changed under the named key only.

    Args:
        cfg: changed in place.
        options: from ``parse_cfg_options``.

    Returns:
        One line for each value that was set: ``key: old -> new``, with
        ``(new key)`` where there was none.

    Raises:
        ValueError: an index is out of range, no item has the type, or the way leads
            through something that is neither dict nor list. The message names the
            key and what is there.
    """
    change = _Change('', [], [])
    root = cfg._cfg_dict
    for option in options:
        change.key = option.key
        try:
            root = _assign(root, option.path, option.value, done=(), change=change)
        except RecursionError:
            raise ValueError(f'{option.key}: the value is nested too deeply') from None
    # Config.__setattr__ would make a config key of it
    object.__setattr__(cfg, '_cfg_dict', root)
    earlier = vars(cfg).get(OPTION_PATHS, ())
    object.__setattr__(cfg, OPTION_PATHS, (*earlier, *change.paths))
    return change.lines


def _parse_item(item: str) -> CfgOption:
    key, separator, value = _split_at_equals(item)
    if not separator or not key:
        raise ValueError(f'expected KEY=VALUE, got {item!r}')
    try:
        return CfgOption(key, _parse_key(key), parse_value(value))
    except RecursionError:
        raise ValueError(f'{key}: the value is nested too deeply') from None
    except (ValueError, TypeError) as error:  # TypeError: a list as a key
        raise ValueError(f'{key}: {error}') from None


def _split_at_equals(item: str) -> tuple[str, str, str]:
    """Split at the first ``=`` that is not inside ``[type=...]``."""
    depth = 0
    for position, char in enumerate(item):
        depth += (char == '[') - (char == ']')
        if char == '=' and depth <= 0:
            return item[:position].strip(), '=', item[position + 1 :].strip()
    return item.strip(), '', ''


def _parse_key(key: str) -> tuple[str | TypeSelector, ...]:
    path: list[str | TypeSelector] = []
    position = 0
    while position < len(key):
        match = _STEP.match(key, position)
        starts_with_dot = key[position] == '.'
        if match is None or (starts_with_dot and not path):
            raise ValueError(
                f'cannot read the key at {key[position:]!r}; write a.b, a.0.b, '
                'a[0].b or a[type=Name].b'
            )
        name, index, type_name = match.groups()
        path.append(TypeSelector(type_name) if type_name else name or index)
        position = match.end()
    if len(path) > MAX_STEPS:
        raise ValueError(f'the key has {len(path):,} steps, at most {MAX_STEPS}')
    return tuple(path)


def _assign(
    node: Any, path: tuple, value: Any, *, done: tuple[str, ...], change: _Change
) -> Any:
    """Return ``node`` with ``value`` at ``path``; ``done`` is the way so far."""
    if isinstance(node, dict):
        return _assign_in_dict(node, path, value, done=done, change=change)
    if isinstance(node, list | tuple):
        return _assign_in_list(node, path, value, done=done, change=change)
    raise ValueError(
        f'{change.key}: {_dotted(done)} is {_show(node)}, '
        'neither a dict nor a list, so nothing can be set inside it'
    )


def _assign_in_dict(
    node: dict, path: tuple, value: Any, *, done: tuple[str, ...], change: _Change
) -> dict:
    step, rest = path[0], path[1:]
    if isinstance(step, TypeSelector):
        raise ValueError(
            f'{change.key}: {_dotted(done)} is a dict with the keys '
            f'{sorted(map(str, node))}, [type=...] selects an item of a list'
        )
    node = copy.copy(node)
    here = (*done, step)
    if rest and step not in node and _wants_list(rest[0]):
        raise ValueError(
            f'{change.key}: {_dotted(here)} does not exist, so it has '
            f'no items; {_dotted(done)} has the keys {sorted(map(str, node))}'
        )
    if rest:
        inner = node[step] if step in node else ConfigDict()
        node[step] = _assign(inner, rest, value, done=here, change=change)
    elif step in node:
        node[step] = _replace(node[step], value, done=here, change=change)
    else:
        change.lines.append(f'{_dotted(here)}: (new key) -> {_show(value)}')
        change.paths.append(here)
        node[step] = _without_markers(value)
    return node


def _assign_in_list(
    node: list | tuple,
    path: tuple,
    value: Any,
    *,
    done: tuple[str, ...],
    change: _Change,
) -> list | tuple:
    index = _find_index(node, path[0], done=done, key=change.key)
    here = (*done, str(index))
    items = list(node)
    if path[1:]:
        items[index] = _assign(items[index], path[1:], value, done=here, change=change)
    else:
        items[index] = _replace(items[index], value, done=here, change=change)
    return items if isinstance(node, list) else tuple(items)


def _find_index(
    items: list | tuple, step: str | TypeSelector, *, done: tuple[str, ...], key: str
) -> int:
    what = f'{key}: {_dotted(done)} has {_show_items(items)}'
    if isinstance(step, TypeSelector):
        matches = [i for i, item in enumerate(items) if _has_type(item, step.name)]
        if not matches:
            raise ValueError(f'{what}, none of type {step.name}')
        if len(matches) > 1:
            raise ValueError(
                f'{what}, {len(matches)} of type {step.name}; give the index'
            )
        return matches[0]
    if not re.fullmatch(r'-?\d+', step):
        raise ValueError(f'{what}; {step!r} is not an index')
    # more digits than an index has are no number that Python reads
    if len(step) > MAX_DIGITS or not -len(items) <= int(step) < len(items):
        raise ValueError(f'{what}; index {step} is out of range')
    return int(step) % len(items)


def _wants_list(step: str | TypeSelector) -> bool:
    return isinstance(step, TypeSelector) or re.fullmatch(r'-?\d+', step) is not None


def _has_type(item: Any, name: str) -> bool:
    if not isinstance(item, dict):
        return False
    found = str(item.get('type'))
    return name in (found, found.rsplit('.', maxsplit=1)[-1])


def _replace(old: Any, new: Any, *, done: tuple[str, ...], change: _Change) -> Any:
    """Return what stands at ``done`` after ``new`` came over ``old``."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        change.lines.append(f'{_dotted(done)}: {_show(old)} -> {_show(new)}')
        change.paths.append(done)
        return _without_markers(new)
    types_differ = 'type' in old and 'type' in new and old['type'] != new['type']
    if types_differ or new.get(DELETE_KEY):
        reason = 'another type' if types_differ else f'{DELETE_KEY}=True'
        new = _without_markers(new)
        change.lines.append(
            f'{_dotted(done)}: {_show(old)} -> {_show(new)} (replaced: {reason})'
        )
        change.paths.append(done)
        return new
    for name, value in new.items():
        if name != DELETE_KEY:
            old = _assign_in_dict(old, (name,), value, done=done, change=change)
    return old


def _without_markers(value: Any) -> Any:
    """Drop ``_delete_`` where there is nothing that it could delete."""
    if isinstance(value, dict):
        return ConfigDict(
            (key, _without_markers(item))
            for key, item in value.items()
            if key != DELETE_KEY
        )
    if isinstance(value, list | tuple):
        return type(value)(_without_markers(item) for item in value)
    return value


def _dotted(path: tuple[str, ...]) -> str:
    return '.'.join(map(str, path)) or 'the config'


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f'{text[: MAX_SHOWN - 3]}...'


def _show_items(items: list | tuple) -> str:
    names = [
        f'{index} {item.get("type", "a dict")}'
        if isinstance(item, dict)
        else f'{index} {_show(item)}'
        for index, item in enumerate(items)
    ]
    return f'{len(items)} items ({", ".join(names)})' if names else 'no items'
