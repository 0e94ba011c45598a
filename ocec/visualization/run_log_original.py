"""The log of the original OCEC: ``history.json``, written at the end of a run."""

from __future__ import annotations

from pathlib import Path

from ocec.functional.json_text import parse_json, read_json
from ocec.visualization.run_records import (
    LogContent,
    Record,
    is_place,
    numbers_of,
    read_log,
)

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
        history = parse_json(read_log(path))
    except ValueError as error:
        raise ValueError(f'{path.name} is no complete JSON: {error}') from error
    if not isinstance(history, list) or not all(
        isinstance(item, dict) and is_place(item.get('epoch')) for item in history
    ):
        raise ValueError(
            f'{path.name} must hold a list of {{"epoch", "train", "val", "lr"}}'
        )
    content = LogContent(messages=[NO_TIMES])
    unknown = float('nan')
    for item in sorted(history, key=lambda item: item['epoch']):
        for phase in ('train', 'val'):
            given = item.get(phase)
            values = numbers_of(given if isinstance(given, dict) else {})
            if phase == 'train':
                values |= numbers_of({'lr': item.get('lr', '')})
            if values:
                record = Record(phase, item['epoch'], unknown, unknown, values)
                content.records.append(record)
    content.test = _read_test(path.with_name('summary.json'), content.messages)
    return content


def _read_test(path: Path, messages: list[str]) -> dict[str, float]:
    if not path.exists():
        return {}
    try:
        summary = read_json(path)
    except (OSError, ValueError) as error:
        messages.append(f'{path.name} cannot be read: {error}')
        return {}
    found = summary.get('test_metrics') if isinstance(summary, dict) else None
    return numbers_of(found if isinstance(found, dict) else {})
