"""Writes the frames of a clip as a video, or as JPEG pictures in one file.

Shapes: H x W pixels of a frame.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from typing import BinaryIO

import cv2
import numpy as np

from ocec.preparation.crop_settings import CropSettings

# of NTU RGB+D; readers of clips count frames, players want a rate
_FPS = 30
# the same bytes from the same frames, whenever they are written
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def write_frames(
    stream: BinaryIO, frames: Iterable[np.ndarray], settings: CropSettings
) -> None:
    """Write all frames of a clip.

    Args:
        stream: open for writing, able to seek.
        frames: (H, W, 3) uint8 RGB each, of one size, sides even.
        settings: format and quality.

    Raises:
        ImportError: ``mp4`` is asked for and PyAV is not installed.
        OSError: they cannot be encoded or written.
    """
    write = _write_mp4 if settings.format == 'mp4' else _write_jpegs
    write(stream, frames, settings)


def _write_mp4(
    stream: BinaryIO, frames: Iterable[np.ndarray], settings: CropSettings
) -> None:
    try:
        import av
    except ImportError as error:
        raise ImportError(
            'format mp4 needs PyAV: pip install "ocec[video]", or take format jpeg'
        ) from error
    try:
        with av.open(stream, 'w', format='mp4') as container:
            video = None
            for image_HWC in frames:
                video = video or _add_video(av, container, image_HWC, settings)
                pixels_HWC = np.ascontiguousarray(image_HWC)
                picture = av.VideoFrame.from_ndarray(pixels_HWC, format='rgb24')
                container.mux(video.encode(picture))
            if video is not None:
                container.mux(video.encode(None))
    except av.error.FFmpegError as error:
        # those of reading are VideoErrors already
        raise OSError(f'cannot be encoded: {error}') from error


def _add_video(av, container, image_HWC: np.ndarray, settings: CropSettings):
    has_h264 = 'libx264' in av.codecs_available
    video = container.add_stream('libx264' if has_h264 else 'mpeg4', rate=_FPS)
    video.height, video.width = image_HWC.shape[:2]
    video.pix_fmt = 'yuv420p'
    video.gop_size = settings.gop
    if has_h264:
        # decoded many times, written once; bf: no frame waits for a later one
        video.options = {
            'crf': str(settings.crf),
            'preset': 'veryfast',
            'tune': 'fastdecode',
            'bf': '0',
            'keyint_min': str(settings.gop),
        }
    else:
        # MPEG-4 counts from 2 to 31 where H.264 counts from 0 to 51
        video.codec_context.qmin = video.codec_context.qmax = 2 + settings.crf // 2
    video.codec_context.thread_count = 1
    return video


def _write_jpegs(
    stream: BinaryIO, frames: Iterable[np.ndarray], settings: CropSettings
) -> None:
    quality = [cv2.IMWRITE_JPEG_QUALITY, settings.quality]
    with zipfile.ZipFile(stream, 'w', zipfile.ZIP_STORED) as archive:
        for number, image_HWC in enumerate(frames):
            done, encoded = cv2.imencode('.jpg', image_HWC[..., ::-1], quality)
            if not done:
                raise OSError(f'frame {number} cannot be encoded as JPEG')
            info = zipfile.ZipInfo(f'{number:06d}.jpg', _ZIP_TIME)
            archive.writestr(info, encoded.tobytes())
