"""Sensor noise of each image with a strength of its own.

Shapes: B = images, C = 3 channels (RGB), H, W = height, width.
"""

import math

import torch
from torch import Tensor

from ocec.functional.color_planes import MAX_LEVEL, host_to_device
from ocec.functional.per_image import check_per_image


def add_gaussian_noise(
    x_BCHW: Tensor, std_B: Tensor, seed: int, *, per_channel: bool = True
) -> Tensor:
    """Add normal noise, independent from pixel to pixel, and clip.

    The field is drawn on the device of the images: a seed repeats it there, but
    another kind of device draws another field.

    Args:
        x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32, any memory
            format; left untouched.
        std_B: (B,) on the CPU, standard deviations in levels, >= 0.
        seed: of the field, in [0, 2**63).
        per_channel: draw each channel on its own; False adds the same to all
            three, as a grey camera does.

    Returns:
        (B, 3, H, W) float32 levels in [0, 255], not rounded, fresh, channels_last.

    Raises:
        ValueError: no RGB batch (a wrong dtype is a TypeError), or standard
            deviations of the wrong shape, place or range.

    Example:
        >>> x = torch.full((1, 3, 100, 100), 120.0)
        >>> add_gaussian_noise(x, torch.tensor([5.0]), seed=0).std().round()
        tensor(5.)
    """
    check_per_image(x_BCHW, std_B, 'std_B', bounds=(0, math.inf))
    B, C, H, W = x_BCHW.shape
    generator = torch.Generator(x_BCHW.device).manual_seed(seed)
    shape = (B, H, W, C if per_channel else 1)
    noise_BHWC = torch.randn(shape, device=x_BCHW.device, generator=generator)
    std_B111 = host_to_device(std_B, x_BCHW.device)[:, None, None, None]
    noisy_BHWC = noise_BHWC.mul_(std_B111) + x_BCHW.permute(0, 2, 3, 1)
    return noisy_BHWC.clamp_(0, MAX_LEVEL).permute(0, 3, 1, 2)
