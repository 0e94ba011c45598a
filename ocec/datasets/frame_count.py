"""How many frames a video has, without decoding it."""

from __future__ import annotations

import zipfile
from pathlib import Path

from ocec.datasets.jpeg_pack import PACK_SUFFIX
from ocec.datasets.video_reader import (
    AV_OPTIONS,
    VideoError,
    check_video_file,
    numbered_pictures,
)


def count_frames(path: Path) -> int:
    """Count the frames of a clip.

    Args:
        path: video file, folder of pictures, or pack of pictures.

    Returns:
        The number of encoded frames; those that are damaged count, too.

    Raises:
        ImportError: PyAV is not installed.
        VideoError: there is no such file, or it cannot be opened; the message names it.
    """
    if not path.exists():
        raise VideoError(f'{path}: no such video')
    if path.is_dir():
        return len(numbered_pictures(path))
    if path.suffix == PACK_SUFFIX:
        return _count_pictures(path)
    try:
        import av
    except ImportError as error:
        raise ImportError(
            'counting the frames of a video needs PyAV: pip install "ocec[video]"'
        ) from error
    check_video_file(path)
    try:
        name = str(path.absolute())
        with av.open(name, container_options=AV_OPTIONS) as container:
            if not container.streams.video:
                raise VideoError(f'{path}: it holds no video, only other streams')
            # one packet holds one frame; an empty one ends the stream
            packets = container.demux(container.streams.video[0])
            return sum(packet.size > 0 for packet in packets)
    except av.error.FFmpegError as error:
        raise VideoError(
            f'{path}: damaged or of another format: {error.strerror}'
        ) from error


def _count_pictures(path: Path) -> int:
    try:
        with zipfile.ZipFile(path) as archive:
            return len(archive.infolist())
    except zipfile.BadZipFile as error:
        raise VideoError(f'{path}: a damaged pack of pictures: {error}') from error
