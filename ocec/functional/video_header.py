"""Whether a file begins as a video does; a playlist is none.

FFmpeg takes a text that begins with ``#EXTM3U`` or ``ffconcat`` for a video, too, and
opens the files and addresses that it names.
"""

from __future__ import annotations

HEAD_BYTES = 64
"""How much of a file :func:`is_video_head` wants to see."""

FORMATS = (
    'avi,mov,matroska,mpegts,mpeg,mpegvideo,flv,asf,ogg,gif,yuv4mpegpipe,h264,hevc,wav'
)
"""Names in FFmpeg of the formats that begin so."""

# place in the file and text; of MP4 and QuickTime the name of the first box
_SIGNATURES = (
    (0, b'RIFF'),
    *((4, name) for name in (b'ftyp', b'moov', b'mdat', b'wide', b'free', b'skip')),
    (0, b'\x1a\x45\xdf\xa3'),  # Matroska and WebM
    (0, b'\x47'),  # MPEG-TS
    (4, b'\x47'),  # MPEG-TS of Blu-ray
    (0, b'\x00\x00\x01'),  # MPEG, H.264 and HEVC without a container
    (0, b'\x00\x00\x00\x01'),
    (0, b'FLV'),
    (0, b'\x30\x26\xb2\x75'),  # ASF and WMV
    (0, b'OggS'),
    (0, b'GIF8'),
    (0, b'YUV4MPEG2'),
)


def is_video_head(head: bytes) -> bool:
    """Tell whether the first bytes of a file are those of a video.

    Args:
        head: ``HEAD_BYTES`` of them, or the whole file where it is shorter.

    Returns:
        False for a playlist and for whatever is not known.

    Example:
        >>> is_video_head(b'RIFF....AVI LIST'), is_video_head(b'#EXTM3U')
        (True, False)
    """
    return any(head.startswith(text, place) for place, text in _SIGNATURES)
