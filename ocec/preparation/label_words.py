"""Reads the labels that people write: open and closed, or 1 and 0.

Shapes: N rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ocec.functional.probability import CLASS_NAMES

UNKNOWN_LABEL = -1
_IDS = {'0': 0, '1': 1, '0.0': 0, '1.0': 1}
_SHOWN = 3


def parse_label(value: object) -> tuple[int, str]:
    """Read one label.

    Args:
        value: ``open`` or ``closed`` in any case, 1 or 0 as text or number.

    Returns:
        1 open, 0 closed, and ``''``; or ``UNKNOWN_LABEL`` and what is wrong.

    Example:
        >>> parse_label('Open'), parse_label(0), parse_label(2)[0]
        ((1, ''), (0, ''), -1)
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return UNKNOWN_LABEL, f'the label is missing ({value})'
    text = str(value).strip().lower()
    if text in CLASS_NAMES:
        return CLASS_NAMES.index(text), ''
    if text in _IDS and not isinstance(value, bool):
        return _IDS[text], ''
    if text in ('', 'nan', 'none', 'null'):
        return UNKNOWN_LABEL, f'the label is missing ({value!r})'
    return UNKNOWN_LABEL, f'label must be open, closed, 1 or 0, got {value!r}'


def parse_labels(values: Sequence[object], places: Sequence[str]) -> list:
    """Read the labels of one source, all written in one way.

    Args:
        values: N labels, see ``parse_label``.
        places: N texts that say where each stands, as ``a.csv, line 3``.

    Returns:
        N pairs of label and problem, as of ``parse_label``.

    Raises:
        ValueError: some labels are names and others numbers, which is how two lists
            with opposite numbers are mixed up unseen.
    """
    parsed = [parse_label(value) for value in values]
    names, numbers = [], []
    for value, (label, _), place in zip(values, parsed, places, strict=True):
        if label != UNKNOWN_LABEL:
            is_name = str(value).strip().lower() in CLASS_NAMES
            (names if is_name else numbers).append(place)
    if names and numbers:
        raise ValueError(
            f'labels must be all names or all numbers; names: {_shown(names)}; '
            f'numbers: {_shown(numbers)}'
        )
    return parsed


def _shown(places: list[str]) -> str:
    more = f' and {len(places) - _SHOWN:,} more' if len(places) > _SHOWN else ''
    return '; '.join(places[:_SHOWN]) + more
