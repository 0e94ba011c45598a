import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from ocec.preparation.picture_header import PictureHeader, read_picture_header

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
    ],
)
def test_other_files_are_refused(data, message):
    with pytest.raises(ValueError, match=message):
        read_picture_header(data)


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
    for kind in ('PNG', 'JPEG', 'WEBP', 'BMP', 'GIF'):
        data = encode(kind)
        for _ in range(200):
            broken = bytearray(data[: int(rng.integers(0, len(data)))])
            if broken:
                broken[int(rng.integers(0, len(broken)))] = int(rng.integers(0, 256))
            assert isinstance(outcome(bytes(broken)), PictureHeader | str)
