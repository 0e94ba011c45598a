"""The RGB frames of clips: which files they are in, and how they are cropped.

Shapes: N clips of the table, T frames, H x W pixels of a video, h x w pixels that a
network is given.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from ocec.datasets.action_table import ActionTable
from ocec.datasets.jpeg_pack import PACK_SUFFIX, read_jpeg_pack
from ocec.datasets.video_reader import BACKENDS, first_frame_size, read_frames
from ocec.functional.csv_rows import NamedRows

LAYOUTS = {
    'listed': (),
    'raw': ('{}_rgb.avi', '{}.avi'),
    'resized': ('{}.mp4',),
    'crops': ('{}_rgb.mp4', '{}.mp4', '{}_rgb.avi', '{}.avi', f'{{}}{PACK_SUFFIX}'),
    'frames': ('{}',),
}
"""Names of the files of a clip below the folder; ``listed`` is the annotation's
``filename``, ``frames`` a folder of pictures. Only ``crops`` show the person alone."""

BOXES_FILE = 'boxes.csv'
BOXES_COLUMNS = ('name', 'x1', 'y1', 'x2', 'y2')
# frames resized to whole, even numbers of pixels are not exactly of the same shape
_ASPECT_TOLERANCE = 0.03


@dataclass(frozen=True, eq=False)
class RgbSource:
    """Where the frames of each clip are.

    Args:
        root: folder.
        layout: one of ``LAYOUTS``.
        path_N: (N,) text, relative to the folder; empty where a clip has no file.
        box_N4: (N, 4) float32, what part of the annotation's frame each video shows:
            x1, y1, x2, y2 in pixels; NaN where it is not listed. None where the videos
            show the whole frame, or the folder of crops has no list.
        backend: as of :func:`ocec.datasets.video_reader.read_frames`.
    """

    root: Path
    layout: str
    path_N: np.ndarray = field(repr=False)
    box_N4: np.ndarray | None = field(default=None, repr=False)
    backend: str = 'auto'

    def read(
        self,
        row: int,
        wanted: Sequence[int],
        *,
        box: Sequence[float],
        frame_hw: Sequence[int],
        size: tuple[int, int],
    ) -> np.ndarray:
        """Read frames of a clip, cropped to a box and resized.

        Args:
            row: number of the clip in the table.
            wanted: T numbers of frames from 0, rising, each once.
            box: x1, y1, x2, y2 in pixels of the annotation's frame. Of crops it is
                what they show, and nothing is cut away.
            frame_hw: height and width of the annotation's frame in pixels.
            size: (h, w) in pixels.

        Returns:
            (T, h, w, 3) uint8 RGB.

        Raises:
            VideoError: the video cannot be read, or is too short.
            ValueError: its frames have another shape than the annotation says.
        """
        path = self.root / str(self.path_N[row])
        out_ThwC = np.empty((len(wanted), *size, 3), np.uint8)
        if path.suffix == PACK_SUFFIX:
            frames = read_jpeg_pack(path, wanted)
        else:
            frames = read_frames(path, wanted, backend=self.backend)
        for number, image_HWC in enumerate(frames):
            if self.layout != 'crops':
                check_frame_shape(path, image_HWC.shape[:2], frame_hw)
                image_HWC = crop(image_HWC, box, frame_hw)
            out_ThwC[number] = resize(image_HWC, size)
        return out_ThwC


def find_videos(
    root: str | Path,
    table: ActionTable,
    rows: np.ndarray,
    *,
    layout: str = 'auto',
    backend: str = 'auto',
) -> tuple[RgbSource, dict[int, str]]:
    """Find the videos of clips, before any is needed.

    Args:
        root: folder.
        table: the clips of a file.
        rows: numbers of the clips that will be read.
        layout: one of ``LAYOUTS``, or ``auto``: crops where there is a list of their
            boxes, else the one that most clips have.
        backend: as of :func:`ocec.datasets.video_reader.read_frames`.

    Returns:
        The source, and the number of each clip that has no video, or no box in the
        list of boxes, to a line that says so.

    Raises:
        FileNotFoundError: there is no such folder, or no video in it belongs to any of
            the clips; the message says which were looked for.
        ValueError: an argument is wrong, or the first video has another shape of
            frames than the annotation says.
        VideoError: the first video cannot be read.
    """
    root = Path(root).expanduser()
    if layout not in ('auto', *LAYOUTS):
        raise ValueError(f'layout must be auto or one of {(*LAYOUTS,)}, got {layout!r}')
    if backend not in BACKENDS:
        raise ValueError(f'backend must be one of {BACKENDS}, got {backend!r}')
    if not root.is_dir():
        raise FileNotFoundError(f'{root}: no such folder of videos')
    listing = set(os.listdir(root))
    if layout == 'auto' and BOXES_FILE in listing:
        layout = 'crops'
    rows = [int(row) for row in rows]
    layouts = LAYOUTS if layout == 'auto' else (layout,)
    found = {name: _paths(root, table, rows, name, listing) for name in layouts}
    chosen = max(found, key=lambda name: len(found[name]))
    path_of = found[chosen]
    if rows and not path_of:
        raise FileNotFoundError(
            f'{root}: no video of the {len(rows):,} clips is there; looked for '
            f'{_looked_for(table, rows[0], layouts)}'
        )
    missing = {
        row: f'clip "{table.name_N[row]}": no video, looked for '
        f'{_looked_for(table, row, [chosen])} in {root}'
        for row in rows
        if row not in path_of
    }
    chosen = _checked_layout(root, table, path_of, chosen, layout, backend)
    box_N4 = _read_boxes(root, table) if chosen == 'crops' else None
    if box_N4 is not None:
        missing |= {
            row: f'clip "{table.name_N[row]}": {root / BOXES_FILE} has no box of it'
            for row in path_of
            if np.isnan(box_N4[row, 0])
        }
    path_N = np.array([path_of.get(row, '') for row in range(len(table))], str)
    return RgbSource(root, chosen, path_N, box_N4, backend), missing


def crop(
    image_HWC: np.ndarray, box: Sequence[float], frame_hw: Sequence[int]
) -> np.ndarray:
    """Cut a box out of a frame; what lies beyond the frame is black.

    Args:
        image_HWC: (H, W, 3) uint8, of any size.
        box: x1, y1, x2, y2 in pixels of the annotation's frame.
        frame_hw: height and width of that frame in pixels.

    Returns:
        (y2 - y1, x2 - x1, 3) uint8 in pixels of the image, at least one; a view where
        the box lies within.
    """
    height, width = image_HWC.shape[:2]
    scale_y, scale_x = height / frame_hw[0], width / frame_hw[1]
    left, top = round(box[0] * scale_x), round(box[1] * scale_y)
    right = max(round(box[2] * scale_x), left + 1)
    bottom = max(round(box[3] * scale_y), top + 1)
    beyond = (-top, bottom - height, -left, right - width)
    beyond = tuple(max(side, 0) for side in beyond)
    if any(beyond):
        image_HWC = cv2.copyMakeBorder(image_HWC, *beyond, cv2.BORDER_CONSTANT)
        top, bottom = top + beyond[0], bottom + beyond[0]
        left, right = left + beyond[2], right + beyond[2]
    return image_HWC[top:bottom, left:right]


def resize(image_HWC: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize a frame; averages where it shrinks, so that nothing flickers.

    Args:
        image_HWC: (H, W, 3) uint8.
        size: (h, w) in pixels.

    Returns:
        (h, w, 3) uint8.
    """
    is_smaller = size[0] * size[1] < image_HWC.shape[0] * image_HWC.shape[1]
    interpolation = cv2.INTER_AREA if is_smaller else cv2.INTER_LINEAR
    return cv2.resize(image_HWC, size[::-1], interpolation=interpolation)


