"""Some frames of a video file or of a folder of pictures, in turn.

A video is decoded from its beginning to the last frame that is wanted, without seeking,
which lands on another frame in many files. Only wanted frames become RGB.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from ocec.datasets.picture_decode import PictureError, decode_picture
from ocec.functional.picture_limits import MAX_FRAME_PIXELS, MAX_PICTURE_BYTES
from ocec.functional.video_header import FORMATS, HEAD_BYTES, is_video_head

BACKENDS = ('auto', 'av', 'opencv')
AV_OPTIONS = {'protocol_whitelist': 'file', 'format_whitelist': FORMATS}
"""For ``av.open``: nothing but this file, and no list of others, is opened."""
PICTURE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp')


class VideoError(ValueError):
    """A video cannot be read, or has fewer frames than are wanted."""


def read_frames(
    path: Path, wanted: Sequence[int], *, backend: str = 'auto'
) -> Iterator[np.ndarray]:
    """Read some frames.

    Args:
        path: video file, or a folder of pictures that are numbered in their names.
        wanted: numbers of the frames from 0, rising, each once.
        backend: ``av`` for PyAV, ``opencv``, or ``auto``: PyAV where it is installed.

    Yields:
        (H, W, 3) uint8 RGB of each frame wanted, upright.

    Raises:
        ImportError: ``av`` is asked for and not installed.
        ValueError: the backend is another.
        VideoError: there is no such file, it cannot be decoded, or it ends before the
            last frame wanted; the message names it.
    """
    if backend not in BACKENDS:
        raise ValueError(f'backend must be one of {BACKENDS}, got {backend!r}')
    wanted = [int(number) for number in wanted]
    if not path.exists():
        raise VideoError(f'{path}: no such video')
    if path.is_dir():
        frames = _read_pictures(path, wanted)
        yield from frames
        return
    check_video_file(path)
    # FFmpeg takes what stands before a colon in a relative name for a protocol
    path = path.absolute()
    if backend == 'opencv' or (backend == 'auto' and not _has_av()):
        frames = _read_by_opencv(path, wanted)
    else:
        frames = _read_by_av(path, wanted)
    yield from frames


def first_frame_size(path: Path, *, backend: str = 'auto') -> tuple[int, int]:
    """Return the size of the first frame, which is decoded for that.

    Args:
        path: as of :func:`read_frames`.
        backend: as of :func:`read_frames`.

    Returns:
        (H, W) in pixels.

    Raises:
        VideoError: it cannot be read.
    """
    return next(read_frames(path, [0], backend=backend)).shape[:2]


def check_video_file(path: Path) -> None:
    """Refuse what FFmpeg would open that is no video, as lists of other files.

    Args:
        path: a file.

    Raises:
        VideoError: it is no regular file, or does not begin as a video does.
    """
    if not path.is_file():
        raise VideoError(f'{path}: it is no file that can be read')
    with open(path, 'rb') as stream:
        head = stream.read(HEAD_BYTES)
    if not is_video_head(head):
        raise VideoError(
            f'{path}: cannot be decoded after 0 frames, damaged or of another format: '
            f'it begins with {head[:12]!r}'
        )


def check_frame_size(path: Path | str, width: int, height: int) -> None:
    """Refuse frames that would fill the memory.

    Args:
        path: of the video, for messages.
        width: of a frame in pixels.
        height: of a frame in pixels.

    Raises:
        VideoError: they have more than ``MAX_FRAME_PIXELS`` pixels.
    """
    if width * height > MAX_FRAME_PIXELS:
        raise VideoError(
            f'{path}: frames of {width:.0f}x{height:.0f} pixels, more than '
            f'{MAX_FRAME_PIXELS:,} are not decoded'
        )


def numbered_pictures(folder: Path) -> list[Path]:
    """List the pictures of a folder in the order of the last number in their names.

    Args:
        folder: with files such as ``img_00001.jpg``; others are not listed.

    Returns:
        The first frame, the second, and so on.

    Example:
        >>> numbered_pictures(Path('no/such/folder'))
        []
    """
    if not folder.is_dir():
        return []
    files = [f for f in folder.iterdir() if f.suffix.lower() in PICTURE_SUFFIXES]
    return sorted(files, key=lambda file: (_last_number(file.stem), file.name))


def _last_number(text: str) -> int:
    numbers = re.findall(r'\d+', text)
    return int(numbers[-1][-18:]) if numbers else -1


def _has_av() -> bool:
    try:
        import av  # noqa: F401  # only whether it is there
    except ImportError:
        return False
    return True


def _read_by_av(path: Path, wanted: list[int]) -> Iterator[np.ndarray]:
    try:
        import av
    except ImportError as error:
        raise ImportError(
            'backend="av" needs PyAV: pip install "ocec[video]", or take '
            'backend="opencv"'
        ) from error
    wanted_set, number, found = set(wanted), -1, 0
    try:
        with av.open(str(path), container_options=AV_OPTIONS) as container:
            if not container.streams.video:
                raise VideoError(f'{path}: it holds no video, only other streams')
            stream = container.streams.video[0]
            # the workers of a loader share the cores already
            stream.codec_context.thread_count = 1
            check_frame_size(path, stream.width or 0, stream.height or 0)
            # the header of a frame may claim another size than that of the file
            stream.codec_context.options = {'max_pixels': str(MAX_FRAME_PIXELS)}
            for number, picture in enumerate(container.decode(stream)):
                if number in wanted_set:
                    yield _upright(picture)
                    found += 1
                    if found == len(wanted):
                        return
    except av.error.FFmpegError as error:
        raise VideoError(
            f'{path}: cannot be decoded after {number + 1} frames, damaged or of '
            f'another format: {error.strerror}'
        ) from error
    _raise_too_short(path, number + 1, wanted)


def _upright(picture) -> np.ndarray:
    image_HWC = picture.to_ndarray(format='rgb24')
    # degrees counterclockwise that the file asks for
    turns = round(picture.rotation / 90) % 4
    return np.rot90(image_HWC, turns) if turns else image_HWC


def _read_by_opencv(path: Path, wanted: list[int]) -> Iterator[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise VideoError(
                f'{path}: OpenCV cannot open it as a video, damaged or of another '
                'format'
            )
        sides = cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT
        check_frame_size(path, *map(capture.get, sides))
        number = -1
        for target in wanted:
            while number < target:
                if not capture.grab():
                    _raise_too_short(path, number + 1, wanted)
                number += 1
            there, bgr_HWC = capture.retrieve()
            if not there:
                raise VideoError(f'{path}: frame {number} cannot be decoded')
            yield cv2.cvtColor(bgr_HWC, cv2.COLOR_BGR2RGB)
    finally:
        capture.release()


def _read_pictures(folder: Path, wanted: list[int]) -> Iterator[np.ndarray]:
    files = numbered_pictures(folder)
    for number in wanted:
        if number >= len(files):
            _raise_too_short(folder, len(files), wanted)
        yield cv2.cvtColor(_read_picture(files[number]), cv2.COLOR_BGR2RGB)


def _read_picture(file: Path) -> np.ndarray:
    """(H, W, 3) uint8 BGR."""
    # a pipe would be waited for
    if not file.is_file() or file.stat().st_size > MAX_PICTURE_BYTES:
        raise VideoError(
            f'{file}: it is no picture: no file, or one of more than '
            f'{MAX_PICTURE_BYTES:,} bytes'
        )
    try:
        return decode_picture(np.fromfile(file, np.uint8))
    except PictureError as error:
        raise VideoError(
            f'{file}: it is no picture, or a damaged one: {error}'
        ) from error


def _raise_too_short(path: Path, num_frames: int, wanted: list[int]) -> None:
    raise VideoError(
        f'{path}: it has {num_frames} frames that can be decoded, frame '
        f'{wanted[-1]} (from 0) is wanted'
    )
