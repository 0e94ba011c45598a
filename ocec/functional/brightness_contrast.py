"""Brightness and contrast of each image as one linear map of its levels.

Shapes: B = images, C = 3 channels (RGB), H, W = height, width, N = H * W * C values.
"""

import functools
import math

import torch
from torch import Tensor

from ocec.functional.color_planes import GRAY_WEIGHTS, MAX_LEVEL, host_to_device
from ocec.functional.per_image import check_per_image


def shift_brightness_contrast(
    x_BCHW: Tensor, brightness_B: Tensor, contrast_B: Tensor
) -> Tensor:
    """Stretch each image about its mean grey, then add to every level.

    ``clip(contrast * (x - mean) + mean + 255 * brightness)`` with the mean of the
    image's grey version, so that contrast alone leaves the mean where it is. There
    is one clip at the end: a stretch that the shift brings back loses nothing.

    Args:
        x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32, any memory
            format; left untouched.
        brightness_B: (B,) on the CPU, in [-1, 1]: share of 255 levels to add.
        contrast_B: (B,) on the CPU, >= 0: 1 is neutral, 0 leaves the mean grey.

    Returns:
        (B, 3, H, W) float32 levels in [0, 255], not rounded, fresh, channels_last.

    Raises:
        ValueError: no RGB batch (a wrong dtype is a TypeError), or settings of the
            wrong shape, place or range.

    Source:
        Contrast as torchvision 0.29 ``transforms.v2.functional.adjust_contrast``,
        brightness as albumentations 1.4 ``RandomBrightnessContrast`` by max value.

    Example:
        >>> x = torch.tensor([100.0, 140.0]).expand(1, 3, 1, 2)
        >>> out = shift_brightness_contrast(x, torch.tensor([0.2]), torch.tensor([0.5]))
        >>> out[0, 0].round().tolist()  # mean 120: 110 + 51 and 130 + 51
        [[161.0, 181.0]]
    """
    check_per_image(x_BCHW, brightness_B, 'brightness_B', bounds=(-1, 1))
    check_per_image(x_BCHW, contrast_B, 'contrast_B', bounds=(0, math.inf))
    out_BCHW = x_BCHW.to(torch.float32, copy=True, memory_format=torch.channels_last)
    settings_2B1 = torch.stack((MAX_LEVEL * brightness_B, contrast_B))[..., None]
    shift_B1, contrast_B1 = host_to_device(settings_2B1, x_BCHW.device)
    values_BN = out_BCHW.permute(0, 2, 3, 1).flatten(1)
    offset_B1 = shift_B1 + (1 - contrast_B1) * _mean_gray(values_BN)
    values_BN.mul_(contrast_B1).add_(offset_B1).clamp_(0, MAX_LEVEL)
    return out_BCHW


def _mean_gray(values_BN: Tensor) -> Tensor:
    # (B, 1); as one product: a mean over every third value is not vectorised
    weights_N1 = _mean_weights(values_BN.shape[1] // 3, values_BN.device)
    with torch.autocast(values_BN.device.type, enabled=False):
        return values_BN @ weights_N1


@functools.lru_cache(maxsize=32)
def _mean_weights(num_pixels: int, device: torch.device) -> Tensor:
    # made once: a copy from the host would wait for the device in every batch
    weights_N = torch.tensor(GRAY_WEIGHTS).div(num_pixels).repeat(num_pixels)
    return weights_N[:, None].to(device)
