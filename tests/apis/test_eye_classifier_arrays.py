import re

import cv2
import numpy as np
import pytest

from ocec.apis.eye_classifier_arrays import (
    check_picture,
    iterate_arrays,
    resize_picture,
)


def draw(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_colour_stays_and_is_not_copied():
    image = draw(5, 7, 3)
    assert check_picture(image) is image


@pytest.mark.parametrize('shape', [(5, 7), (5, 7, 1)])
def test_grey_gets_three_equal_channels(shape):
    image = draw(*shape)
    rgb = check_picture(image)
    assert rgb.shape == (5, 7, 3)
    for channel in range(3):
        np.testing.assert_array_equal(rgb[..., channel], image.reshape(5, 7))


@pytest.mark.parametrize(
    ('image', 'message'),
    [
        (
            np.zeros((5, 7, 3), np.float32),
            'got float32; values in [0, 1] become pixels',
        ),
        (np.full((5, 7, 3), np.nan), 'got float64 with NaN in it'),
        (np.zeros((5, 7, 3), np.uint16), 'got uint16; of 16 bits take the high byte'),
        (np.zeros((5, 7, 3), np.int64), 'got int64; if they lie in [0, 255]'),
        (np.zeros((5, 7), bool), 'got bool; a mask is no picture'),
        (np.array('eye.png'), 'got <U7'),
        (draw(5, 7, 4), 'got shape (5, 7, 4): drop alpha, as training does, by image'),
        (draw(3, 5, 7), 'got shape (3, 5, 7): the channels come last'),
        (draw(9, 5, 7), 'got shape (9, 5, 7): several grey pictures are images[..., '),
        (draw(5), '(h, w, 3) RGB or (h, w) grey, got shape (5,)'),
        (draw(0, 7, 3), 'a picture has no pixels: its shape is (0, 7, 3)'),
    ],
)
def test_what_is_no_picture_is_refused_with_the_way_out(image, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        check_picture(image)


def test_an_array_of_several_pictures():
    images = draw(4, 5, 7, 3)
    for found, image in zip(iterate_arrays(images), images, strict=True):
        np.testing.assert_array_equal(found, image)
    assert len(list(iterate_arrays(draw(4, 5, 7, 1)))) == 4
    assert len(list(iterate_arrays(images[0]))) == 1


def test_an_array_without_pictures_is_refused():
    with pytest.raises(
        ValueError, match=re.escape('no pictures: the array has shape (0')
    ):
        list(iterate_arrays(draw(0, 5, 7, 3)))


def test_resize_is_opencvs_whatever_the_strides():
    image = draw(9, 11, 3)[::-1, ::2, ::-1]
    expected = cv2.resize(image.copy(), (10, 4), interpolation=cv2.INTER_AREA)
    resized = resize_picture(image, (4, 10), cv2.INTER_AREA)
    np.testing.assert_array_equal(resized, expected)
    # a camera writes its next frame into the same memory
    same_size = draw(4, 10, 3)
    assert not np.shares_memory(resize_picture(same_size, (4, 10), 1), same_size)
