"""Expected pixels: the drawn ones, or Pillow's. Expected sizes: those drawn."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from ocec.datasets.picture_decode import PictureError, decode_picture, picture_size

HEIGHT, WIDTH = 24, 40
Y, X = np.mgrid[:HEIGHT, :WIDTH]
RGB = np.dstack([X * 6, Y * 10, (X + Y) * 3]).astype(np.uint8)
FRAMES = [Image.fromarray(np.roll(RGB, 5 * n, axis=1)) for n in range(3)]


def encode(image, kind, **kwargs):
    stream = io.BytesIO()
    image.save(stream, kind, **kwargs)
    return stream.getvalue()


def decode(encoded):
    """Decode to RGB."""
    return decode_picture(np.frombuffer(encoded, np.uint8))[..., ::-1]


def with_png_size(width, height):
    """A small PNG whose header tells another size."""
    encoded = encode(FRAMES[0], 'PNG')
    header = b'IHDR' + struct.pack('>II', width, height) + encoded[24:29]
    return encoded[:12] + header + struct.pack('>I', zlib.crc32(header)) + encoded[33:]


STILLS = {
    'png': encode(FRAMES[0], 'PNG'),
    'jpeg': encode(FRAMES[0], 'JPEG'),
    'progressive jpeg': encode(FRAMES[0], 'JPEG', progressive=True),
    'gif': encode(FRAMES[0], 'GIF'),
    'bmp': encode(FRAMES[0], 'BMP'),
    'webp': encode(FRAMES[0], 'WEBP'),
    'lossless webp': encode(FRAMES[0], 'WEBP', lossless=True),
    'webp with metadata': encode(FRAMES[0], 'WEBP', exif=b'Exif\0\0II*\0'),
}


@pytest.mark.parametrize('kind', STILLS)
def test_stills_are_read_and_their_size_is_in_the_header(kind):
    assert picture_size(STILLS[kind]) == (HEIGHT, WIDTH)
    assert decode(STILLS[kind]).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize('mode', ['P', 'CMYK', 'L', '1', 'LA'])
def test_unusual_colours_are_those_of_pillow(mode):
    image = FRAMES[0].quantize(64) if mode == 'P' else FRAMES[0].convert(mode)
    kind = 'JPEG' if mode == 'CMYK' else 'PNG'
    encoded = encode(image, kind)
    expected = np.asarray(Image.open(io.BytesIO(encoded)).convert('RGB'))
    # two ways to round from four inks to three colours
    np.testing.assert_allclose(decode(encoded).astype(int), expected, atol=1)


def test_sixteen_bits_become_the_upper_eight():
    deep = np.random.default_rng(0).integers(0, 2**16, (HEIGHT, WIDTH, 3))
    encoded = cv2.imencode('.png', deep[..., ::-1].astype(np.uint16))[1].tobytes()
    np.testing.assert_allclose(decode(encoded).astype(int), deep / 257, atol=1)


def test_transparency_is_dropped_not_blended():
    hidden = np.dstack([RGB, np.where(X < 20, 0, 255)]).astype(np.uint8)
    encoded = encode(Image.fromarray(hidden), 'PNG')
    np.testing.assert_array_equal(decode(encoded), RGB)


# what is refused


@pytest.mark.parametrize(
    'encoded',
    [b'', b'text', b'GIF89a', b'\xff\xd8\xff', b'RIFF', b'\x89PNG\r\n\x1a\n', b'BM'],
)
def test_what_is_no_picture_is_refused(encoded):
    with pytest.raises(PictureError, match='^the picture cannot be decoded$'):
        decode(encoded)


@pytest.mark.parametrize('share', [0.5, 0.8])
@pytest.mark.parametrize('kind', ['png', 'jpeg', 'progressive jpeg', 'gif', 'webp'])
def test_a_truncated_picture_is_refused(kind, share):
    encoded = STILLS[kind]
    with pytest.raises(PictureError, match='^the picture cannot be decoded$'):
        decode(encoded[: int(len(encoded) * share)])


@pytest.mark.parametrize('kind', ['GIF', 'PNG', 'WEBP', 'TIFF'])
def test_an_animated_picture_is_refused(kind):
    encoded = encode(FRAMES[0], kind, save_all=True, append_images=FRAMES[1:])
    with pytest.raises(PictureError, match='is animated: only still pictures are'):
        decode(encoded)


@pytest.mark.parametrize(('width', 'height'), [(20_000, 20_000), (2**24 + 1, 1)])
def test_a_huge_picture_is_refused_before_it_is_decoded(monkeypatch, width, height):
    monkeypatch.setattr(cv2, 'imdecode', None)
    message = f'has {width}x{height} pixels, more than 16,777,216: this is no eye crop'
    with pytest.raises(PictureError, match=message):
        decode(with_png_size(width, height))


def test_a_huge_jpeg_is_refused():
    encoded = STILLS['jpeg']
    size = struct.pack('>HH', HEIGHT, WIDTH)
    huge = encoded.replace(size, struct.pack('>HH', 20_000, 20_000), 1)
    assert huge != encoded
    with pytest.raises(PictureError, match='has 20000x20000 pixels'):
        decode(huge)


@pytest.mark.parametrize(('width', 'height'), [(1, 1), (3, 40), (40, 3)])
def test_a_tiny_picture_is_refused(width, height):
    encoded = encode(FRAMES[0].crop((0, 0, width, height)), 'PNG')
    message = f'has {width}x{height} pixels, at least 4x4 are needed'
    with pytest.raises(PictureError, match=message):
        decode(encoded)


def test_the_smallest_picture():
    assert decode(encode(FRAMES[0].crop((0, 0, 4, 4)), 'PNG')).shape == (4, 4, 3)


# headers


def test_a_comment_before_the_size_is_skipped():
    encoded = encode(FRAMES[0], 'JPEG', comment=b'\xff\xc0' * 500)
    assert picture_size(encoded) == (HEIGHT, WIDTH)


def test_a_bitmap_may_be_stored_from_the_top():
    encoded = bytearray(STILLS['bmp'])
    encoded[22:26] = struct.pack('<i', -HEIGHT)
    assert picture_size(bytes(encoded)) == (HEIGHT, WIDTH)


@pytest.mark.parametrize('encoded', [b'', b'II*\0 a TIFF', b'RIFF1234WEBPVP9 '])
def test_other_headers_have_no_known_size(encoded):
    assert picture_size(encoded) is None


@pytest.mark.parametrize('kind', STILLS)
def test_a_cut_header_has_no_known_size(kind):
    assert picture_size(STILLS[kind][:9]) is None
