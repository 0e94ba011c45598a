import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from ocec.functional.perceptual_hash import THUMBNAIL_HW
from ocec.preparation.picture_intake import convert_picture, examine_picture

SMOOTH = np.linspace(0, 255, 20 * 30 * 3).reshape(20, 30, 3).astype(np.uint8)
PICTURE = Image.fromarray(SMOOTH)


def encode(kind, picture=PICTURE, **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize('kind', ['PNG', 'JPEG'])
@pytest.mark.parametrize('mode', ['RGB', 'L'])
def test_ordinary_pictures_stay_as_they_are(kind, mode):
    facts = examine_picture(encode(kind, PICTURE.convert(mode)))
    assert (facts.problem, facts.conversion) == ('', '')
    assert (facts.height, facts.width, facts.thumbnail_HW) == (20, 30, None)


@pytest.mark.parametrize(
    ('data', 'how', 'tolerance'),
    [
        (
            cv2.imencode('.png', SMOOTH[..., ::-1].astype(np.uint16) * 256)[1],
            '16 bits: high byte kept',
            0,
        ),
        (encode('PNG', PICTURE.convert('RGBA')), 'alpha dropped', 0),
        (encode('PNG', PICTURE.quantize(256)), 'palette looked up', 8),
        (encode('JPEG', PICTURE.convert('CMYK'), quality=95), 'CMYK to RGB', 8),
        (encode('BMP'), 'BMP to PNG', 0),
        (encode('WEBP', lossless=True), 'WebP to PNG', 0),
        (encode('GIF', PICTURE.quantize(256)), 'palette looked up, GIF to PNG', 8),
    ],
)
def test_other_pictures_become_8_bit_rgb(data, how, tolerance):
    data = bytes(data)
    assert examine_picture(data).conversion == how
    converted = convert_picture(data)
    picture = Image.open(io.BytesIO(converted))
    assert (picture.format, picture.mode) == ('PNG', 'RGB')
    difference = np.abs(np.asarray(picture).astype(int) - SMOOTH)
    assert difference.max() <= tolerance
    assert examine_picture(converted).conversion == ''


def test_one_bit_becomes_black_and_white():
    checks = Image.fromarray(np.tile([[True, False], [False, True]], (10, 15)))
    data = encode('PNG', checks)
    assert examine_picture(data).conversion == '1 bits: spread over 0 to 255'
    pixels = np.asarray(Image.open(io.BytesIO(convert_picture(data))))
    np.testing.assert_array_equal(pixels[..., 0], np.asarray(checks) * 255)


def png_header(height, width):
    ihdr = struct.pack('>I4sIIBBBBBI', 13, b'IHDR', width, height, 8, 2, 0, 0, 0, 0)
    end = struct.pack('>I4sI', 0, b'IEND', 0)
    return b'\x89PNG\r\n\x1a\n' + ihdr + end


@pytest.mark.parametrize(
    ('data', 'problem'),
    [
        ('cannot be read: gone', 'cannot be read: gone'),
        (b'', 'the file is empty (0 bytes)'),
        (encode('PNG')[:60], 'cut off after 60 bytes'),
        (encode('JPEG')[:-20], f'cut off after {len(encode("JPEG")) - 20} bytes'),
        (
            png_header(20_000, 20_000),
            '20,000 x 20,000 pixels: more than 16,777,216 are not decoded',
        ),
        (
            png_header(4097, 4096),
            '4,097 x 4,096 pixels: more than 16,777,216 are not decoded',
        ),
        (
            encode('PNG', PICTURE.resize((40, 3))),
            '3 x 40 pixels: at least 4 x 4 are needed',
        ),
        (
            encode('GIF', save_all=True, append_images=[PICTURE.rotate(90)]),
            'an animated GIF: several pictures in one file',
        ),
        (png_header(20, 30), 'a PNG file that cannot be decoded'),
    ],
)
def test_what_no_model_should_see_has_a_problem(data, problem):
    assert examine_picture(data).problem == problem


def test_the_size_is_that_after_turning():
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    facts = examine_picture(encode('JPEG', exif=exif))
    assert (facts.height, facts.width) == (30, 20)


def test_a_thumbnail_is_grey_and_small():
    facts = examine_picture(encode('PNG'), with_thumbnail=True)
    assert facts.thumbnail_HW.shape == THUMBNAIL_HW
    mean = PICTURE.convert('L')
    assert facts.thumbnail_HW.mean() == pytest.approx(np.asarray(mean).mean(), abs=1)


def test_a_picture_that_changed_meanwhile_is_told():
    with pytest.raises(ValueError, match='cannot be decoded any more'):
        convert_picture(b'gone')
