"""Colour changes with one factor per image, on levels from 0 to 255.

The factors are host tensors: they are checked, and images that need no work are
found, without waiting for the device.

Shapes: B = images, C = 3 channels (RGB), H, W = height, width, N = H * W pixels.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ocec.functional.color_planes import (
    blend_contrast_,
    blend_saturation_,
    check_rgb_batch,
    host_to_device,
    merge_planes,
    rotate_hue_,
    scale_brightness_,
    split_planes,
)

MAX_HUE_SHIFT = 0.5  # turns; further round the circle is the other way


def adjust_brightness(x_BCHW: Tensor, factor_B: Tensor) -> Tensor:
    """Multiply each image by its factor, clamped to [0, 255].

    Args:
        x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32.
        factor_B: (B,) on the CPU, >= 0; 1 changes nothing, 0 is black.

    Returns:
        (B, 3, H, W) float32 levels, not rounded, channels_last.

    Raises:
        ValueError: no RGB batch, or factors of the wrong shape, place or sign.
        TypeError: the images are neither uint8 nor float32.

    Source:
        torchvision 0.29 ``transforms.v2.functional.adjust_brightness`` on float.

    Example:
        >>> x = torch.full((2, 3, 1, 1), 100.0)
        >>> adjust_brightness(x, torch.tensor([0.5, 3.0]))[:, 0].flatten().tolist()
        [50.0, 255.0]
    """
    _check_factors(x_BCHW, factor_B, name='factor_B')
    return _adjust(x_BCHW, factor_B, scale_brightness_)


def adjust_contrast(x_BCHW: Tensor, factor_B: Tensor) -> Tensor:
    """Blend each image with the mean of its grey version, clamped to [0, 255].

    Args:
        x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32.
        factor_B: (B,) on the CPU, >= 0; 1 changes nothing, 0 is plain grey.

    Returns:
        (B, 3, H, W) float32 levels, not rounded, channels_last.

    Raises:
        ValueError: no RGB batch, or factors of the wrong shape, place or sign.
        TypeError: the images are neither uint8 nor float32.

    Source:
        torchvision 0.29 ``transforms.v2.functional.adjust_contrast`` on float.

    Example:
        >>> x = torch.tensor([0.0, 100.0]).expand(1, 3, 1, 2)
        >>> adjust_contrast(x, torch.tensor([2.0]))[0, 0].round().tolist()
        [[0.0, 150.0]]
    """
    _check_factors(x_BCHW, factor_B, name='factor_B')
    return _adjust(x_BCHW, factor_B, blend_contrast_)


def adjust_saturation(x_BCHW: Tensor, factor_B: Tensor) -> Tensor:
    """Blend each pixel with its grey value, clamped to [0, 255].

    Args:
        x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32.
        factor_B: (B,) on the CPU, >= 0; 1 changes nothing, 0 is greyscale.

    Returns:
        (B, 3, H, W) float32 levels, not rounded, channels_last.

    Raises:
        ValueError: no RGB batch, or factors of the wrong shape, place or sign.
        TypeError: the images are neither uint8 nor float32.

    Source:
        torchvision 0.29 ``transforms.v2.functional.adjust_saturation`` on float.

    Example:
        >>> red = torch.tensor([100.0, 0.0, 0.0]).view(1, 3, 1, 1)
        >>> adjust_saturation(red, torch.tensor([0.0])).flatten().round().tolist()
        [30.0, 30.0, 30.0]
    """
    _check_factors(x_BCHW, factor_B, name='factor_B')
    return _adjust(x_BCHW, factor_B, blend_saturation_)


def adjust_hue(x_BCHW: Tensor, shift_B: Tensor) -> Tensor:
    """Turn the HSV hue of each image by its shift; value and chroma stay.

    Args:
        x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32.
        shift_B: (B,) on the CPU, in turns of the hue circle, in [-0.5, 0.5];
            1/3 makes red green.

    Returns:
        (B, 3, H, W) float32 levels, not rounded, channels_last.

    Raises:
        ValueError: no RGB batch, or shifts of the wrong shape, place or range.
        TypeError: the images are neither uint8 nor float32.

    Source:
        torchvision 0.29 ``transforms.v2.functional.adjust_hue`` on float.

    Example:
        >>> red = torch.tensor([90.0, 0.0, 0.0]).view(1, 3, 1, 1)
        >>> adjust_hue(red, torch.tensor([1 / 3])).flatten().tolist()
        [0.0, 90.0, 0.0]
    """
    _check_shifts(x_BCHW, shift_B, name='shift_B')
    planes_CBN = split_planes(x_BCHW)
    rest_B = _roll_channels_(planes_CBN, shift_B)
    rotate_hue_(planes_CBN, host_to_device(rest_B, x_BCHW.device))
    return merge_planes(planes_CBN, x_BCHW.shape[2:])


def photometric_distort(
    x_BCHW: Tensor,
    brightness_B: Tensor,
    *,
    contrast_B: Tensor,
    saturation_B: Tensor,
    hue_B: Tensor,
    contrast_first_B: Tensor,
    permutation_CB: Tensor | None = None,
) -> Tensor:
    """Change brightness, contrast, saturation and hue of each image in one go.

    Same result as ``adjust_brightness``, then ``adjust_contrast`` where it comes
    first, ``adjust_saturation``, ``adjust_hue``, ``adjust_contrast`` elsewhere,
    then the permutation. The images are sorted while they are copied, so that the
    dear steps, saturation and hue, run only on those that need them.

    Args:
        x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32, any memory
            format, any device; left untouched.
        brightness_B: (B,) on the CPU, >= 0; 1 is neutral.
        contrast_B: (B,) on the CPU, >= 0; 1 is neutral.
        saturation_B: (B,) on the CPU, >= 0; 1 is neutral.
        hue_B: (B,) on the CPU, in turns, in [-0.5, 0.5]; 0 is neutral.
        contrast_first_B: (B,) bool on the CPU, contrast before saturation and hue.
        permutation_CB: (3, B) int64 on the CPU, the channel that becomes red,
            green and blue; None keeps the channels.

    Returns:
        (B, 3, H, W) float32 levels in [0, 255], fresh, channels_last.

    Raises:
        ValueError: no RGB batch, or factors of the wrong shape, place or range.
        TypeError: the images are neither uint8 nor float32.

    Source:
        torchvision 0.29 ``transforms.v2.RandomPhotometricDistort.transform``.
    """
    _check_factors(x_BCHW, brightness_B, name='brightness_B')
    _check_factors(x_BCHW, contrast_B, name='contrast_B')
    _check_factors(x_BCHW, saturation_B, name='saturation_B')
    _check_shifts(x_BCHW, hue_B, name='hue_B')
    _check_vector(x_BCHW, contrast_first_B, 'contrast_first_B')
    if permutation_CB is not None:
        _check_permutation(x_BCHW, permutation_CB)
    early_B = contrast_B.where(contrast_first_B, 1.0)
    late_B = contrast_B.where(~contrast_first_B, 1.0)
    order_B = _order_by_work(saturation_B != 1, hue_B != 0)
    source_CB = _source_rows(order_B, permutation_CB)
    indices = host_to_device(torch.cat((order_B[None], source_CB)), x_BCHW.device)
    planes_CBN = split_planes(x_BCHW, indices[0])
    _run_(scale_brightness_, planes_CBN, brightness_B[order_B])
    _run_(blend_contrast_, planes_CBN, early_B[order_B])
    _run_(blend_saturation_, planes_CBN, saturation_B[order_B])
    rest_B = _roll_channels_(planes_CBN, hue_B[order_B])
    _run_(rotate_hue_, planes_CBN, rest_B, neutral=0.0)
    _run_(blend_contrast_, planes_CBN, late_B[order_B])
    return merge_planes(planes_CBN, x_BCHW.shape[2:], source_CB=indices[1:])


def _adjust(
    x_BCHW: Tensor, factor_B: Tensor, step_: Callable[[Tensor, Tensor], Tensor]
) -> Tensor:
    planes_CBN = split_planes(x_BCHW)
    step_(planes_CBN, host_to_device(factor_B, x_BCHW.device))
    return merge_planes(planes_CBN, x_BCHW.shape[2:])


def _run_(
    step_: Callable[[Tensor, Tensor], Tensor],
    planes_CBN: Tensor,
    factor_B: Tensor,
    *,
    neutral: float = 1.0,
) -> None:
    # one slice from the first to the last image in need: index_copy_ back from a
    # gathered subset would take longer than the step on all images
    needed = np.flatnonzero((factor_B != neutral).numpy())
    if len(needed):
        run = slice(needed[0], needed[-1] + 1)
        factor_B = host_to_device(factor_B[run], planes_CBN.device)
        step_(planes_CBN[:, run], factor_B)


def _order_by_work(is_saturated_B: Tensor, is_rotated_B: Tensor) -> Tensor:
    # neither, saturation, both, hue: the two dear steps get one run each
    rank_B = 2 * is_rotated_B.int() + (is_rotated_B ^ is_saturated_B).int()
    return rank_B.argsort()


def _source_rows(order_B: Tensor, permutation_CB: Tensor | None) -> Tensor:
    # row of the sorted (3 * B, N) planes for each channel of each output image
    B = len(order_B)
    place_B = torch.empty_like(order_B)
    place_B[order_B] = torch.arange(B)
    if permutation_CB is None:
        permutation_CB = torch.arange(3)[:, None]
    return permutation_CB * B + place_B


def _roll_channels_(planes_CBN: Tensor, shift_B: Tensor) -> Tensor:
    # a third of a turn is a cyclic exchange of channels; rotate_hue_ does the rest
    thirds_B = (3 * shift_B).round()
    if not thirds_B.any():
        return shift_B
    for turns in (1, 2):
        chosen = (thirds_B.remainder(3) == turns).nonzero().flatten()
        if len(chosen):
            chosen = host_to_device(chosen, planes_CBN.device)
            rolled = planes_CBN.index_select(1, chosen).roll(turns, 0)
            planes_CBN.index_copy_(1, chosen, rolled)
    return shift_B - thirds_B / 3


def _check_vector(x_BCHW: Tensor, values_B: Tensor, name: str) -> None:
    B = len(x_BCHW)
    if values_B.shape != (B,):
        raise ValueError(
            f'{name} must have shape ({B},), one per image, got {tuple(values_B.shape)}'
        )
    if values_B.device.type != 'cpu':
        raise ValueError(f'{name} must be on the CPU, got {values_B.device}')


def _check_factors(x_BCHW: Tensor, factor_B: Tensor, *, name: str) -> None:
    check_rgb_batch(x_BCHW)
    _check_vector(x_BCHW, factor_B, name)
    if not (factor_B >= 0).all():
        raise ValueError(f'{name} must be >= 0, got {factor_B.min().item():g}')


def _check_shifts(x_BCHW: Tensor, shift_B: Tensor, *, name: str) -> None:
    check_rgb_batch(x_BCHW)
    _check_vector(x_BCHW, shift_B, name)
    if not (shift_B.abs() <= MAX_HUE_SHIFT).all():
        worst = shift_B[shift_B.abs().argmax()].item()
        raise ValueError(
            f'{name} must be in [-{MAX_HUE_SHIFT}, {MAX_HUE_SHIFT}] turns, got '
            f'{worst:g}'
        )


def _check_permutation(x_BCHW: Tensor, permutation_CB: Tensor) -> None:
    shape = tuple(permutation_CB.shape)
    if shape != (3, len(x_BCHW)):
        raise ValueError(
            f'permutation_CB must have shape (3, {len(x_BCHW)}), got {shape}'
        )
    is_bad_B = (permutation_CB.sort(0).values != torch.arange(3)[:, None]).any(0)
    if is_bad_B.any():
        column = permutation_CB[:, is_bad_B.nonzero()[0, 0]].tolist()
        raise ValueError(
            'permutation_CB must hold 0, 1 and 2 in every column, got '
            f'{shape} with column {column}'
        )