def check_frame_shape(
    path: Path, image_hw: Sequence[int], frame_hw: Sequence[int]
) -> None:
    """Check that a video shows the whole frame of the annotation.

    Args:
        path: of the video.
        image_hw: height and width of its frames in pixels.
        frame_hw: those of the annotation.

    Raises:
        ValueError: one is wider for its height than the other.
    """
    if not _has_same_shape(image_hw, frame_hw):
        raise ValueError(
            f'{path}: its frames are {image_hw[0]} x {image_hw[1]} pixels, those of '
            f'the annotation {frame_hw[0]} x {frame_hw[1]}, which is another shape. Of '
            "videos that show the person alone say layout='crops'"
        )


def _has_same_shape(image_hw: Sequence[int], frame_hw: Sequence[int]) -> bool:
    ratio = image_hw[0] * frame_hw[1] / (image_hw[1] * frame_hw[0])
    return abs(ratio - 1) <= _ASPECT_TOLERANCE


def _paths(
    root: Path, table: ActionTable, rows: list[int], layout: str, listing: set[str]
) -> dict[int, str]:
    paths = {row: _path(root, table, row, layout, listing) for row in rows}
    return {row: path for row, path in paths.items() if path is not None}


def _path(
    root: Path, table: ActionTable, row: int, layout: str, listing: set[str]
) -> str | None:
    for candidate in _candidates(table, row, layout):
        # one listing serves the files of a flat folder, of which there may be 57,000
        is_deep = '/' in candidate or '\\' in candidate
        if (root / candidate).exists() if is_deep else candidate in listing:
            return candidate
    return None


