"""The packages that only stacking needs, with a message that says how to get them."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

ADVICE = 'pip install "ocec[stacking]"'


def import_lightgbm() -> ModuleType:
    """Import lightgbm.

    Returns:
        The package.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import lightgbm
    except ImportError as error:
        raise ImportError(f'this combiner needs lightgbm: {ADVICE}') from error
    return lightgbm


def import_sklearn(module: str) -> ModuleType:
    """Import a module of scikit-learn.

    Args:
        module: as ``sklearn.model_selection``.

    Returns:
        The module.

    Raises:
        ImportError: scikit-learn is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(f'stacking needs scikit-learn: {ADVICE}') from error
