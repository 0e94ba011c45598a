"""The toolbox's own log: ``metrics.jsonl`` of a work_dir."""

from __future__ import annotations

from pathlib import Path

from ocec.visualization.run_records import (
    LogContent,
    Record,
    drop_repeated,
    is_place,
    numbers_of,
    parse_lines,
    read_log,
)

PLACE = ('phase', 'epoch', 'step')
PHASE_OF = {'train': 'interval', 'train_epoch': 'train', 'val': 'val'}
MEMORY_NAMES = ('memory_mb', 'peak_memory_mb', 'memory')


def read_metrics_jsonl(path: Path) -> LogContent:
    """Read ``metrics.jsonl``.

    Minutes are those of training and validation, without start-up, saving and the
    time between a stop and its resume.

    Args:
        path: the file.

    Returns:
        Its content.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no text, or too large.
    """
    items, messages = parse_lines(read_log(path), path.name)
    content = LogContent(messages=messages)
    clock = _Clock()
    records, skipped = [], 0
    for item in items:
        phase = str(item.get('phase'))  # a list cannot be looked up
        if phase == 'test':
            content.test = numbers_of(item, (*PLACE, 'seconds'))
        elif phase in PHASE_OF and _has_place(item):
            values = numbers_of(item, PLACE)
            minutes = clock.pass_by(phase, item['step'], values)
            for name in MEMORY_NAMES:
                if name in values:
                    values['memory_mb'] = values.pop(name)
            records.append(
                Record(PHASE_OF[phase], item['epoch'], item['step'], minutes, values)
            )
        else:
            skipped += 1
    if skipped:
        messages.append(
            f'{path.name}: {skipped} lines have no known phase, epoch or step'
        )
    # validations outside a training have no place on a curve
    content.records = drop_repeated(r for r in records if r.epoch > 0)
    return content


def _has_place(item: dict) -> bool:
    return all(is_place(item.get(name)) for name in PLACE[1:])


class _Clock:
    """Adds up the durations of a log."""

    def __init__(self) -> None:
        self._seconds = 0.0  # up to the end of the last epoch or validation
        self._inside = 0.0  # of the epoch that is going on
        self._step = 0

    def pass_by(self, phase: str, step: int, values: dict[str, float]) -> float:
        """Return the minutes since the start, at the end of this line."""
        if phase == 'train':
            batches = max(step - self._step, 0)
            self._inside += values.get('seconds_per_batch', 0.0) * batches
            self._step = step
            return (self._seconds + self._inside) / 60
        # an epoch resumed in its middle counts only its second part
        self._seconds += max(values.get('seconds', 0.0), self._inside)
        self._inside, self._step = 0.0, step
        return self._seconds / 60
