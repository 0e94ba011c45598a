"""The log of a plain mmengine run: ``<timestamp>/vis_data/scalars.json``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ocec.visualization.run_records import (
    LogContent,
    Record,
    drop_repeated,
    numbers_of,
    parse_lines,
    read_log,
)

PLACE = ('epoch', 'iter', 'step')
BATCHES = re.compile(r'Epoch\(train\)\s*\[\s*\d+\]\[\s*\d+/(\d+)\]')
HEAD_CHARACTERS = 200_000


def find_mmengine_logs(work_dir: Path) -> list[Path]:
    """Return the logs of the sessions of a run, oldest first.

    Args:
        work_dir: a work_dir, a timestamp folder or a ``vis_data`` folder.

    Returns:
        ``scalars.json`` of each session, or the file named by its timestamp.
    """
    folders = {
        path.parent
        for pattern in ('vis_data/*.json', '*/vis_data/*.json', '*.json')
        for path in work_dir.glob(pattern)
        if path.parent.name == 'vis_data'
    }
    logs = []
    for folder in sorted(folders):
        scalars = folder / 'scalars.json'
        logs.append(scalars if scalars.exists() else min(folder.glob('*.json')))
    return logs


def read_mmengine_logs(paths: list[Path]) -> LogContent:
    """Read the sessions of a run and stitch them.

    What a later session logged again counts from there. A validation line holds no
    epoch: its ``step`` is an epoch or a batch, whichever the train lines before it
    agree with. Minutes are those of training; mmengine does not log how long a
    validation takes.

    Args:
        paths: of the sessions, oldest first.

    Returns:
        Their content.

    Raises:
        OSError: one cannot be read.
        ValueError: one is no text, or too large.
    """
    content = LogContent()
    records: list[Record] = []
    for path in paths:
        name = f'{path.parent.parent.name}/{path.parent.name}/{path.name}'
        items, messages = parse_lines(read_log(path), name)
        content.messages += messages
        batches = _batches_per_epoch(path, items)
        records += _records_of(items, batches)
    records = drop_repeated(records)
    content.records = [*_with_minutes(_with_epoch_means(records))]
    if content.records and all(math.isnan(r.epoch) for r in content.records):
        content.messages.append('the log counts batches only: epochs are unknown')
    return content


def _records_of(items: list[dict], batches: int | None) -> Iterator[Record]:
    """Yield interval and val records; ``minutes`` holds seconds per batch here."""
    epoch, step = math.nan, 0.0
    for item in items:
        values = numbers_of(item, PLACE)
        values = {re.sub(r'^(train|val|test)/', '', n): v for n, v in values.items()}
        seconds = values.pop('time', math.nan)
        values.pop('data_time', None)
        if _is_training(item):
            step = float(item.get('iter', item.get('step')))
            epoch = item.get('epoch', math.nan)
            if math.isnan(epoch) and batches:
                epoch = (step - 1) // batches + 1
            if 'memory' in values:
                values['memory_mb'] = values.pop('memory')
            yield Record('interval', epoch, step, seconds, values)
        elif isinstance(item.get('step'), (int, float)):
            at = float(item['step'])
            counts_epochs = at == epoch or (math.isnan(epoch) and at < step)
            if counts_epochs or step == 0:
                epoch = at
                step = at * batches if batches else step
            else:
                step = at
            yield Record('val', epoch, step, math.nan, values)


def _is_training(item: dict) -> bool:
    has_step = isinstance(item.get('iter', item.get('step')), (int, float))
    return has_step and ('iter' in item or 'lr' in item or 'train/loss' in item)


def _batches_per_epoch(path: Path, items: list[dict]) -> int | None:
    """Batches of an epoch: of the text log, else what epoch and iter imply."""
    for log in sorted(path.parent.parent.glob('*.log')):
        with open(log, encoding='utf-8', errors='replace') as stream:
            found = BATCHES.search(stream.read(HEAD_CHARACTERS))
        if found:
            return int(found[1])
    known = [item for item in items if item.get('epoch') and item.get('iter')]
    if known:  # the last batches of an epoch are not logged: a lower bound
        return max(math.ceil(item['iter'] / item['epoch']) for item in known)
    step = 0
    for item in items:  # the first validation ends an epoch
        if _is_training(item):
            step = item.get('iter', item.get('step'))
        elif step > item.get('step', math.inf) >= 1:
            return round(step / item['step'])
    return None


def _with_epoch_means(records: list[Record]) -> Iterator[Record]:
    """Yield the records, and before a change of epoch the mean of its intervals."""
    window: list[Record] = []
    for record in records:
        if window and record.epoch != window[0].epoch:
            yield _mean_of(window)
            window = []
        if record.phase == 'interval':
            if not math.isnan(record.epoch):
                window.append(record)
        elif window:  # a validation
            yield replace(_mean_of(window), step=max(record.step, window[-1].step))
            window = []
        yield record
    if window:
        yield _mean_of(window)


def _mean_of(window: list[Record]) -> Record:
    last = window[-1]
    means = {
        name: math.fsum(r.values[name] for r in window) / len(window)
        for name in last.values
        if name not in ('lr', 'grad_norm', 'memory_mb')
        and all(name in r.values for r in window)
    }
    return Record('train', last.epoch, last.step, math.nan, means)


def _with_minutes(records: Iterator[Record]) -> Iterator[Record]:
    """Replace seconds per batch by minutes since the start."""
    seconds, step, pace = 0.0, 0.0, math.nan
    for record in records:
        if record.phase == 'interval' and not math.isnan(record.minutes):
            pace = record.minutes
        if record.step > step:
            seconds += (record.step - step) * pace
            step = record.step
        yield replace(record, minutes=seconds / 60)
