import numpy as np
import pytest

from ocec.functional.pixel_statistics import (
    count_pixel_values,
    mean_std_of_counts,
    pool_mean_std,
)


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    # channels of different level and spread
    drawn = rng.normal((40, 120, 200), (5, 20, 30), (9, 6, 8, 3))
    return drawn.clip(0, 255).astype(np.uint8)


def test_mean_and_std_are_those_of_numpy(images):
    mean, std = mean_std_of_counts(count_pixel_values(images))
    pixels = images.reshape(-1, 3).astype(np.float64)
    np.testing.assert_allclose(mean, pixels.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(std, pixels.std(axis=0), rtol=1e-12)


def test_result_does_not_depend_on_chunks_or_order(images):
    whole = mean_std_of_counts(count_pixel_values(images))
    shuffled = images[np.random.default_rng(1).permutation(9)]
    parts = [count_pixel_values(part) for part in np.split(shuffled, [0, 2, 7])]
    assert mean_std_of_counts(sum(parts)) == whole


def test_counts_of_values_at_the_ends():
    image = np.array([0, 255, 255, 7], np.uint8).reshape(1, 2, 2, 1)
    [count_V] = count_pixel_values(image)
    assert count_V.shape == (256,)
    assert dict(enumerate(count_V[count_V > 0])) == {0: 1, 1: 1, 2: 2}
    assert (count_V[0], count_V[7], count_V[255]) == (1, 1, 2)


def test_nothing_overflows_or_cancels():
    # 1e15 pixels of 254 and as many of 255: mean 254.5, std 0.5
    count_CV = np.zeros((1, 256), np.int64)
    count_CV[0, 254:] = 10**15
    assert mean_std_of_counts(count_CV) == ([254.5], [0.5])


@pytest.mark.parametrize(
    ('images', 'message'),
    [
        (np.zeros((2, 3, 3), np.uint8), r'got uint8 \(2, 3, 3\)'),
        (np.zeros((1, 2, 2, 3), np.float32), r'got float32 \(1, 2, 2, 3\)'),
    ],
)
def test_images_of_another_kind(images, message):
    with pytest.raises(ValueError, match=message):
        count_pixel_values(images)


def test_no_pixels():
    counts = count_pixel_values(np.zeros((0, 2, 2, 3), np.uint8))
    with pytest.raises(ValueError, match='there are no pixels'):
        mean_std_of_counts(counts)


def test_pool_of_two_published_data_sets():
    # the fork's statistics of 470,811 and 296,735 crops and what it pooled them to
    mean, std = pool_mean_std(
        [470_811, 296_735],
        [
            [0.46961902, 0.46596417, 0.46912243],
            [0.36043344, 0.28117363, 0.25993526],
        ],
        [
            [0.17677383, 0.17855343, 0.17680589],
            [0.20355277, 0.18570374, 0.18771590],
        ],
    )
    np.testing.assert_allclose(mean, [0.42740763, 0.39452373, 0.38825020], atol=1e-7)
    np.testing.assert_allclose(std, [0.19497052, 0.20245008, 0.20778578], atol=1e-7)


def test_pool_is_the_concatenation(images):
    parts = np.split(images, [2, 3])
    each = [mean_std_of_counts(count_pixel_values(part)) for part in parts]
    means, stds = zip(*each, strict=True)
    mean, std = pool_mean_std([len(part) for part in parts], means, stds)
    pixels = images.reshape(-1, 3).astype(np.float64)
    np.testing.assert_allclose(mean, pixels.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(std, pixels.std(axis=0), rtol=1e-12)


def test_pool_of_one_set_and_of_an_empty_one():
    mean, std = pool_mean_std([3, 0], [[10.0], [99.0]], [[2.0], [7.0]])
    assert (mean, std) == ([10.0], [2.0])


@pytest.mark.parametrize(
    ('num', 'mean', 'std', 'message'),
    [
        ([1], [[1.0], [2.0]], [[1.0], [1.0]], r'one length, got 1, \(2, 1\)'),
        ([1], [[1.0]], [[1.0, 2.0]], r'one length, got 1, \(1, 1\) and \(1, 2\)'),
        ([0, 0], [[1.0]] * 2, [[1.0]] * 2, 'there are no images'),
    ],
)
def test_sets_that_cannot_be_pooled(num, mean, std, message):
    with pytest.raises(ValueError, match=message):
        pool_mean_std(num, mean, std)
