"""Light, colour and sharpness of pictures, one number of each per picture.

What a camera, a room or a codec changes and a label does not. Shapes: N pictures of
one size, H x W pixels, K statistics.
"""

import numpy as np

# ITU-R BT.601, as in OpenCV
GRAY_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)
PIXEL_STATISTICS = (
    'red',
    'green',
    'blue',
    'red_std',
    'green_std',
    'blue_std',
    'brightness',
    'contrast',
    'saturation',
    'sharpness',
)


def measure_pixels(images_NHWC: np.ndarray) -> np.ndarray:
    """Measure each picture.

    Args:
        images_NHWC: (N, H, W, 3) uint8 RGB, H and W >= 2; N may be 0.

    Returns:
        (N, 10) float32 in the order of ``PIXEL_STATISTICS``: mean of red, green and
        blue, their standard deviations, mean and standard deviation of the grey
        levels, all in [0, 255]; mean saturation in [0, 1]; variance of the Laplacian
        of the grey levels, >= 0.

    Raises:
        ValueError: the pictures are not (N, H, W, 3) uint8, or a side is below 2.

    Example:
        >>> plain = np.full((1, 2, 2, 3), (255, 0, 0), np.uint8)
        >>> measure_pixels(plain)[0, [0, 1, 8, 9]].tolist()
        [255.0, 0.0, 1.0, 0.0]
    """
    if (
        images_NHWC.ndim != 4
        or images_NHWC.shape[-1] != 3
        or min(images_NHWC.shape[1:3]) < 2
        or images_NHWC.dtype != np.uint8
    ):
        raise ValueError(
            'images must be (N, H, W, 3) uint8 with sides >= 2, '
            f'got {images_NHWC.dtype} {images_NHWC.shape}'
        )
    levels_NHWC = images_NHWC.astype(np.float32)
    gray_NHW = levels_NHWC @ GRAY_WEIGHTS
    columns = (
        *levels_NHWC.mean(axis=(1, 2)).T,
        *levels_NHWC.std(axis=(1, 2)).T,
        gray_NHW.mean(axis=(1, 2)),
        gray_NHW.std(axis=(1, 2)),
        mean_saturation(levels_NHWC),
        laplacian_variance(gray_NHW),
    )
    return np.stack(columns, axis=1)


def mean_saturation(levels_NHWC: np.ndarray) -> np.ndarray:
    """Mean saturation of each picture: (max - min) / max of the channels, 0 in black.

    Args:
        levels_NHWC: (N, H, W, 3) float, in [0, 255].

    Returns:
        (N,) in [0, 1]; 0 for grey pictures.

    Source:
        Smith, Color gamut transform pairs, SIGGRAPH 1978 (HSV).
    """
    # not max(axis=-1), which is ten times slower over three values
    red, green, blue = (levels_NHWC[..., channel] for channel in range(3))
    largest_NHW = np.maximum(np.maximum(red, green), blue)
    smallest_NHW = np.minimum(np.minimum(red, green), blue)
    # levels are whole: a maximum below 1 is black, whose difference is 0 too
    share_NHW = (largest_NHW - smallest_NHW) / np.maximum(largest_NHW, 1)
    return share_NHW.mean(axis=(1, 2))


def laplacian_variance(gray_NHW: np.ndarray) -> np.ndarray:
    """Variance of the Laplacian of each picture: low when it is blurred.

    It grows with contrast and with noise too, and depends on the size: compare
    pictures that were resized to one.

    Args:
        gray_NHW: (N, H, W) float levels, H and W >= 2.

    Returns:
        (N,) of the 4-neighbour Laplacian, mirrored about the outermost pixel.

    Source:
        Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, ICPR 2000.
    """
    padded = np.pad(gray_NHW, ((0, 0), (1, 1), (1, 1)), mode='reflect')
    laplacian_NHW = (
        padded[:, :-2, 1:-1]
        + padded[:, 2:, 1:-1]
        + padded[:, 1:-1, :-2]
        + padded[:, 1:-1, 2:]
        - 4 * gray_NHW
    )
    return laplacian_NHW.var(axis=(1, 2))
