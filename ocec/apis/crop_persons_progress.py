"""Progress of a loop of hours on stderr: how many, how fast, how long still."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TimeRemainingColumn,
)
from rich.text import Text

_SHARES = 20  # lines where there is no terminal


class _Rate(ProgressColumn):
    """Items per second of late."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self.unit = unit

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f'{speed:.1f} {self.unit}/s' if speed else f'- {self.unit}/s')


def track_rate(items: Iterable, *, total: int, what: str, unit: str) -> Iterator:
    """Pass items through and show how many have passed, how fast, and the time left.

    A bar on a terminal, which disappears at the end; else a line for each twentieth.

    Args:
        items: what the loop runs over.
        total: number of items, > 0.
        what: what is being done, as ``cropping persons``.
        unit: what is counted, as ``clips``.

    Yields:
        the items.
    """
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (BarColumn(), MofNCompleteColumn(), _Rate(unit))
        columns += (TimeRemainingColumn(),)
        with Progress(what, *columns, console=console, transient=True) as progress:
            yield from progress.track(items, total=total)
        return
    start = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        if done * _SHARES // total > (done - 1) * _SHARES // total:
            line = rate_line(done, total, time.monotonic() - start, unit)
            console.print(f'{what}: {line}', highlight=False)


def rate_line(done: int, total: int, seconds: float, unit: str) -> str:
    """Write a line of progress.

    Args:
        done: items that are done, > 0.
        total: number of items.
        seconds: since the beginning.
        unit: what is counted.

    Returns:
        The line.

    Example:
        >>> rate_line(50, 150, 25.0, 'clips')
        '50 of 150, 2.0 clips/s, 0:00:50 left'
    """
    rate = done / max(seconds, 1e-9)
    left = timedelta(seconds=round((total - done) / rate))
    return f'{done:,} of {total:,}, {rate:.1f} {unit}/s, {left} left'
