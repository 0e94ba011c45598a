"""The door of the package for tools, notebooks and programs of your own."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocec.apis.eye_classifier import EyeClassifier

__all__ = ['EyeClassifier']


def __getattr__(name: str) -> object:
    """Import what is asked for, and only then: the tools open quickly."""
    if name == 'EyeClassifier':
        from ocec.apis.eye_classifier import EyeClassifier

        return EyeClassifier
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
