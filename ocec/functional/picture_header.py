"""What a picture file says of itself, read before anything is decoded.

A file of a few kilobytes may claim 20,000 x 20,000 pixels, which decode to 1.2 GB.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

KINDS = ('PNG', 'JPEG', 'WebP', 'BMP', 'GIF', 'TIFF')
_PNG_COLOURS = {0: 'grey', 2: 'RGB', 3: 'palette', 4: 'grey', 6: 'RGB'}
_JPEG_COLOURS = {1: 'grey', 3: 'RGB', 4: 'CMYK'}
# start of frame: all of C0 to CF but the tables C4, C8, CC
_START_OF_FRAME = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, b'\xff\xd9'
_SCAN_MARK, MAX_SCANS = b'\xff\xda', 100
"""Each scan of a progressive JPEG goes over the whole picture; there are about ten, and
of hostile files thousands of a few bytes."""
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_BMP_CORE = 12  # bytes of the header of OS/2, whose sizes have 16 bits
# of the types SHORT and LONG
_TIFF_LETTERS = {3: 'H', 4: 'I'}
_WIDTH, _HEIGHT, _BITS, _COLOUR = 256, 257, 258, 262
_TILE_WIDTH, _EXTRA_SAMPLES = 322, 338
_TIFF_COLOURS = {0: 'grey', 1: 'grey', 2: 'RGB', 3: 'palette', 5: 'CMYK', 6: 'RGB'}


@dataclass(frozen=True)
class PictureHeader:
    """What the header of a picture file tells.

    Args:
        kind: one of ``KINDS``.
        height: in pixels.
        width: in pixels.
        bits: of one value of one channel.
        colour: ``grey``, ``RGB``, ``palette`` or ``CMYK``.
        has_alpha: it is transparent in places.
        is_animated: it holds more than one frame.
    """

    kind: str
    height: int
    width: int
    bits: int = 8
    colour: str = 'RGB'
    has_alpha: bool = False
    is_animated: bool = False


def read_picture_header(data: bytes) -> PictureHeader:
    """Read size and kind, and see whether the file is whole.

    Args:
        data: the bytes of the file.

    Returns:
        The header.

    Raises:
        ValueError: the file is empty, damaged, cut off, or of no kind known here.

    Source:
        PNG: ISO/IEC 15948, 11.2.2. JPEG: ITU-T T.81, B.2.2. WebP: RFC 9649. TIFF:
        Adobe, TIFF Revision 6.0, 1992, section 2.

    Example:
        >>> bmp = b'BM' + bytes(12) + struct.pack('<IiiHH', 40, 30, -20, 1, 24)
        >>> read_picture_header(bmp).width
        30
    """
    if not data:
        raise ValueError('the file is empty (0 bytes)')
    readers = (
        (b'\x89PNG\r\n\x1a\n', _read_png),
        (b'\xff\xd8\xff', _read_jpeg),
        (b'RIFF', _read_webp),
        (b'BM', _read_bmp),
        (b'GIF8', _read_gif),
        (b'II*\0', _read_tiff),
        (b'MM\0*', _read_tiff),
    )
    for signature, read in readers:
        if data.startswith(signature):
            try:
                return read(data)
            except (struct.error, IndexError) as error:
                raise ValueError(f'cut off after {len(data):,} bytes') from error
    raise ValueError(f'no {", ".join(KINDS)} file: it begins with {data[:8]!r}')


def _read_png(data: bytes) -> PictureHeader:
    names = set()
    first, width, height, bits, colour = struct.unpack_from('>4sIIBB', data, 12)
    if first != b'IHDR':
        raise ValueError('a PNG file that does not begin with its size')
    start = 8
    while b'IEND' not in names:
        length, name = struct.unpack_from('>I4s', data, start)
        names.add(name)
        start += length + 12
    if start > len(data):
        raise ValueError(f'cut off after {len(data):,} bytes')
    return PictureHeader(
        'PNG',
        height,
        width,
        bits,
        _PNG_COLOURS.get(colour, f'colour type {colour}'),
        has_alpha=colour in (4, 6) or b'tRNS' in names,
        is_animated=b'acTL' in names,
    )


def _read_jpeg(data: bytes) -> PictureHeader:
    header = None
    for marker, start in _jpeg_segments(data):
        if marker in _START_OF_FRAME:
            bits, height, width, channels = struct.unpack_from('>BHHB', data, start)
            colour = _JPEG_COLOURS.get(channels, f'{channels} channels')
            header = PictureHeader('JPEG', height, width, bits, colour)
        if marker == _START_OF_SCAN:
            if data.count(_SCAN_MARK, start) > MAX_SCANS:
                raise ValueError(f'a JPEG file with more than {MAX_SCANS} scans')
            # within a scan FF is followed by 00, so this is no accident; a thumbnail
            # in the header has an end of its own
            if header is None or data.find(_END_OF_IMAGE, start) < 0:
                raise ValueError(f'cut off after {len(data):,} bytes')
            return header
    raise ValueError('a JPEG file without a picture')


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield each marker and where its content starts."""
    start = 2
    while data[start] == 0xFF:
        marker = data[start + 1]
        if marker == 0xFF:  # padding
            start += 1
        elif marker == 0:  # decoders read on behind it, each in its own way
            raise ValueError('a JPEG file with a damaged header')
        elif marker in _WITHOUT_LENGTH:
            start += 2
        else:
            (length,) = struct.unpack_from('>H', data, start + 2)
            yield marker, start + 4
            start += 2 + length


