"""From lines of a log to curves; one form for every kind of log."""

# N points of a curve

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ocec.functional.json_text import parse_json

MAX_LOG_BYTES = 1 << 28
"""256 MiB; a line has some hundred bytes, and a run some thousand lines."""

LARGEST_PLACE = 2**62

PHASES = ('train', 'interval', 'val')
"""``train`` values are means over an epoch, ``interval`` over a few batches."""

SPELLINGS = {
    'f1-score': 'f1',
    'f1_score': 'f1',
    'acc': 'accuracy',
    'top1': 'accuracy',
    'top1_acc': 'accuracy',
    'roc_auc': 'auc',
    'fisher_ratio': 'fisher',
    'train_loss': 'loss',
    'val_loss': 'loss',
    'train_accuracy': 'accuracy',
    'val_accuracy': 'accuracy',
}
"""What other toolboxes write, and the name here."""

SHARES = ('accuracy', 'f1', 'precision', 'recall', 'auc', 'ap')
"""Metrics in [0, 1] here, which some toolboxes write in percent."""


@dataclass(frozen=True)
class Record:
    """What was logged at one moment of a run.

    Args:
        phase: one of ``PHASES``.
        epoch: from 1; NaN where the log does not tell.
        step: batches since the start of the run; NaN where the log does not tell.
        minutes: of work since the start of the run; NaN where the log does not tell.
        values: logged name to number; not finite where the log says so.
    """

    phase: str
    epoch: float
    step: float
    minutes: float
    values: dict[str, float]


@dataclass(frozen=True)
class Curve:
    """One logged quantity over a run, by ascending step.

    Args:
        epoch_N: (N,) float64, NaN where unknown, as in the next two.
        step_N: (N,) batches since the start.
        minutes_N: (N,) minutes of work since the start.
        value_N: (N,) the values; NaN where they were not finite.
        logged_as: name in the log.
    """

    epoch_N: np.ndarray
    step_N: np.ndarray
    minutes_N: np.ndarray
    value_N: np.ndarray
    logged_as: str


@dataclass
class LogContent:
    """What a reader found in one kind of log.

    Args:
        records: in the order of the run, resumes stitched.
        test: metrics of the last test, empty without one.
        messages: what the reader had to leave out, in the user's terms.
    """

    records: list[Record] = field(default_factory=list)
    test: dict[str, float] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)


def read_log(path: Path) -> str:
    """Read the text of a log.

    Args:
        path: the file.

    Returns:
        Its text.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no text, or larger than ``MAX_LOG_BYTES``.
    """
    size = path.stat().st_size
    if size > MAX_LOG_BYTES:
        raise ValueError(f'{size:,} bytes, more than {MAX_LOG_BYTES:,} are not read')
    return path.read_text(encoding='utf-8')


def is_place(value: object) -> bool:
    """Tell whether a value can be an epoch or a step.

    Args:
        value: of a logged object.

    Returns:
        True for a number that counts something.

    Example:
        >>> is_place(3), is_place(float('nan')), is_place('3')
        (True, False, False)
    """
    return isinstance(value, (int, float)) and abs(value) < LARGEST_PLACE


def parse_lines(text: str, name: str) -> tuple[list[dict], list[str]]:
    """Parse a file with one JSON object a line.

    Args:
        text: of the file.
        name: of the file, for messages.

    Returns:
        The objects, and messages on lines that are none.
    """
    found, broken = [], []
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            item = parse_json(line)
        except ValueError:
            item = None
        if isinstance(item, dict):
            found.append(item)
        else:
            broken.append(number)
    if not broken:
        return found, []
    if broken == [len(lines)]:
        return found, [f'{name}: the last line is half written and left out']
    return found, [
        f'{name}: {len(broken)} of {len(lines)} lines are no JSON objects and left '
        f'out, the first is line {broken[0]}'
    ]


def numbers_of(item: dict, leave_out: Sequence[str] = ()) -> dict[str, float]:
    """Return the numbers of a logged object; null is a number that was not finite.

    Args:
        item: name to value of any kind.
        leave_out: names that are no quantities, as ``epoch``.

    Returns:
        Name to number.
    """
    return {
        name: float('nan') if value is None else float(value)
        for name, value in item.items()
        if name not in leave_out
        and (value is None or isinstance(value, (int, float)))
        and not isinstance(value, bool)
    }


def drop_repeated(records: Iterable[Record]) -> list[Record]:
    """Keep the last of what was logged twice, as after a resume or a new start.

    Args:
        records: in the order they were written; a train record whose step goes back
            begins a new session.

    Returns:
        Those that count, in order.
    """
    kept: list[Record] = []
    for record in records:
        same_step: list[Record] = []
        while record.phase != 'val' and kept and kept[-1].step >= record.step:
            old = kept.pop()
            if old.step == record.step:
                same_step.insert(0, old)
        # an epoch's mean has the step of its last interval
        if all(old.phase != record.phase for old in same_step):
            kept += same_step
        kept.append(record)
    return kept


def build_curves(records: Iterable[Record]) -> dict[str, Curve]:
    """Turn records into named curves.

    Names are ``train/loss`` (means of epochs), ``val/f1``, ``interval/loss``, and
    ``lr``, ``grad_norm``, ``memory_mb`` without a phase. The last part of the logged
    name is used, so that ``eye/f1`` of one run meets ``f1`` of another; where two
    names of a run end alike, only the shortest one is cut.

    Args:
        records: of one run, in order.

    Returns:
        Name to curve.
    """
    points: dict[tuple[str, str], list[tuple]] = {}
    for record in records:
        for name, value in record.values.items():
            point = (record.epoch, record.step, record.minutes, value)
            points.setdefault((record.phase, name), []).append(point)
    curves = {}
    for phase in PHASES:
        logged = [name for at, name in points if at == phase]
        for short, name in shorten(logged).items():
            columns = np.array(points[phase, name], dtype=np.float64).T
            columns[3][~np.isfinite(columns[3])] = np.nan
            if short in SHARES and np.nanmax(columns[3], initial=0.0) > 1.5:
                columns[3] /= 100
            curve = Curve(*columns, logged_as=name)
            for title in _titles(phase, short):
                curves.setdefault(title, curve)
    return curves


def shorten(names: Sequence[str]) -> dict[str, str]:
    """Shorten the names of one phase.

    Args:
        names: as logged.

    Returns:
        Short name to logged name; one entry for each name.

    Example:
        >>> shorten(['eye/f1', 'eye/raw/f1', 'accuracy/top1'])
        {'f1': 'eye/f1', 'accuracy': 'accuracy/top1', 'eye/raw/f1': 'eye/raw/f1'}
    """
    short: dict[str, str] = {}
    left_over = []
    for name in sorted(names, key=len):
        last = name.rsplit('/', 1)[-1]
        last = SPELLINGS.get(last, last)
        if last in short:
            left_over.append(name)
        else:
            short[last] = name
    return short | {name: name for name in left_over}


def _titles(phase: str, short: str) -> Iterator[str]:
    if (
        phase == 'interval'
        and short in ('lr', 'grad_norm', 'memory_mb')
        or phase == 'train'
        and short == 'memory_mb'
    ):
        yield short
    elif phase == 'train' and short in ('lr', 'grad_norm'):
        yield short  # only used where no interval has it
    else:
        yield f'{phase}/{short}'
