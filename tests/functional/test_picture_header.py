import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from ocec.functional.picture_header import PictureHeader, read_picture_header

PIXELS = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
PICTURE = Image.fromarray(PIXELS)


def encode(kind, picture=PICTURE, **options):
    """Encode with Pillow, a codec of its own."""
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


ANIMATION = {'save_all': True, 'append_images': [PICTURE.rotate(90)]}
SIXTEEN = cv2.imencode('.png', PIXELS.astype(np.uint16) * 257)[1].tobytes()
EXIF = Image.Exif()
EXIF[0x010E] = 'a thumbnail could end here: \xff\xd9' * 20


def header(kind, **changes):
    return PictureHeader(kind, 20, 30, **changes)


def tiff(*tags):
    """A header of (tag, type, value), and no pixels."""
    listed = b''.join(struct.pack('<HHII', tag, kind, 1, n) for tag, kind, n in tags)
    return b'II*\0' + struct.pack('<IH', 8, len(tags)) + listed + bytes(4)


@pytest.mark.parametrize(
    ('data', 'expected'),
    [
        (encode('PNG'), header('PNG')),
        (encode('PNG', PICTURE.convert('L')), header('PNG', colour='grey')),
        (encode('PNG', PICTURE.convert('1')), header('PNG', colour='grey', bits=1)),
        (encode('PNG', PICTURE.convert('P')), header('PNG', colour='palette')),
        (encode('PNG', PICTURE.convert('RGBA')), header('PNG', has_alpha=True)),
        (encode('PNG', transparency=(1, 2, 3)), header('PNG', has_alpha=True)),
        (encode('PNG', **ANIMATION), header('PNG', is_animated=True)),
        (SIXTEEN, header('PNG', bits=16)),
        (encode('JPEG'), header('JPEG')),
        (encode('JPEG', progressive=True), header('JPEG')),
        (encode('JPEG', exif=EXIF), header('JPEG')),
        (encode('JPEG', PICTURE.convert('L')), header('JPEG', colour='grey')),
        (encode('JPEG', PICTURE.convert('CMYK')), header('JPEG', colour='CMYK')),
        (encode('WEBP'), header('WebP')),
        (encode('WEBP', lossless=True), header('WebP')),
        (encode('WEBP', **ANIMATION), header('WebP', is_animated=True)),
        (encode('BMP'), header('BMP')),
        (encode('BMP', PICTURE.convert('P')), header('BMP', colour='palette')),
        (encode('GIF'), header('GIF', colour='palette')),
        (encode('TIFF'), header('TIFF')),
        (encode('TIFF', big_endian=True), header('TIFF')),
        (encode('TIFF', PICTURE.convert('L')), header('TIFF', colour='grey')),
        (encode('TIFF', PICTURE.convert('1')), header('TIFF', colour='grey', bits=1)),
        (encode('TIFF', PICTURE.convert('P')), header('TIFF', colour='palette')),
        (encode('TIFF', PICTURE.convert('CMYK')), header('TIFF', colour='CMYK')),
        (encode('TIFF', PICTURE.convert('RGBA')), header('TIFF', has_alpha=True)),
        (encode('TIFF', **ANIMATION), header('TIFF', is_animated=True)),
        (
            # Pillow leaves what does not change transparent
            encode('GIF', **ANIMATION),
            header('GIF', colour='palette', has_alpha=True, is_animated=True),
        ),
    ],
)
def test_headers_are_those_that_pillow_wrote(data, expected):
    assert read_picture_header(data) == expected


def test_transparent_webp_and_gif():
    clear = PICTURE.convert('RGBA')
    clear.putalpha(Image.fromarray(PIXELS[..., 0]))
    for options in ({'lossless': True}, {'lossless': False}):
        assert read_picture_header(encode('WEBP', clear, **options)).has_alpha
    few = PICTURE.convert('P')
    see_through = encode('GIF', few, transparency=few.getpixel((0, 0)))
    assert read_picture_header(see_through).has_alpha