def _read_webp(data: bytes) -> PictureHeader:
    (size,) = struct.unpack_from('<I', data, 4)
    if size + 8 > len(data):
        raise ValueError(f'cut off after {len(data):,} bytes')
    form = data[12:16]
    if form == b'VP8X':
        flags = data[20]
        width = 1 + int.from_bytes(data[24:27], 'little')
        height = 1 + int.from_bytes(data[27:30], 'little')
        return PictureHeader(
            'WebP',
            height,
            width,
            has_alpha=bool(flags & 0x10),
            is_animated=bool(flags & 0x02),
        )
    if form == b'VP8L':
        (packed,) = struct.unpack_from('<I', data, 21)
        width, height = 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF)
        return PictureHeader('WebP', height, width, has_alpha=bool(packed >> 28 & 1))
    if form != b'VP8 ':
        raise ValueError(f'a WebP file of unknown form {form!r}')
    width, height = struct.unpack_from('<HH', data, 26)
    return PictureHeader('WebP', height & 0x3FFF, width & 0x3FFF)


def _read_bmp(data: bytes) -> PictureHeader:
    (size,) = struct.unpack_from('<I', data, 14)
    form = '<HHHH' if size == _BMP_CORE else '<iiHH'
    width, height, _, bits = struct.unpack_from(form, data, 18)
    colour = 'palette' if bits <= 8 else 'RGB'
    # a negative height: rows from top to bottom
    return PictureHeader('BMP', abs(height), width, colour=colour)


def _read_gif(data: bytes) -> PictureHeader:
    width, height, flags = struct.unpack_from('<HHB', data, 6)
    start = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    num_frames, has_alpha = 0, False
    while data[start] != 0x3B:  # trailer
        if data[start] == 0x2C:  # a frame, perhaps with its own palette
            num_frames += 1
            flags = data[start + 9]
            start += 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
        else:  # an extension; F9 holds the transparency
            has_alpha |= data[start + 1] == 0xF9 and bool(data[start + 3] & 1)
            start += 2
        while data[start]:  # blocks, each behind its length
            start += 1 + data[start]
        start += 1
    return PictureHeader(
        'GIF',
        height,
        width,
        colour='palette',
        has_alpha=has_alpha,
        is_animated=num_frames > 1,
    )


def _read_tiff(data: bytes) -> PictureHeader:
    order = '<' if data.startswith(b'II') else '>'
    (start,) = struct.unpack_from(order + 'I', data, 4)
    (num_tags,) = struct.unpack_from(order + 'H', data, start)
    end = start + 2 + 12 * num_tags
    values: dict[int, int | None] = {}
    for at in range(start + 2, end, 12):
        tag, value = _tiff_tag(data, at, order)
        values.setdefault(tag, value)  # of a tag given twice libtiff takes the first
    width, height = values.get(_WIDTH), values.get(_HEIGHT)
    if not width or not height:
        raise ValueError('a TIFF file that does not tell its size')
    if _TILE_WIDTH in values:  # a tile may be far larger than the picture
        raise ValueError('a TIFF file in tiles')
    colour = values.get(_COLOUR)
    (next_picture,) = struct.unpack_from(order + 'I', data, end)
    return PictureHeader(
        'TIFF',
        height,
        width,
        values.get(_BITS) or 1,
        _TIFF_COLOURS.get(colour, f'colour type {colour}'),
        has_alpha=_EXTRA_SAMPLES in values,
        is_animated=next_picture > 0,
    )


def _tiff_tag(data: bytes, at: int, order: str) -> tuple[int, int | None]:
    """The tag and its first value; None where that is no whole number."""
    tag, kind, count = struct.unpack_from(order + 'HHI', data, at)
    if kind not in _TIFF_LETTERS or not count:
        return tag, None
    letter = order + _TIFF_LETTERS[kind]
    place = at + 8
    if count * struct.calcsize(letter) > 4:  # elsewhere in the file
        (place,) = struct.unpack_from(order + 'I', data, place)
    return tag, struct.unpack_from(letter, data, place)[0]
