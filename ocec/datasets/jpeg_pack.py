"""The frames of a clip as JPEG pictures in one file: a ZIP archive, not compressed.

Its index lists where each picture begins, so single frames are read without the others.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from ocec.datasets.picture_decode import PictureError, decode_picture
from ocec.datasets.video_reader import VideoError

PACK_SUFFIX = '.zip'


def read_jpeg_pack(path: Path, wanted: Sequence[int]) -> Iterator[np.ndarray]:
    """Read some frames.

    Args:
        path: archive of pictures, in the order of their names.
        wanted: numbers of the frames from 0, rising.

    Yields:
        (H, W, 3) uint8 RGB of each frame wanted.

    Raises:
        VideoError: there is no such file, it is damaged, a picture is compressed by
            the archive, or there are too few of them; the message names the file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            pictures = sorted(archive.infolist(), key=lambda info: info.filename)
            for number in wanted:
                if number >= len(pictures):
                    raise VideoError(
                        f'{path}: it has {len(pictures)} frames, frame {wanted[-1]} '
                        '(from 0) is wanted'
                    )
                yield _decode(path, archive, pictures[number])
    except FileNotFoundError as error:
        raise VideoError(f'{path}: no such pack of pictures') from error
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise VideoError(f'{path}: a damaged pack of pictures: {error}') from error


def _decode(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    # a compressed one may declare any size; a stored one is within the file
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
        raise VideoError(f'{path}: {info.filename} is compressed by the archive')
    try:
        bgr_HWC = decode_picture(np.frombuffer(archive.read(info), np.uint8))
    except PictureError as error:
        raise VideoError(
            f'{path}: {info.filename} is no picture, or a damaged one: {error}'
        ) from error
    return cv2.cvtColor(bgr_HWC, cv2.COLOR_BGR2RGB)
