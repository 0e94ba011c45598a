"""The answers of a video as files and as text."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ocec.apis.infer_action_windows import (
    NOBODY,
    Segment,
    Window,
    average_windows,
    join_pieces,
    top_classes,
    whole_video,
)
from ocec.preparation.atomic_files import new_files

WINDOWS_FILE, SEGMENTS_FILE = 'windows.csv', 'segments.csv'
JSON_FILE = 'actions.json'
OUTPUTS = (WINDOWS_FILE, SEGMENTS_FILE, JSON_FILE)
WINDOW_COLUMNS = ('start_s', 'end_s', 'rank', 'class', 'probability')
SEGMENT_COLUMNS = ('start_s', 'end_s', 'class', 'probability')
NOBODY_NAME = 'nobody'
SHOWN_TIMES = 3


@dataclass(frozen=True, eq=False)
class VideoActions:
    """What is said of a video; W windows, C classes, S pieces.

    Args:
        windows: W, by their start.
        prob_WC: (W, C); NaN where nobody was found.
        time_F1: (F + 1,) seconds at which each frame begins, and the end.
        classes: C names.
        top: classes that are listed of each window, >= 1.
    """

    windows: Sequence[Window]
    prob_WC: np.ndarray
    time_F1: np.ndarray
    classes: Sequence[str]
    top: int

    @property
    def pieces(self) -> tuple[np.ndarray, np.ndarray]:
        """Means of overlapping windows, see ``average_windows``."""
        return average_windows(self.windows, self.prob_WC)

    @property
    def segments(self) -> list[Segment]:
        """Stretches with the same answer."""
        return join_pieces(*self.pieces)

    def times(self, part: Window | Segment) -> tuple[float, float]:
        """Return start and end of some frames in seconds."""
        return float(self.time_F1[part.start]), float(self.time_F1[part.stop])


def write_actions(actions: VideoActions, folder: Path, facts: dict) -> None:
    """Write ``windows.csv``, ``segments.csv`` and ``actions.json``.

    Args:
        actions: what is said.
        folder: made if missing.
        facts: put at the head of the JSON.
    """
    windows = list(_window_rows(actions))
    segments = list(_segment_rows(actions))
    whole_C = whole_video(*actions.pieces)
    content = {
        **facts,
        'classes': list(actions.classes),
        'video': [] if whole_C is None else _ranked(actions, whole_C),
        'segments': [dict(zip(SEGMENT_COLUMNS, row, strict=True)) for row in segments],
        'windows': [_window_object(actions, n) for n in range(len(actions.windows))],
    }
    with new_files([folder / name for name in OUTPUTS]) as files:
        _write_csv(next(files), WINDOW_COLUMNS, windows)
        _write_csv(next(files), SEGMENT_COLUMNS, segments)
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
        next(files).write(text.encode() + b'\n')


def table_text(actions: VideoActions) -> str:
    """Show the likeliest actions of the whole video, and when each comes first.

    Args:
        actions: what is said.

    Returns:
        A table of several lines.
    """
    whole_C = whole_video(*actions.pieces)
    if whole_C is None:
        return 'nobody was found in any window: there is no answer'
    labels = top_classes(whole_C, actions.top)
    names = [str(actions.classes[label]) for label in labels]
    width = max(len('class'), *map(len, names))
    lines = [f'rank  {"class":{width}}  probability  comes first']
    for rank, (label, name) in enumerate(zip(labels, names, strict=True), start=1):
        when = _when(actions, label)
        lines.append(f'{rank:4}  {name:{width}}  {whole_C[label]:11.4f}  {when}')
    num_empty = int(np.isnan(actions.prob_WC).any(axis=1).sum())
    if num_empty:
        count = len(actions.windows)
        lines.append(f'nobody in {num_empty:,} of {count:,} windows')
    return '\n'.join(line.rstrip() for line in lines)


def _when(actions: VideoActions, label: int) -> str:
    spans = [actions.times(part) for part in actions.segments if part.label == label]
    shown = ', '.join(f'{start:.2f}-{end:.2f} s' for start, end in spans[:SHOWN_TIMES])
    more = len(spans) - SHOWN_TIMES
    return (shown or '-') + (f' and {more:,} more' if more > 0 else '')


def _window_rows(actions: VideoActions) -> Iterator[tuple]:
    for window, prob_C in zip(actions.windows, actions.prob_WC, strict=True):
        start_s, end_s = (round(time_s, 4) for time_s in actions.times(window))
        if np.isnan(prob_C).any():
            yield start_s, end_s, 1, NOBODY_NAME, ''
            continue
        for entry in _ranked(actions, prob_C):
            yield start_s, end_s, *entry.values()


def _window_object(actions: VideoActions, number: int) -> dict:
    window, prob_C = actions.windows[number], actions.prob_WC[number]
    start_s, end_s = (round(time_s, 4) for time_s in actions.times(window))
    is_empty = bool(np.isnan(prob_C).any())
    return {
        'start_s': start_s,
        'end_s': end_s,
        'start_frame': window.start,
        'end_frame': window.stop,
        'nobody': is_empty,
        'top': [] if is_empty else _ranked(actions, prob_C),
    }


def _ranked(actions: VideoActions, prob_C: np.ndarray) -> list[dict]:
    labels = top_classes(prob_C, actions.top)
    return [
        {
            'rank': rank,
            'class': str(actions.classes[label]),
            'probability': round(float(prob_C[label]), 6),
        }
        for rank, label in enumerate(labels, start=1)
    ]


def _segment_rows(actions: VideoActions) -> Iterator[tuple]:
    for part in actions.segments:
        start_s, end_s = (round(time_s, 4) for time_s in actions.times(part))
        is_empty = part.label == NOBODY
        name = NOBODY_NAME if is_empty else str(actions.classes[part.label])
        yield start_s, end_s, name, None if is_empty else round(part.prob, 6)


def _write_csv(file, columns: Sequence[str], rows: Sequence[tuple]) -> None:
    text = io.TextIOWrapper(file, encoding='utf-8', newline='')
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(columns)
    writer.writerows(rows)
    text.flush()
    text.detach()  # the file is closed by who opened it


def latency_ms(seconds: Sequence[float]) -> tuple[float, float]:
    """Return median and 95th percentile of some times.

    Args:
        seconds: at least one.

    Returns:
        Both in milliseconds; NaN without any.
    """
    if not len(seconds):
        return math.nan, math.nan
    median, high = np.percentile(seconds, [50, 95])
    return 1000 * float(median), 1000 * float(high)
