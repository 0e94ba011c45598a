"""JSON out of files that somebody else may have written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MAX_JSON_BYTES = 1 << 26
"""64 MiB; the largest that this package writes have a few."""


def parse_json(text: str) -> Any:
    """Parse a text.

    Args:
        text: one JSON value.

    Returns:
        The value.

    Raises:
        ValueError: it is no JSON, or nested too deeply.

    Example:
        >>> parse_json('{"epoch": 3}')
        {'epoch': 3}
    """
    try:
        return json.loads(text)
    except RecursionError:
        # its own message speaks of the interpreter, and its traceback has 1,000 lines
        raise ValueError('nested too deeply') from None


def read_json(path: str | Path, kind: type | None = None) -> Any:
    """Read a file that holds one JSON value.

    Args:
        path: of the file.
        kind: ``dict`` or ``list``, what the value must be; None lets any pass.

    Returns:
        The value.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is larger than ``MAX_JSON_BYTES``, no text, no JSON, nested
            too deeply or of another kind; the message names the file.
    """
    path = Path(path)
    with open(path, 'rb') as stream:
        content = stream.read(MAX_JSON_BYTES + 1)
    try:
        if len(content) > MAX_JSON_BYTES:
            raise ValueError(f'more than {MAX_JSON_BYTES:,} bytes are not read')
        value = parse_json(content.decode('utf-8'))
        if kind is not None and not isinstance(value, kind):
            raise ValueError(f'it must hold a {kind.__name__}, not {_kind(value)}')
    except ValueError as error:
        raise ValueError(f'{path}: no readable JSON: {error}') from error
    return value


def _kind(value: Any) -> str:
    return 'null' if value is None else f'a {type(value).__name__}'
