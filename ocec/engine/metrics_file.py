"""One ``metrics.jsonl`` per work_dir, stitched across resumes."""

from __future__ import annotations

import json
import math
from pathlib import Path

from ocec.engine.checkpoint_io import write_text_atomically

PHASES = ('train', 'train_epoch', 'val', 'test')


class MetricsFile:
    """Appends lines; every line has ``phase``, ``epoch`` and ``step``.

    ``train`` lines are means over a logging interval, ``train_epoch`` over an epoch,
    ``val`` and ``test`` hold metrics. ``step`` counts batches from the start of the
    run, ``epoch`` from 1. A number that is not finite is written as null.

    Args:
        path: the file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def start(self, resumed_step: int, session: str) -> None:
        """Prepare the file for a run.

        A resumed run drops the lines after its checkpoint, which it will write again;
        a new run in the same folder puts the old file aside.

        Args:
            resumed_step: batches the resumed checkpoint had seen; 0 for a new run.
            session: name of this run, for the file put aside.
        """
        if not self.path.exists():
            return
        if resumed_step == 0:
            self.path.rename(self.path.with_name(f'metrics_before_{session}.jsonl'))
            return
        lines = self.path.read_text().splitlines()
        kept = [line for line in lines if _step_of(line) <= resumed_step]
        write_text_atomically(''.join(f'{line}\n' for line in kept), self.path)

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
        with open(self.path, 'a', encoding='utf-8') as stream:
            stream.write(json.dumps(_finite(record)) + '\n')


def _step_of(line: str) -> int:
    """Step of a line; a torn last line of a killed run counts as after the resume."""
    try:
        return json.loads(line)['step']
    except (json.JSONDecodeError, KeyError):
        return 2**62


def _finite(value):
    """Replace what JSON cannot hold."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
