"""Arrays of numbers out of what a pickle declares about them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

_PLAIN_DTYPE = re.compile(r'[<>|=]?(b1|[iu][1248]|f[248]|[US]\d{1,6})')


class PickleError(ValueError):
    """The file is no pickle of plain data, or it is damaged."""


def checked_code(code: str) -> str:
    """Let the types of numbers and of text pass.

    Args:
        code: of NumPy, such as ``f2`` or ``<U20``.

    Returns:
        The same.

    Raises:
        PickleError: it is another, such as ``O8`` of objects.

    Example:
        >>> checked_code('f2')
        'f2'
    """
    if not _PLAIN_DTYPE.fullmatch(code):
        what = 'objects' if code.lstrip('<>|=').startswith('O') else repr(code[:20])
        raise PickleError(
            f'an array of {what} is no plain data; numbers and text are read'
        )
    return code


def array_of_bytes(
    dtype: np.dtype, shape: Sequence[Any], raw: Any, *, is_fortran: bool = False
) -> np.ndarray:
    """Make an array whose shape and content were declared separately.

    Args:
        dtype: of numbers or text.
        shape: any length, whatever the file declares.
        raw: a memoryview of the content.
        is_fortran: the first index varies fastest.

    Returns:
        An array of that shape; a read-only view of the content.

    Raises:
        PickleError: the shape is not made of whole numbers >= 0, the content is not
            bytes, or there is more or less of it than declared.
    """
    if not all(type(length) is int and length >= 0 for length in shape):
        raise PickleError('the shape of an array is not made of whole numbers >= 0')
    if not isinstance(raw, memoryview):
        raise PickleError(f'the content of an array is {type(raw).__name__}, not bytes')
    size = dtype.itemsize
    for length in shape:  # whole numbers of Python do not overflow
        size *= length
    if size != len(raw):
        declared = f'{size:,}' if size < 2**64 else 'more than 2**64'
        raise PickleError(f'an array declares {declared} bytes and holds {len(raw):,}')
    if size == 0:
        return np.zeros(shape, dtype)
    flat = np.frombuffer(raw, dtype)
    return flat.reshape(shape, order='F' if is_fortran else 'C')
