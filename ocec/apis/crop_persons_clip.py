"""Crops one clip to its persons; runs in a worker.

Shapes: H x W pixels of a frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ocec.datasets.frame_count import count_frames
from ocec.datasets.rgb_source import check_frame_shape, crop, resize
from ocec.datasets.video_reader import VideoError, read_frames
from ocec.preparation.atomic_files import new_file
from ocec.preparation.crop_settings import CropSettings
from ocec.preparation.crop_writers import write_frames

MADE, KEPT, BAD = 'made', 'kept', 'bad'


@dataclass(frozen=True)
class CropJob:
    """A clip that is wanted.

    Args:
        name: of the clip.
        source: its video.
        target: file to write.
        box: x1, y1, x2, y2 in pixels of the annotation's frame.
        frame_hw: height and width of that frame in pixels.
        num_frames: of the annotation; so many are written.
    """

    name: str
    source: Path
    target: Path
    box: tuple[int, int, int, int]
    frame_hw: tuple[int, int]
    num_frames: int


@dataclass(frozen=True)
class CroppedClip:
    """What became of it.

    Args:
        status: ``made``, ``kept``: was there already; ``bad``: cannot be read.
        num_bytes: of the file.
        problem: what is wrong, with the name of the clip; else empty.
    """

    status: str
    num_bytes: int = 0
    problem: str = ''


def crop_clip(job: CropJob, *, settings: CropSettings) -> CroppedClip:
    """Read a video once and write its crop, unless the file is there and complete.

    Args:
        job: the clip.
        settings: how.

    Returns:
        What became of it.

    Raises:
        OSError: the file cannot be written; the message names the clip.
    """
    if _is_finished(job):
        return CroppedClip(KEPT, job.target.stat().st_size)
    try:
        with new_file(job.target) as stream:
            write_frames(stream, _cropped_frames(job, settings), settings)
    except ValueError as error:  # VideoError, or frames of another shape
        return CroppedClip(BAD, problem=f'clip "{job.name}": {error}')
    except OSError as error:
        raise OSError(f'clip "{job.name}": {error}') from error
    return CroppedClip(MADE, job.target.stat().st_size)


def _is_finished(job: CropJob) -> bool:
    """Whether the file has all frames: one that lost its end has fewer, or none."""
    if not job.target.is_file():
        return False
    try:
        return count_frames(job.target) == job.num_frames
    except VideoError:
        return False


def _cropped_frames(job: CropJob, settings: CropSettings) -> Iterator[np.ndarray]:
    x1, y1, x2, y2 = job.box
    size = settings.frame_size(y2 - y1, x2 - x1)
    for image_HWC in read_frames(job.source, range(job.num_frames)):
        check_frame_shape(job.source, image_HWC.shape[:2], job.frame_hw)
        yield resize(crop(image_HWC, job.box, job.frame_hw), size)
