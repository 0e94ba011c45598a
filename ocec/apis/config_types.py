"""Find the class behind a ``type``, or say why it is not to be found."""

import difflib
import sys
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import mmengine.registry
from mmengine.registry import Registry

# packages whose names may stand before the dot of a type
KNOWN_SCOPES = ('ocec', 'mmengine', 'mmpretrain', 'mmcv', 'torch', 'torchvision')
# importing these registers what their registries offer
REGISTERING_MODULES = (
    'mmengine.runner',
    'mmengine.hooks',
    'mmengine.optim',
    'mmengine.model',
    'mmengine.dataset',
    'mmengine.evaluator',
    'mmengine.visualization',
)
ZOO = 'mmpretrain'


@dataclass(frozen=True)
class FoundType:
    """The class behind a ``type``, or the problem.

    Args:
        target: the class or function; None when there is a problem.
        problem: what is wrong.
        suggestion: a name that exists.
    """

    target: Callable | None = None
    problem: str | None = None
    suggestion: str | None = None


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that is most like a misspelt name.

    Args:
        name: as written.
        candidates: names that exist.

    Returns:
        One of the candidates, None when none is near.

    Example:
        >>> closest('num_clases', ['in_channels', 'num_classes'])
        'num_classes'
    """
    by_plain = {_plain(candidate): candidate for candidate in candidates}
    found = difflib.get_close_matches(_plain(name), by_plain, n=1, cutoff=0.7)
    return by_plain[found[0]] if found else None


def find_type(name: Any, registry_name: str, *, scope: str = 'ocec') -> FoundType:
    """Look a type up as mmengine will when it builds.

    Args:
        name: value of ``type``: a name, a dotted path, or a class.
        registry_name: ``MODELS``, ``HOOKS``...
        scope: package whose registry is asked first.

    Returns:
        The class or function, or the problem with the true import error in it.
    """
    if not isinstance(name, str):
        if callable(name):
            return FoundType(target=name)
        return FoundType(problem=f'type must be a name or a class, got {name!r}')
    try:
        registry = find_registry(registry_name, scope)
        registry.import_from_location()
    except Exception as error:  # whatever a package raises when it is imported
        return FoundType(
            problem=f'cannot load the {registry_name} of {scope}: {_cause(error)}'
        )
    problem = _import_scope(name, registry)
    if problem is not None:
        return problem
    scope, _, bare_name = name.partition('.')
    foreign = getattr(sys.modules.get(f'{scope}.registry'), registry_name, None)
    if isinstance(foreign, Registry) and foreign.root is not registry.root:
        # a tree of its own, as mmpretrain's BATCH_AUGMENTS: no prefix leads to it
        foreign.import_from_location()
        return _ask(foreign, bare_name, registry_name)
    return _ask(registry, name, registry_name)


def find_registry(name: str, scope: str) -> Registry:
    """Return a registry of a package, mmengine's where the package has none.

    Args:
        name: ``MODELS``, ``HOOKS``...
        scope: the package.

    Returns:
        The registry.
    """
    for module in REGISTERING_MODULES:
        import_module(module)
    module = import_module(f'{scope}.registry')
    if hasattr(module, name):
        return getattr(module, name)
    return getattr(mmengine.registry, name)


def _import_scope(name: str, registry: Registry) -> FoundType | None:
    """Import the package named before the dot; return its failure."""
    scope, dot, _ = name.partition('.')
    if not dot or scope == registry.scope:
        return None
    for module in (scope, f'{scope}.registry'):
        try:
            import_module(module)
        except ModuleNotFoundError as error:
            if error.name == f'{scope}.registry':
                continue  # a package like torch; the type is then a full path
            if error.name == scope:
                return FoundType(
                    problem=f'{name}: there is no package {scope}',
                    suggestion=closest(scope, KNOWN_SCOPES),
                )
            return FoundType(problem=f'{name}: cannot import {scope}: {_cause(error)}')
        except Exception as error:
            return FoundType(problem=f'{name}: cannot import {scope}: {_cause(error)}')
    return None


def _ask(registry: Registry, name: str, registry_name: str) -> FoundType:
    try:
        target = registry.get(name)
    except RuntimeError as error:
        # mmengine's own word for "not found"; others carry a cause
        is_missing = str(error) == f'Failed to get {name}'
        target = None
        if not is_missing:
            return FoundType(problem=f'{name}: cannot be loaded: {_cause(error)}')
    except Exception as error:
        return FoundType(problem=f'{name}: cannot be loaded: {_cause(error)}')
    # mmengine would also return the module of that name
    if callable(target):
        return FoundType(target=target)
    suggestion = closest(name, _known_names(registry))
    return FoundType(
        problem=f'{name} is not in {registry_name}',
        suggestion=suggestion or _find_in_zoo(name, registry_name),
    )


def _known_names(registry: Registry) -> set[str]:
    names = set(registry.module_dict)
    for scope, child in registry.children.items():
        names |= {f'{scope}.{name}' for name in child.module_dict}
    if registry.parent is not None:
        names |= _known_names(registry.parent)
    return names


def _find_in_zoo(name: str, registry_name: str) -> str | None:
    """Return ``mmpretrain.X`` for a plain ``X`` that only the zoo has."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            zoo = find_registry(registry_name, ZOO)
            zoo.import_from_location()
    except Exception:  # not installed or broken: nothing to suggest then
        return None
    found = closest(name, zoo.module_dict) if zoo.scope == ZOO else None
    return f'{ZOO}.{found}' if found else None


def _plain(name: str) -> str:
    return name.lower().replace('_', '')


def _cause(error: BaseException) -> str:
    """Give the error that started a chain, on one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f'{type(error).__name__}: {" ".join(str(error).split())}'
