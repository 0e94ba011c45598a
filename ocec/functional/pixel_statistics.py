"""Mean and standard deviation of pixels, exact and independent of order.

Pixel values are counted, and the counts are whole numbers: adding them gives the same
result whatever the chunks and their order. Shapes: N images, H x W pixels, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

NUM_VALUES = 256  # of a uint8 pixel


def count_pixel_values(images_NHWC: np.ndarray) -> np.ndarray:
    """Count how often each value occurs in each channel.

    Args:
        images_NHWC: (N, H, W, C) uint8; N may be 0.

    Returns:
        (C, 256) int64; the counts of two sets of images add up to those of both.

    Raises:
        ValueError: the images are not (N, H, W, C) uint8.

    Example:
        >>> count_pixel_values(np.full((2, 3, 4, 1), 7, np.uint8))[0, 6:9].tolist()
        [0, 24, 0]
    """
    if images_NHWC.ndim != 4 or images_NHWC.dtype != np.uint8:
        raise ValueError(
            'images must be (N, H, W, C) uint8, '
            f'got {images_NHWC.dtype} {images_NHWC.shape}'
        )
    return np.stack(
        [
            np.bincount(images_NHWC[..., channel].ravel(), minlength=NUM_VALUES)
            for channel in range(images_NHWC.shape[-1])
        ]
    )


def mean_std_of_counts(count_CV: np.ndarray) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel, rounded once.

    The variance is (n * sum of squares - square of sum) / n^2 in whole numbers of any
    length, so nothing cancels.

    Args:
        count_CV: (C, 256) from ``count_pixel_values``.

    Returns:
        C means and C standard deviations of the whole population (divided by n, not
        by n - 1), in pixel values [0, 255].

    Raises:
        ValueError: there are no pixels.
    """
    means, stds = [], []
    for count_V in count_CV.tolist():
        num = sum(count_V)
        if num == 0:
            raise ValueError('there are no pixels to take a mean of')
        total = sum(value * count for value, count in enumerate(count_V))
        squares = sum(value * value * count for value, count in enumerate(count_V))
        means.append(total / num)
        stds.append(((num * squares - total * total) / (num * num)) ** 0.5)
    return means, stds


def pool_mean_std(
    num_F: Sequence[int],
    mean_FC: Sequence[Sequence[float]],
    std_FC: Sequence[Sequence[float]],
) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of several data sets from those of each.

    mean = sum n * mean / sum n, var = sum n * (std^2 + mean^2) / sum n - mean^2. For
    sets of which only these numbers are known; ``count_pixel_values`` is exact.

    Args:
        num_F: images, or pixels, of each of F sets of one image size, >= 0.
        mean_FC: F times C means.
        std_FC: F times C standard deviations, >= 0.

    Returns:
        C means and C standard deviations.

    Raises:
        ValueError: the lengths differ, or there are no images.

    Example:
        >>> pool_mean_std([1, 1], [[0.0], [2.0]], [[0.0], [0.0]])
        ([1.0], [1.0])
    """
    num_F1 = np.asarray(num_F, np.float64)[:, None]
    mean_FC, std_FC = np.asarray(mean_FC, np.float64), np.asarray(std_FC, np.float64)
    if not mean_FC.shape == std_FC.shape == (len(num_F1), mean_FC.shape[-1]):
        raise ValueError(
            f'num, mean and std must have one length, got {len(num_F1)}, '
            f'{mean_FC.shape} and {std_FC.shape}'
        )
    if num_F1.sum() <= 0:
        raise ValueError('there are no images to take a mean of')
    share_F1 = num_F1 / num_F1.sum()
    mean_C = (share_F1 * mean_FC).sum(axis=0)
    # spread within the sets and between their means, which cannot become negative
    var_C = (share_F1 * (std_FC**2 + (mean_FC - mean_C) ** 2)).sum(axis=0)
    return mean_C.tolist(), np.sqrt(var_C).tolist()
