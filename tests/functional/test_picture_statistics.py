import colorsys

import cv2
import numpy as np
import pytest

from ocec.functional.picture_statistics import (
    PIXEL_STATISTICS,
    laplacian_variance,
    mean_saturation,
    measure_pixels,
)


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    drawn = rng.normal((40, 120, 200), (5, 40, 60), (5, 12, 17, 3))
    return drawn.clip(0, 255).astype(np.uint8)


def column(images, name):
    return measure_pixels(images)[:, PIXEL_STATISTICS.index(name)]


@pytest.mark.parametrize(('channel', 'name'), enumerate(['red', 'green', 'blue']))
def test_channels_are_those_of_numpy(images, channel, name):
    pixels = images[..., channel].astype(np.float64).reshape(5, -1)
    np.testing.assert_allclose(column(images, name), pixels.mean(1), rtol=1e-5)
    np.testing.assert_allclose(column(images, f'{name}_std'), pixels.std(1), rtol=1e-5)


def test_brightness_and_contrast_are_those_of_opencv(images):
    # cvtColor of floats does not round
    gray = [cv2.cvtColor(np.float32(image), cv2.COLOR_RGB2GRAY) for image in images]
    expected = [cv2.meanStdDev(picture) for picture in gray]
    means, stds = zip(*((m.item(), s.item()) for m, s in expected), strict=True)
    np.testing.assert_allclose(column(images, 'brightness'), means, rtol=1e-5)
    np.testing.assert_allclose(column(images, 'contrast'), stds, rtol=1e-4)


def test_sharpness_is_the_variance_of_opencvs_laplacian(images):
    gray = [cv2.cvtColor(np.float32(image), cv2.COLOR_RGB2GRAY) for image in images]
    expected = [
        np.float64(cv2.Laplacian(picture, cv2.CV_32F)).var() for picture in gray
    ]
    np.testing.assert_allclose(column(images, 'sharpness'), expected, rtol=1e-4)


def test_blur_lowers_the_sharpness(images):
    blurred = np.stack([cv2.GaussianBlur(image, (5, 5), 1.5) for image in images])
    assert (column(blurred, 'sharpness') < column(images, 'sharpness') / 10).all()


def test_sharpness_of_one_bright_pixel():
    gray = np.zeros((1, 5, 5), np.float32)
    gray[0, 2, 2] = 1
    # -4 once, 1 four times, 0 elsewhere: mean 0, mean square 20 / 25
    assert laplacian_variance(gray) == pytest.approx([0.8])


def test_saturation_is_that_of_colorsys(images):
    expected = [
        np.mean(
            [colorsys.rgb_to_hsv(*pixel)[1] for pixel in image.reshape(-1, 3) / 255]
        )
        for image in images
    ]
    np.testing.assert_allclose(column(images, 'saturation'), expected, rtol=1e-5)


def test_gray_and_black_pictures_have_no_saturation():
    levels = np.zeros((2, 2, 2, 3), np.float32)
    levels[1] = 77
    assert mean_saturation(levels).tolist() == [0, 0]


def test_measurement_does_not_depend_on_the_batch(images):
    whole = measure_pixels(images)
    one_by_one = np.concatenate([measure_pixels(image[None]) for image in images])
    np.testing.assert_allclose(one_by_one, whole, rtol=1e-6)
    assert measure_pixels(images[:0]).shape == (0, len(PIXEL_STATISTICS))


@pytest.mark.parametrize(
    ('images', 'message'),
    [
        (np.zeros((2, 3, 3), np.uint8), r'got uint8 \(2, 3, 3\)'),
        (np.zeros((1, 2, 2, 1), np.uint8), r'got uint8 \(1, 2, 2, 1\)'),
        (np.zeros((1, 1, 2, 3), np.uint8), r'sides >= 2, got uint8 \(1, 1, 2, 3\)'),
        (np.zeros((1, 2, 2, 3), np.float32), r'got float32 \(1, 2, 2, 3\)'),
    ],
)
def test_images_of_another_kind(images, message):
    with pytest.raises(ValueError, match=message):
        measure_pixels(images)
