"""Bright blobs on an image, as light that glasses reflect.

Shapes: B = images, C = 3 channels (RGB), H, W = height, width, S = spots per image.
"""

import math

import torch
from torch import Tensor

from ocec.functional.color_planes import MAX_LEVEL, check_rgb_batch, host_to_device


def add_light_spots(
    x_BCHW: Tensor, center_BS2: Tensor, sigma_BS: Tensor, peak_BS: Tensor
) -> Tensor:
    """Add white Gaussian spots to each image and clip.

    Args:
        x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32, any memory
            format; left untouched.
        center_BS2: (B, S, 2) on the CPU: place of each centre from the top and from
            the left, as a share of height and width; 0.5, 0.5 is the middle of the
            picture.
        sigma_BS: (B, S) on the CPU, standard deviations as a share of the height,
            > 0; the spots are round.
        peak_BS: (B, S) on the CPU, levels added at the centre, >= 0; 0 is no spot.

    Returns:
        (B, 3, H, W) float32 levels in [0, 255], not rounded, fresh, channels_last.

    Raises:
        ValueError: no RGB batch (a wrong dtype is a TypeError), or settings of the
            wrong shape, place or range.

    Example:
        >>> x = torch.full((1, 3, 1, 3), 100.0)
        >>> middle, sigma = torch.tensor([[[0.5, 0.5]]]), torch.tensor([[1.0]])
        >>> out = add_light_spots(x, middle, sigma, 40 * sigma)
        >>> out[0, 0].round(decimals=1)  # 40 * exp(-1 / 2) beside the centre
        tensor([[124.3000, 140.0000, 124.3000]])
    """
    check_rgb_batch(x_BCHW)
    _check_spots(x_BCHW, center_BS2, sigma_BS, peak_BS)
    H, W = x_BCHW.shape[2:]
    settings_4BS = torch.stack((*center_BS2.unbind(-1), sigma_BS * H, peak_BS))
    settings_4BS = host_to_device(settings_4BS, x_BCHW.device)
    top_BS, left_BS, sigma_px_BS, peak_BS = settings_4BS.unbind(0)
    down_BSH = _bumps(top_BS, sigma_px_BS, H) * peak_BS[..., None]
    across_BSW = _bumps(left_BS, sigma_px_BS, W)
    # half precision would show its steps in the smooth flanks
    with torch.autocast(x_BCHW.device.type, enabled=False):
        light_BHW = down_BSH.mT @ across_BSW
    lit_BHWC = x_BCHW.permute(0, 2, 3, 1) + light_BHW[..., None]
    return (
        lit_BHWC.clamp_(0, MAX_LEVEL)
        .permute(0, 3, 1, 2)
        .contiguous(memory_format=torch.channels_last)
    )


def _bumps(center_BS: Tensor, sigma_px_BS: Tensor, size: int) -> Tensor:
    # pixel i covers i to i + 1
    place = torch.arange(size, device=center_BS.device) + 0.5
    distance = (place - size * center_BS[..., None]) / sigma_px_BS[..., None]
    return (-0.5 * distance.square()).exp()


def _check_spots(
    x_BCHW: Tensor, center_BS2: Tensor, sigma_BS: Tensor, peak_BS: Tensor
) -> None:
    B, S = len(x_BCHW), center_BS2.shape[1] if center_BS2.ndim == 3 else 0
    shapes = ((B, S, 2), (B, S), (B, S))
    named = {'center_BS2': center_BS2, 'sigma_BS': sigma_BS, 'peak_BS': peak_BS}
    for (name, values), shape in zip(named.items(), shapes, strict=True):
        if values.shape != shape:
            raise ValueError(
                f'center_BS2, sigma_BS and peak_BS must have shapes ({B}, S, 2), '
                f'({B}, S) and ({B}, S), got {name} of {tuple(values.shape)}'
            )
        if values.device.type != 'cpu':
            raise ValueError(f'{name} must be on the CPU, got {values.device}')
    if not ((sigma_BS > 0) & (sigma_BS < math.inf)).all():
        raise ValueError(f'sigma_BS must be > 0, got {sigma_BS.min().item():g}')
    if not ((peak_BS >= 0) & (peak_BS < math.inf)).all():
        raise ValueError(f'peak_BS must be >= 0, got {peak_BS.min().item():g}')
