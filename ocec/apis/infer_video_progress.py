"""How far a video is, and how fast it goes, on stderr."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

QUIET_S = 30.0
"""Between two lines where there is no terminal."""


class VideoProgress:
    """A bar on a terminal, else a line now and then; use it in a ``with`` block.

    Args:
        total_s: length of the video in seconds; None if unknown.
    """

    def __init__(self, total_s: float | None) -> None:
        self._console = Console(stderr=True)
        self._total_s, self._count, self._bar = total_s, 0, None
        if self._console.is_terminal:
            text = TextColumn('{task.fields[shown]}')
            columns = (text, BarColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._task = self._bar.add_task('', total=total_s, shown='')

    def __enter__(self) -> VideoProgress:
        """Start the clock."""
        self._begin = self._last_line = time.monotonic()
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()

    @property
    def fps(self) -> float:
        """Frames handled in a second, on average so far."""
        elapsed_s = time.monotonic() - self._begin
        return self._count / elapsed_s if elapsed_s > 0 else 0.0

    def update(self, time_s: float, *, blinks: int) -> None:
        """Say that a frame is done.

        Args:
            time_s: its time in the video.
            blinks: number so far.
        """
        self._count += 1
        if self._bar is not None:
            shown = self._line(time_s, blinks)
            self._bar.update(self._task, completed=time_s, shown=shown)
        elif time.monotonic() - self._last_line >= QUIET_S:
            self._last_line = time.monotonic()
            self._console.print(self._line(time_s, blinks), highlight=False)

    def _line(self, time_s: float, blinks: int) -> str:
        total = '' if self._total_s is None else f' of {self._total_s:.0f}'
        return f'{time_s:.0f}{total} s, {self.fps:.0f} frames/s, {blinks} blinks'
