"""Expected pixels: the drawn ones, or Pillow's."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from ocec.datasets.picture_decode import PictureError, decode_picture

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
    'tiff': encode(FRAMES[0], 'TIFF'),
    'webp': encode(FRAMES[0], 'WEBP'),
    'lossless webp': encode(FRAMES[0], 'WEBP', lossless=True),
    'webp with metadata': encode(FRAMES[0], 'WEBP', exif=b'Exif\0\0II*\0'),
}


@pytest.mark.parametrize('kind', STILLS)
def test_stills_are_read(kind):
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
    with pytest.raises(PictureError, match='^the picture cannot be decoded: '):
        decode(encoded)


@pytest.mark.parametrize('kind', ['.ppm', '.ras', '.tiff'])
def test_what_does_not_tell_its_size_is_not_decoded(monkeypatch, kind):
    encoded = cv2.imencode(kind, RGB)[1].tobytes()
    if kind == '.tiff':  # the tag of the width becomes one that nobody knows
        encoded = encoded.replace(b'\0\1\3\0\1', b'\xff\xfe\3\0\1', 1)
    assert cv2.imdecode(np.frombuffer(cv2.imencode(kind, RGB)[1], np.uint8), 1).any()
    monkeypatch.setattr(cv2, 'imdecode', None)
    with pytest.raises(PictureError, match='^the picture cannot be decoded: (no|a TI)'):
        decode(encoded)


def test_a_damaged_picture_behind_a_whole_header_is_refused():
    encoded = bytearray(STILLS['png'])
    encoded[60:] = bytes(len(encoded) - 72) + encoded[-12:]  # the pixels are gone
    with pytest.raises(PictureError, match='^the picture cannot be decoded$'):
        decode(bytes(encoded))


@pytest.mark.parametrize('share', [0.5, 0.8])
@pytest.mark.parametrize('kind', ['png', 'jpeg', 'progressive jpeg', 'gif', 'webp'])
def test_a_truncated_picture_is_refused(kind, share):
    encoded = STILLS[kind]
    with pytest.raises(PictureError, match='^the picture cannot be decoded: cut off'):
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


def with_huge_size(kind):
    """A file of 20,000 x 20,000 pixels, as its header says."""
    encoded = STILLS[kind]
    forms = {'gif': '<HH', 'bmp': '<ii', 'webp': '<HH'}
    if kind == 'webp with metadata':  # 24 bits each, less one
        size, huge = ((n - 1).to_bytes(3, 'little') * 2 for n in (WIDTH, 20_000))
        size = size[:3] + (HEIGHT - 1).to_bytes(3, 'little')
    else:
        size = struct.pack(forms[kind], WIDTH, HEIGHT)
        # 14 bits hold no more than 16,383
        largest = 16_383 if kind == 'webp' else 20_000
        huge = struct.pack(forms[kind], largest, largest)
    assert size in encoded
    return encoded.replace(size, huge, 1)


@pytest.mark.parametrize('kind', ['gif', 'bmp', 'webp', 'webp with metadata'])
def test_other_huge_pictures_are_refused(monkeypatch, kind):
    monkeypatch.setattr(cv2, 'imdecode', None)
    with pytest.raises(PictureError, match=r'has (16383|20000)x\1 pixels, more than'):
        decode(with_huge_size(kind))


def test_a_huge_tiff_is_refused(monkeypatch):
    # bilevel and compressed: 9000 x 9000 pixels in a few kilobytes
    encoded = encode(Image.new('1', (9000, 9000)), 'TIFF', compression='group4')
    monkeypatch.setattr(cv2, 'imdecode', None)
    with pytest.raises(PictureError, match='has 9000x9000 pixels'):
        decode(encoded)


def test_a_huge_jpeg_behind_long_metadata_is_refused(monkeypatch):
    segment = b'\xff\xe1' + struct.pack('>H', 65_535) + bytes(65_533)
    encoded = encode(Image.new('L', (9000, 9000)), 'JPEG')
    monkeypatch.setattr(cv2, 'imdecode', None)
    with pytest.raises(PictureError, match='has 9000x9000 pixels'):
        decode(encoded[:2] + segment * 2 + encoded[2:])


@pytest.mark.parametrize(('width', 'height'), [(1, 1), (3, 40), (40, 3)])
def test_a_tiny_picture_is_refused(width, height):
    encoded = encode(FRAMES[0].crop((0, 0, width, height)), 'PNG')
    message = f'has {width}x{height} pixels, at least 4x4 are needed'
    with pytest.raises(PictureError, match=message):
        decode(encoded)


def test_the_smallest_picture():
    assert decode(encode(FRAMES[0].crop((0, 0, 4, 4)), 'PNG')).shape == (4, 4, 3)
