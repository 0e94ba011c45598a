"""Accuracies that models should have, and whether they do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ocec.apis.errors import ConfigError

if TYPE_CHECKING:
    from ocec.apis.measure_models import ModelRow

CLOSE, NEAR = 0.01, 0.02
"""Differences in accuracy from the expected one that count as ok, and as a warning."""


def read_expected(path: str | Path) -> dict[str, float]:
    """Read the accuracy that each model should have.

    Args:
        path: a JSON of ``tools/test_models.py``, or ``{"NAME": 0.8875}``.

    Returns:
        Name to accuracy in [0, 1].

    Raises:
        ConfigError: it is missing, damaged or holds anything else.
    """
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise ConfigError(f'--expected {path}: {error}') from error
    if isinstance(content, dict) and isinstance(content.get('models'), list):
        content = {row['name']: row['accuracy'] for row in content['models']}
    if not isinstance(content, dict) or not content:
        raise ConfigError(f'--expected {path}: it names no model')
    for name, value in content.items():
        if not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise ConfigError(
                f'--expected {path}: the accuracy of {name} must be in [0, 1], got '
                f'{value!r}'
            )
    return content


def compare_with_expected(rows: Sequence[ModelRow], expected: dict[str, float]) -> None:
    """Judge rows by a registry.

    Args:
        rows: get ``expected`` and ``verdict``, and a problem where they fail.
        expected: name to accuracy.
    """
    for row in rows:
        if row.problem:
            continue
        if row.name not in expected:
            row.verdict, row.problem = 'FAILED', 'no accuracy is expected of this name'
            continue
        row.expected = expected[row.name]
        gap = abs(row.accuracy - row.expected)
        row.verdict = 'ok' if gap < CLOSE else 'warning' if gap < NEAR else 'FAILED'
        if row.verdict == 'FAILED':
            row.problem = (
                f'accuracy {row.accuracy:.4f} where {row.expected:.4f} is expected'
            )