def _candidates(table: ActionTable, row: int, layout: str) -> list[str]:
    if layout == 'listed':
        filename = str(table.filename_N[row])
        return [filename] if filename else []
    return [pattern.format(str(table.name_N[row])) for pattern in LAYOUTS[layout]]


def _looked_for(table: ActionTable, row: int, layouts: Sequence[str]) -> str:
    names = [name for layout in layouts for name in _candidates(table, row, layout)]
    return ', '.join(dict.fromkeys(names)) or 'the field filename, which no clip has'


def _checked_layout(
    root: Path,
    table: ActionTable,
    path_of: dict[int, str],
    chosen: str,
    asked: str,
    backend: str,
) -> str:
    """Look at the first video: does it show what its layout says?"""
    if not path_of or asked == 'crops':
        return chosen
    row, name = next(iter(path_of.items()))
    frame_hw = table.frame_hw_N2[row].tolist()
    image_hw = first_frame_size(root / name, backend=backend)
    if chosen == 'crops':
        # found by its name only: whole frames may be called so, too
        return 'resized' if _has_same_shape(image_hw, frame_hw) else chosen
    check_frame_shape(root / name, image_hw, frame_hw)
    return chosen


def _read_boxes(root: Path, table: ActionTable) -> np.ndarray | None:
    file = root / BOXES_FILE
    if not file.is_file():
        return None
    box_N4 = np.full((len(table), 4), np.nan, np.float32)
    row_of = {name: row for row, name in enumerate(table.name_N.tolist())}
    with open(file, newline='', encoding='utf-8') as stream:
        reader = NamedRows(stream, file)
        if not set(BOXES_COLUMNS) <= set(reader.fieldnames or ()):
            raise ValueError(
                f'{file}: it must have the columns {", ".join(BOXES_COLUMNS)}, got '
                f'{reader.fieldnames}'
            )
        for line in reader:
            if line['name'] not in row_of:
                continue
            try:
                box = [float(line[column]) for column in BOXES_COLUMNS[1:]]
            except (TypeError, ValueError) as error:
                raise ValueError(f'{file}: clip "{line["name"]}": {error}') from error
            is_box = box[0] < box[2] and box[1] < box[3] and np.isfinite(box).all()
            if not is_box:
                raise ValueError(
                    f'{file}: clip "{line["name"]}": the box {box} is empty or endless'
                )
            box_N4[row_of[line['name']]] = box
    return box_N4
