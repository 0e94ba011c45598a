"""Power law on the levels of each image.

Shapes: B = images, C = 3 channels (RGB), H, W = height, width.
"""

import math

import torch
from torch import Tensor

from ocec.functional.color_planes import MAX_LEVEL, host_to_device
from ocec.functional.per_image import check_per_image

# smallest that is not zero in float32: bounds include their ends
MIN_SETTING = torch.finfo(torch.float32).tiny


def adjust_gamma(x_BCHW: Tensor, gamma_B: Tensor, gain_B: Tensor) -> Tensor:
    """Map each level to ``255 * gain * (level / 255) ** gamma``, clipped.

    Args:
        x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32, any memory
            format; left untouched.
        gamma_B: (B,) on the CPU, > 0: above 1 darkens the middle.
        gain_B: (B,) on the CPU, > 0.

    Returns:
        (B, 3, H, W) float32 levels in [0, 255], not rounded, fresh, channels_last.

    Raises:
        ValueError: no RGB batch (a wrong dtype is a TypeError), or settings of the
            wrong shape, place or range.

    Source:
        torchvision 0.29 ``transforms.v2.functional.adjust_gamma``.

    Example:
        >>> x = torch.tensor([0.0, 51.0, 255.0]).expand(1, 3, 1, 3)
        >>> adjust_gamma(x, torch.tensor([2.0]), torch.tensor([1.0]))[0, 0]
        tensor([[  0.0000,  10.2000, 255.0000]])
    """
    check_per_image(x_BCHW, gamma_B, 'gamma_B', bounds=(MIN_SETTING, math.inf))
    check_per_image(x_BCHW, gain_B, 'gain_B', bounds=(MIN_SETTING, math.inf))
    out_BCHW = x_BCHW.to(torch.float32, copy=True, memory_format=torch.channels_last)
    # exp(gamma * log(x) + rest): three quarters of the time of pow; log(0) = -inf
    # becomes 0 again
    rest_B = (MAX_LEVEL * gain_B).log() - gamma_B * math.log(MAX_LEVEL)
    settings_2B = torch.stack((gamma_B, rest_B))[..., None, None, None]
    gamma_B111, rest_B111 = host_to_device(settings_2B, x_BCHW.device)
    out_BCHW.log_().mul_(gamma_B111).add_(rest_B111).exp_()
    return out_BCHW.clamp_(0, MAX_LEVEL)