@pytest.mark.parametrize('kind', ['PNG', 'JPEG', 'WEBP', 'GIF'])
@pytest.mark.parametrize('share', [0.02, 0.1, 0.5, 0.95])
def test_cut_files_are_found_out(kind, share):
    data = encode(kind)
    cut = data[: max(8, int(share * len(data)))]
    with pytest.raises(ValueError, match=f'cut off after {len(cut):,} bytes'):
        read_picture_header(cut)


def test_the_end_of_a_thumbnail_is_not_that_of_the_picture():
    data = encode('JPEG', exif=EXIF)
    with pytest.raises(ValueError, match='cut off'):
        read_picture_header(data[:-30])


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        (b'', r'the file is empty \(0 bytes\)'),
        (b'%PDF-1.7 etc', "no PNG, JPEG, .* file: it begins with b'%PDF-1.7'"),
        (b'\xff\xd8\xff\xe0\x00\x02\x00', 'a JPEG file without a picture'),
        (b'\xff\xd8\xff\x00\x00\x02', 'a JPEG file with a damaged header'),
        (
            encode('PNG').replace(b'IHDR', b'abCD'),
            'a PNG file that does not begin with',
        ),
        (
            encode('WEBP').replace(b'VP8 ', b'VP9 '),
            "a WebP file of unknown form b'VP9 '",
        ),
        (tiff((256, 5, 30), (257, 3, 20)), 'a TIFF file that does not tell its size'),
        (tiff((256, 3, 30), (257, 3, 0)), 'a TIFF file that does not tell its size'),
        (tiff((256, 3, 30), (257, 3, 20), (322, 3, 16)), 'a TIFF file in tiles'),
    ],
)
def test_other_files_are_refused(data, message):
    with pytest.raises(ValueError, match=message):
        read_picture_header(data)


def test_of_a_size_given_twice_the_first_counts():
    # as libtiff has it
    found = read_picture_header(tiff((256, 3, 30), (257, 3, 20), (256, 3, 4)))
    assert (found.height, found.width) == (20, 30)


def test_metadata_of_any_length_lies_before_the_size():
    segment = b'\xff\xe1' + struct.pack('>H', 65_535) + b'\xff\xc0' * 32_766 + b'\0'
    data = encode('JPEG')
    assert read_picture_header(data[:2] + segment * 3 + data[2:]) == header('JPEG')


def test_bitmaps_of_both_headers_and_directions():
    upside_down = bytearray(encode('BMP'))
    upside_down[22:26] = struct.pack('<i', -20)
    core = b'BM' + bytes(12) + struct.pack('<IHHHH', 12, 30, 20, 1, 24)
    for data in (bytes(upside_down), core):
        assert read_picture_header(data) == header('BMP')


def test_a_bomb_is_known_by_its_header():
    ihdr = struct.pack('>I4sIIBBBBBI', 13, b'IHDR', 20_000, 20_000, 8, 2, 0, 0, 0, 0)
    bomb = b'\x89PNG\r\n\x1a\n' + ihdr + struct.pack('>I4sI', 0, b'IEND', 0)
    found = read_picture_header(bomb)
    assert (found.height, found.width) == (20_000, 20_000)


def outcome(data):
    try:
        return read_picture_header(data)
    except ValueError as error:  # any other error fails the test
        return str(error)


def test_every_prefix_and_flipped_byte_gives_a_header_or_a_message():
    rng = np.random.default_rng(0)
    for kind in ('PNG', 'JPEG', 'WEBP', 'BMP', 'GIF', 'TIFF'):
        data = encode(kind)
        for _ in range(200):
            broken = bytearray(data[: int(rng.integers(0, len(data)))])
            if broken:
                broken[int(rng.integers(0, len(broken)))] = int(rng.integers(0, 256))
            assert isinstance(outcome(bytes(broken)), PictureHeader | str)


def test_a_jpeg_of_very_many_scans_is_refused():
    content = cv2.imencode('.jpg', np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    start = content.index(b'\xff\xda')
    assert read_picture_header(content).kind == 'JPEG'
    with pytest.raises(ValueError, match='a JPEG file with more than 100 scans'):
        read_picture_header(content[:start] + content[start:-2] * 102 + content[-2:])
