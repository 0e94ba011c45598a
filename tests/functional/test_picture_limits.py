from ocec.functional.picture_limits import (
    MAX_FRAME_PIXELS,
    MAX_PICTURE_BYTES,
    MAX_PIXELS,
    MIN_SIDE,
)
from ocec.preparation.picture_intake import examine_picture


def test_the_limits_are_those_of_an_eye_crop():
    # smaller than the smallest input of the models by far, and 48 MB as RGB
    assert (MIN_SIDE, MAX_PIXELS) == (4, 4096 * 4096)


def test_a_header_that_claims_more_is_refused_unread():
    bmp = (
        b'BM' + bytes(16) + (4096).to_bytes(4, 'little') + (4097).to_bytes(4, 'little')
    )
    problem = examine_picture(bmp + b'\x01\x00\x18\x00').problem
    assert problem == f'4,097 x 4,096 pixels: more than {MAX_PIXELS:,} are not decoded'


def test_the_limits_of_files_and_frames_leave_room():
    # 16 bits and four channels of the largest picture, and 8K
    assert MAX_PICTURE_BYTES > MAX_PIXELS * 8
    assert MAX_FRAME_PIXELS > 7680 * 4320
