"""One ``metrics.jsonl`` per work_dir, stitched across resumes."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from pathlib import Path

from mmengine.logging import print_log

from ocec.functional import file_ops
from ocec.functional.json_text import parse_json

PHASES = ('train', 'train_epoch', 'val', 'test')
MAX_LINE_CHARACTERS = 1 << 24
"""Of a line that is kept: one with a confusion matrix has some thousands."""
NEVER = 2**62


class MetricsFile:
    """Appends lines; every line has ``phase``, ``epoch`` and ``step``.

    ``train`` lines are means over a logging interval, ``train_epoch`` over an epoch,
    ``val`` and ``test`` hold metrics. ``step`` counts batches from the start of the
    run, ``epoch`` from 1. A number that is not finite is written as null.

    A line is written whole or not at all. What the disk does not take is kept, and
    written with the next line that it takes.

    Args:
        path: the file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        #: on the disk
        self.num_lines = 0
        #: that the disk has not taken yet
        self.waiting: list[str] = []

    def start(
        self,
        resumed_step: int,
        session: str,
        num_lines: int | None = None,
        waiting: Sequence[str] = (),
    ) -> None:
        """Prepare the file for a run.

        A resumed run drops the lines after its checkpoint, which it will write again;
        a new run in the same folder puts the old file aside.

        Args:
            resumed_step: batches the resumed checkpoint had seen; 0 for a new run.
            session: name of this run, for the file put aside.
            num_lines: that the file had when the checkpoint was written; by default
                those up to ``resumed_step`` are kept.
            waiting: lines that belong behind these, and were not on the disk then.
        """
        self.num_lines, self.waiting = 0, list(waiting)
        if not self.path.exists():
            return
        if resumed_step == 0:
            self.path.rename(self.path.with_name(f'metrics_before_{session}.jsonl'))
            return
        # what a torn disk left behind is no text; such a line is dropped
        with open(self.path, encoding='utf-8', errors='replace') as stream:
            lines = [*iter(lambda: stream.readline(MAX_LINE_CHARACTERS), '')]
        kept = lines[:num_lines]
        # a file of another run, or a torn one: the steps say what is before
        if num_lines is None or any(_step_of(line) > resumed_step for line in kept):
            kept = [line for line in lines if _step_of(line) <= resumed_step]
        content = ''.join(line.rstrip('\n') + '\n' for line in kept)
        file_ops.replace_file(self.path, content.encode())
        self.num_lines = len(kept)

    def append(self, phase: str, epoch: int, step: int, values: dict) -> None:
        """Write one line.

        Args:
            phase: one of ``PHASES``.
            epoch: from 1; the epoch that was trained last for ``val``.
            step: batches since the start of the run.
            values: name to number, list or text.

        Raises:
            ValueError: an unknown phase.
        """
        if phase not in PHASES:
            raise ValueError(f'phase must be one of {PHASES}, got {phase!r}')
        record = {'phase': phase, 'epoch': epoch, 'step': step, **values}
        self.waiting.append(json.dumps(_finite(record)))
        self._write(durably=False)

    def sync(self) -> None:
        """Force what was written to disk, before a checkpoint says how much it is."""
        if self.num_lines or self.waiting:
            self._write(durably=True)

    def finish(self) -> None:
        """Write what still waits.

        Raises:
            OSError: the disk does not take it.
        """
        if self.waiting:
            self._append(durably=True)

    def _write(self, *, durably: bool) -> None:
        try:
            self._append(durably=durably)
        except OSError as error:
            print_log(
                f'{self.path} cannot be written: {error.strerror or error}; '
                f'{len(self.waiting)} lines wait',
                logger='current',
                level=logging.WARNING,
            )

    def _append(self, *, durably: bool) -> None:
        content = ''.join(f'{line}\n' for line in self.waiting).encode()
        file_ops.append_to_file(self.path, content, durably=durably)
        self.num_lines += len(self.waiting)
        self.waiting = []


def _step_of(line: str) -> int:
    """Step of a line; a torn last line of a killed run counts as after the resume."""
    try:
        step = parse_json(line)['step']
    except (ValueError, KeyError, TypeError):
        return NEVER
    return step if isinstance(step, int) else NEVER


def _finite(value):
    """Replace what JSON cannot hold."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
