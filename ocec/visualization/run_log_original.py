"""The log of the original OCEC: ``history.json``, written at the end of a run."""

from __future__ import annotations

import json
from pathlib import Path

from ocec.visualization.run_records import LogContent, Record, numbers_of

NO_TIMES = 'history.json holds neither times nor steps: minutes are unknown'


def read_history_json(path: Path) -> LogContent:
    """Read ``history.json``, and the test metrics of ``summary.json`` beside it.

    Args:
        path: the file: a list of ``{"epoch", "train": {}, "val": {}, "lr"}``.

    Returns:
        Its content; steps and minutes are unknown.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not such a list.
    """
    try:
        history = json.loads(path.read_text(encoding='utf-8'))
    except json.JSONDecodeError as error:
        raise ValueError(f'{path.name} is no complete JSON: {error}') from error
    if not isinstance(history, list) or not all(
        isinstance(item, dict) and isinstance(item.get('epoch'), (int, float))
        for item in history
    ):
        raise ValueError(
            f'{path.name} must hold a list of {{"epoch", "train", "val", "lr"}}'
        )
    content = LogContent(messages=[NO_TIMES])
    unknown = float('nan')
    for item in sorted(history, key=lambda item: item['epoch']):
        for phase in ('train', 'val'):
            values = numbers_of(item.get(phase) or {})
            if phase == 'train' and isinstance(item.get('lr'), (int, float)):
                values['lr'] = float(item['lr'])
            if values:
                record = Record(phase, item['epoch'], unknown, unknown, values)
                content.records.append(record)
    content.test = _read_test(path.with_name('summary.json'), content.messages)
    return content


def _read_test(path: Path, messages: list[str]) -> dict[str, float]:
    if not path.exists():
        return {}
    try:
        summary = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        messages.append(f'{path.name} cannot be read: {error}')
        return {}
    found = summary.get('test_metrics') if isinstance(summary, dict) else None
    return numbers_of(found or {})
