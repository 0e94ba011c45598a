import hashlib

import cv2
import numpy as np
import pytest

from ocec.functional.perceptual_hash import dhash
from ocec.preparation.check_pictures import (
    PICTURE_DTYPE,
    describe_pictures,
    digest_of,
)


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    sizes = [(24, 40), (60, 33), (12, 24)]
    return [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]


def test_numbers_are_those_of_numpy(images):
    facts_N, thumb_NHW = describe_pictures(images)
    assert facts_N.dtype == PICTURE_DTYPE
    assert thumb_NHW.shape == (3, 12, 24)
    for image, facts, thumb in zip(images, facts_N, thumb_NHW, strict=True):
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        assert (facts['height'], facts['width']) == gray.shape
        assert facts['mean'] == pytest.approx(gray.mean(), rel=1e-6)
        assert facts['contrast'] == pytest.approx(gray.std(), rel=1e-6)
        expected = cv2.resize(gray, (24, 12), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(thumb, expected)
        assert facts['hash'] == dhash(thumb[None])[0]
    # blue weighs least: the order is BGR
    blue = np.zeros((4, 4, 3), np.uint8)
    blue[..., 0] = 100
    assert describe_pictures([blue])[0]['mean'][0] == pytest.approx(11)


def test_a_missing_picture_is_all_zeros(images):
    facts_N, thumb_NHW = describe_pictures([images[0], None])
    assert not np.frombuffer(facts_N[1].tobytes(), np.uint8).any()
    assert not thumb_NHW[1].any()
    assert facts_N[0]['height'] == 24


def test_no_pictures():
    facts_N, thumb_NHW = describe_pictures([])
    assert len(facts_N) == len(thumb_NHW) == 0


def test_a_digest_is_of_shape_and_pixels(images):
    image = images[0][:, ::2]  # its bytes do not lie together
    expected = hashlib.blake2b(b'(24, 20, 3)' + image.tobytes(), digest_size=16)
    assert digest_of(image).tobytes() == expected.digest()
    other = image.copy()
    other[3, 4, 1] += 1
    assert (digest_of(other) != digest_of(image)).any()
