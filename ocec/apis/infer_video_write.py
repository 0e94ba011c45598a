"""The files of a video: a row for each eye and frame, closures, sums, overlay."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ocec.apis.eye_boxes import EYES, EyeBox
from ocec.apis.infer_video_eyes import BOTH, EyeState, EyeWatch
from ocec.apis.infer_video_overlay import Drawn, Mp4Writer, draw_overlay
from ocec.apis.infer_video_read import Frame
from ocec.functional.blink import CLOSED, OPEN, UNKNOWN, Closure
from ocec.preparation.atomic_files import new_file

FRAMES_FILE, OVERLAY_FILE = 'frames.csv', 'overlay.mp4'
CLOSURES_CSV, CLOSURES_JSON = 'closures.csv', 'closures.json'
OUTPUTS = (FRAMES_FILE, CLOSURES_CSV, CLOSURES_JSON, OVERLAY_FILE)

STATE_NAMES = {OPEN: 'open', CLOSED: 'closed', UNKNOWN: ''}
FRAME_COLUMNS = (
    *('frame', 'time_s', 'eye', 'x1', 'y1', 'x2', 'y2', 'prob_open', 'smoothed'),
    *('state', 'blinks', 'rate_per_min', 'perclos'),
)
CLOSURE_COLUMNS = ('eye', 'kind', 'start_s', 'end_s', 'duration_s', 'cut')


class VideoFiles(contextlib.ExitStack):
    """Writes the files of one video; they get their names when the block ends well.

    Memory does not grow with the length of the video.

    Args:
        folder: where to write; made if missing.
        overlay: also write the video with boxes.
        fps: nominal frame rate of the video.

    Raises:
        ImportError: an overlay is asked for and PyAV is not installed.
    """

    def __init__(self, folder: Path, *, overlay: bool, fps: float) -> None:
        super().__init__()
        with contextlib.ExitStack() as stack:
            self._frames = _open_csv(stack, folder / FRAMES_FILE, FRAME_COLUMNS)
            self._closures = _open_csv(stack, folder / CLOSURES_CSV, CLOSURE_COLUMNS)
            self._json = stack.enter_context(new_file(folder / CLOSURES_JSON))
            self._json.write(b'{"closures": [')
            self._overlay = None
            if overlay:
                file = stack.enter_context(new_file(folder / OVERLAY_FILE))
                self._overlay = Mp4Writer(file, fps=fps)
                stack.callback(self._overlay.close)
            self.push(stack.pop_all())
        self._separator = b'\n'

    def add_frame(
        self,
        frame: Frame,
        boxes: Mapping[str, EyeBox],
        probs: Mapping[str, float],
        states: Mapping[str, EyeState],
        watch: EyeWatch,
    ) -> np.ndarray | None:
        """Write one frame.

        Args:
            frame: its image is drawn on.
            boxes: eye -> box inside the frame.
            probs: eye -> P(open).
            states: of the eyes and of both.
            watch: for the numbers so far.

        Returns:
            (H, W, 3) uint8 RGB with the overlay; None if there is none.
        """
        both = watch.series[BOTH]
        rate, perclos = both.window_values(frame.time_s)
        for eye in EYES:
            if eye in boxes:
                edges = _edges(boxes[eye])
                numbers = (*edges, _text(probs[eye]), _text(states[eye].smoothed))
                self._write_row(frame, eye, numbers, states[eye].state)
        numbers = (*[''] * 5, _text(states[BOTH].smoothed))
        counts = (both.totals.blinks, _text(rate, 2), _text(perclos))
        self._write_row(frame, BOTH, numbers, states[BOTH].state, counts)
        if self._overlay is None:
            return None
        drawn = {
            eye: Drawn(box, states[eye].smoothed, states[eye].state)
            for eye, box in boxes.items()
        }
        lines = [
            f'{frame.time_s:.1f} s  {STATE_NAMES[states[BOTH].state] or "not seen"}',
            f'blinks {both.totals.blinks}',
            f'closed {_percent(perclos)} of the time',
        ]
        draw_overlay(frame.image_HWC, drawn, lines)
        self._overlay.write(frame.image_HWC, frame.time_s)
        return frame.image_HWC

    def _write_row(self, frame, eye, numbers, state, counts=('',) * 3) -> None:
        place = (frame.number, f'{frame.time_s:.4f}', eye)
        self._frames.writerow((*place, *numbers, STATE_NAMES[state], *counts))

    def add_closure(self, eye: str, closure: Closure) -> None:
        """Write one closure.

        Args:
            eye: ``left``, ``right`` or ``both``.
            closure: it.
        """
        row = {
            'eye': eye,
            'kind': closure.kind,
            'start_s': round(closure.start_s, 4),
            'end_s': round(closure.end_s, 4),
            'duration_s': round(closure.duration_s, 4),
            'cut': closure.cut,
        }
        self._closures.writerow([_plain(value) for value in row.values()])
        self._json.write(self._separator + json.dumps(row).encode())
        self._separator = b',\n'

    def add_summary(self, summary: dict) -> None:
        """Write what is known at the end.

        Args:
            summary: values for JSON; NaN is written as null.
        """
        rest = json.dumps(_without_nan(summary), indent=1, allow_nan=False)
        # one object: what is written so far, and the inside of this one
        self._json.write(b'\n],' + rest[1:].encode() + b'\n')


def summarise_eyes(watch: EyeWatch) -> dict[str, dict]:
    """Return the sums of each series, ready for JSON.

    Args:
        watch: at its end.

    Returns:
        ``left``, ``right`` and ``both`` -> numbers.
    """
    return {
        name: {
            'blinks': series.totals.blinks,
            'long_closures': series.totals.counts.get('long', 0),
            'cut_closures': series.totals.counts.get('cut', 0),
            'blinks_per_min': _rounded(series.totals.rate_per_min),
            'mean_blink_s': _rounded(series.totals.mean_blink_s),
            'perclos': _rounded(series.totals.perclos),
            'long_share': _rounded(series.totals.long_share),
            'known_s': round(series.totals.known_s, 3),
            'closed_s': round(series.totals.closed_s, 3),
        }
        for name, series in watch.series.items()
    }


def _rounded(value: float) -> float:
    return value if math.isnan(value) else round(value, 4)


def _open_csv(stack: contextlib.ExitStack, path: Path, columns: tuple):
    file = stack.enter_context(new_file(path))
    text = io.TextIOWrapper(file, encoding='utf-8', newline='', write_through=True)
    # new_file closes the file itself, after it is on the disk
    stack.callback(text.detach)
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(columns)
    return writer


def _edges(box: EyeBox) -> tuple[int, ...]:
    return tuple(int(edge) for edge in (box.x1, box.y1, box.x2, box.y2))


def _text(value: float, digits: int = 4) -> str:
    """An empty cell for NaN."""
    return '' if math.isnan(value) else f'{value:.{digits}f}'


def _percent(share: float) -> str:
    return '-' if math.isnan(share) else f'{share:.0%}'


def _plain(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _without_nan(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
