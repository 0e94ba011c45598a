"""Which arguments a class or function takes, through ``**kwargs`` handed upwards."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

# constructors whose **kwargs go elsewhere than to the parent: what they may hold
CLOSED_KWARGS: dict[str, tuple[str, ...]] = {
    # to Runner.save_checkpoint, which is given everything but this by name
    'mmengine.hooks.checkpoint_hook.CheckpointHook': ('meta',),
    # to the class that ema_type names; config_check adds its arguments
    'mmengine.hooks.ema_hook.EMAHook': (),
}


@dataclass(frozen=True)
class Arguments:
    """What may be passed by keyword.

    Args:
        defaults: name to default value, ``REQUIRED`` where there is none.
        is_open: further names may be taken, nobody can say which.
    """

    defaults: dict[str, Any] = field(default_factory=dict)
    is_open: bool = False

    @property
    def names(self) -> list[str]:
        """All names, in the order of the signature."""
        return list(self.defaults)

    @property
    def required(self) -> list[str]:
        """Names without a default."""
        return [name for name, value in self.defaults.items() if value is REQUIRED]


REQUIRED = inspect.Parameter.empty


@dataclass
class _Forwarding:
    """What a constructor does with its ``**kwargs``."""

    goes_up: bool = False
    num_positional: int = 0
    bound: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)


@cache
def arguments_of(target: Callable) -> Arguments:
    """Return the arguments of a class or function.

    A constructor with ``**kwargs`` that it passes to ``super().__init__`` takes its
    parent's arguments too, apart from those it fills in itself.

    Args:
        target: a class or any other callable.

    Returns:
        The arguments, open when they cannot be known.
    """
    if inspect.isclass(target):
        return _of_class(target, list(target.__mro__))
    parameters = _parameters(target)
    if parameters is None:
        return Arguments(is_open=True)
    is_open = any(p.kind is p.VAR_KEYWORD for p in parameters)
    return Arguments(_defaults(parameters), is_open)


def _of_class(owner: type, mro: list[type]) -> Arguments:
    while mro and '__init__' not in vars(mro[0]):
        mro = mro[1:]
    if not mro or mro[0] is object:
        return Arguments()
    definer, init = mro[0], vars(mro[0])['__init__']
    parameters = _parameters(init)
    if parameters is None:
        return Arguments(is_open=True)
    own = Arguments(_defaults(parameters[1:]))
    kwargs = next((p.name for p in parameters if p.kind is p.VAR_KEYWORD), None)
    if kwargs is None:
        return own
    listed = CLOSED_KWARGS.get(f'{definer.__module__}.{definer.__qualname__}')
    if listed is not None:
        return Arguments(dict.fromkeys(listed) | own.defaults)
    forwarding = _forwarding(init, kwargs)
    own = replace(own, defaults=dict.fromkeys(sorted(forwarding.taken)) | own.defaults)
    if not forwarding.goes_up:
        return replace(own, is_open=True)
    return _joined(own, _of_class(owner, mro[1:]), forwarding)


def _joined(own: Arguments, parent: Arguments, forwarding: _Forwarding) -> Arguments:
    """Add the parent's arguments that the child does not fill in."""
    filled = {*parent.names[: forwarding.num_positional], *forwarding.bound}
    inherited = {k: v for k, v in parent.defaults.items() if k not in filled}
    return Arguments(inherited | own.defaults, parent.is_open)


def _parameters(function: Callable) -> list[inspect.Parameter] | None:
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some built-ins have no signature
        return None


def _defaults(parameters: list[inspect.Parameter]) -> dict[str, Any]:
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {p.name: p.default for p in parameters if p.kind in by_name}


def _forwarding(init: Callable, kwargs: str) -> _Forwarding:
    """Read from the source where ``**kwargs`` goes."""
    try:
        source = textwrap.dedent(inspect.getsource(inspect.unwrap(init)))
        tree = ast.parse(source)
    except (OSError, TypeError, SyntaxError):
        return _Forwarding()
    result = _Forwarding(taken=set(_taken_names(tree, kwargs)))
    for call in ast.walk(tree):
        if not _is_parent_init(call) or not _passes(call, kwargs):
            continue
        result.goes_up = True
        result.num_positional = sum(
            not isinstance(argument, ast.Starred) for argument in call.args
        )
        result.bound = {keyword.arg for keyword in call.keywords if keyword.arg}
    return result


def _is_parent_init(node: ast.AST) -> bool:
    """Whether a node is ``super().__init__(...)`` or ``super(X, self).__init__``."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == '__init__'
        and isinstance(node.func.value, ast.Call)
        and getattr(node.func.value.func, 'id', None) == 'super'
    )


def _passes(call: ast.Call, kwargs: str) -> bool:
    return any(
        keyword.arg is None and getattr(keyword.value, 'id', None) == kwargs
        for keyword in call.keywords
    )


def _taken_names(tree: ast.AST, kwargs: str) -> Iterator[str]:
    """Yield the names in ``kwargs.pop('x')``, ``.get('x')`` and ``kwargs['x']``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            holder, names = node.func.value, node.args[:1]
            if node.func.attr not in ('pop', 'get', 'setdefault'):
                continue
        elif isinstance(node, ast.Subscript):
            holder, names = node.value, [node.slice]
        else:
            continue
        if getattr(holder, 'id', None) == kwargs:
            yield from (n.value for n in names if isinstance(n, ast.Constant))
