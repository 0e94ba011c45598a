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


def parse_ids_and_labels(
    ids: Sequence[object], values: Sequence[object], places: Sequence[str]
) -> list:
    """Read labels that are given twice: by ``class_id`` where it is, else by label.

    Args:
        ids: N values of ``class_id``, None where there is none.
        values: N labels.
        places: N texts that say where each stands.

    Returns:
        N pairs of label and problem; rows where both contradict have a problem.

    Raises:
        ValueError: names and numbers are mixed among the ids.
    """
    by_id = parse_labels(ids, places)
    by_text = [parse_label(value) for value in values]
    labels = []
    for value, of_id, of_text in zip(ids, by_id, by_text, strict=True):
        if value is None:
            labels.append(of_text)
        elif 0 <= of_id[0] != of_text[0] >= 0:
            problem = f'class_id {value} and the label contradict each other'
            labels.append((UNKNOWN_LABEL, problem))
        else:
            labels.append(of_id)
    return labels


def _shown(places: list[str]) -> str:
    more = f' and {len(places) - _SHOWN:,} more' if len(places) > _SHOWN else ''
    return '; '.join(places[:_SHOWN]) + more
