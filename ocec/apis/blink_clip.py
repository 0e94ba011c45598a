"""A generated video with known blinks, and its truth."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from ocec.apis.infer_video_overlay import Mp4Writer
from ocec.apis.progress import track
from ocec.preparation.atomic_files import new_files
from ocec.synthesis.blink_clip import BlinkClip, ClipSettings
from ocec.synthesis.blink_plan import EYES

CLIP_FILES = ('clip.mp4', 'boxes.csv', 'truth.csv', 'clip.json')


def make_blink_clip(out_dir: str | Path, **settings: object) -> Path:
    """Draw a face that blinks and write it as a video with its truth.

    ``clip.mp4`` is the video, ``boxes.csv`` the box of each eye in each frame,
    ``truth.csv`` eye, kind, start and end of each closure, also of both eyes together,
    ``clip.json`` the settings.

    Args:
        out_dir: folder; files of these names are replaced.
        **settings: fields of :class:`ocec.synthesis.blink_clip.ClipSettings`.

    Returns:
        The folder.

    Raises:
        ImportError: PyAV is not installed.
        ValueError: a setting is out of range.
    """
    chosen = ClipSettings(**settings)
    clip, folder = BlinkClip(chosen), Path(out_dir)
    with new_files([folder / name for name in CLIP_FILES]) as files:
        writer = Mp4Writer(next(files), fps=chosen.fps, movflags='')
        rows = []
        frames = enumerate(clip.frames())
        with contextlib.closing(writer):
            total = len(clip.times_s)
            for number, frame in track(frames, total=total, what='drawing frames'):
                writer.write(frame.image_HWC, frame.time_s)
                for eye, box in frame.boxes.items():
                    rows.append([number, eye, *(f'{edge:.2f}' for edge in box)])
        head = ['frame', 'eye', 'x1', 'y1', 'x2', 'y2']
        next(files).write(_csv([head, *rows]))
        head = ['eye', 'kind', 'start_s', 'end_s']
        next(files).write(_csv([head, *true_closures(clip)]))
        next(files).write(json.dumps(asdict(chosen), indent=1).encode() + b'\n')
    return folder


def true_closures(clip: BlinkClip) -> Iterator[list]:
    """List what the eyes of a clip do.

    Args:
        clip: the clip.

    Yields:
        Eye (``left``, ``right`` or ``both``), kind, start and end in seconds.
    """
    for closure in clip.closures:
        together = closure.eyes == EYES
        for eye in (*closure.eyes, 'both') if together else closure.eyes:
            times = (f'{time:.4f}' for time in (closure.start_s, closure.end_s))
            yield [eye, closure.kind, *times]


def _csv(rows: list[list]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator='\n').writerows(rows)
    return text.getvalue().encode()
