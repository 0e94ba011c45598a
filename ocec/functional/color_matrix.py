"""Brightness, contrast, saturation and hue as one affine map of the colours.

Without the clamping in between, each of them maps the three channels linearly, plus a
constant, so that one 3x4 matrix per image does them all in one pass.
Shapes: B = images, C = 3 channels (RGB), H, W = height, width, N = H * W pixels.
"""

import math

import torch
from torch import Tensor

from ocec.functional.color_planes import (
    GRAY_WEIGHTS,
    MAX_LEVEL,
    check_rgb_batch,
    host_to_device,
    merge_planes,
    split_planes,
)

# rows Y, I, Q of NTSC; the turn of I and Q is the turn of the hue
RGB_TO_YIQ = (
    (0.299, 0.587, 0.114),
    (0.595716, -0.274453, -0.321263),
    (0.211456, -0.522591, 0.311135),
)


def compose_color_matrix(
    mean_BC: Tensor,
    *,
    brightness_B: Tensor,
    contrast_B: Tensor,
    saturation_B: Tensor,
    hue_B: Tensor,
    contrast_first_B: Tensor,
) -> tuple[Tensor, Tensor]:
    """Compose the changes of each image into ``matrix @ rgb + offset``.

    Brightness scales; contrast blends with the mean grey, before saturation and hue
    or after them; saturation blends each pixel with its grey; hue turns the plane of I
    and Q, which keeps the luma, where HSV keeps the largest channel.

    Args:
        mean_BC: (B, 3) mean of each channel of each image.
        brightness_B: (B,) factors >= 0; 1 changes nothing.
        contrast_B: (B,) factors >= 0.
        saturation_B: (B,) factors >= 0.
        hue_B: (B,) turns, in [-0.5, 0.5].
        contrast_first_B: (B,) bool.

    Returns:
        (B, 3, 3) matrix and (B, 3) offset, float32 on the device of ``mean_BC``.

    Source:
        Haeberli, Matrix Operations for Image Processing, 1993; the hue's plane: YIQ of
        NTSC, as in TensorFlow Addons' ``adjust_hsv_in_yiq``.
    """
    gray_C = mean_BC.new_tensor(GRAY_WEIGHTS)
    eye_CC = torch.eye(3, device=mean_BC.device)
    early_B = contrast_B.where(contrast_first_B, 1.0)
    late_B = contrast_B.where(~contrast_first_B, 1.0)
    matrix_BCC = brightness_B[:, None, None] * eye_CC
    offset_BC = torch.zeros_like(mean_BC)

    def contrast(matrix_BCC, offset_BC, factor_B):
        now_BC = (matrix_BCC @ mean_BC[..., None])[..., 0] + offset_BC
        gray_B1 = (now_BC @ gray_C)[:, None]
        factor_B1 = factor_B[:, None]
        offset_BC = factor_B1 * offset_BC + (1 - factor_B1) * gray_B1
        return factor_B1[..., None] * matrix_BCC, offset_BC

    matrix_BCC, offset_BC = contrast(matrix_BCC, offset_BC, early_B)
    saturation_B11 = saturation_B[:, None, None]
    to_gray_CC = gray_C.expand(3, 3)
    colors_BCC = saturation_B11 * eye_CC + (1 - saturation_B11) * to_gray_CC
    colors_BCC = _hue_matrix(hue_B) @ colors_BCC
    matrix_BCC = colors_BCC @ matrix_BCC
    offset_BC = (colors_BCC @ offset_BC[..., None])[..., 0]
    return contrast(matrix_BCC, offset_BC, late_B)


def distort_by_matrix(
    x_BCHW: Tensor, permutation_CB: Tensor | None = None, **factors_B: Tensor
) -> Tensor:
    """Change brightness, contrast, saturation and hue in one pass over the pixels.

    Differs from :func:`ocec.functional.photometric.photometric_distort` in that levels
    are clamped once, at the end, and in what is kept when the hue turns.

    Args:
        x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32, any memory
            format; left untouched.
        permutation_CB: (3, B) int64 on the CPU, the channel that becomes red, green
            and blue; None keeps the channels.
        **factors_B: on the CPU, of :func:`compose_color_matrix`.

    Returns:
        (B, 3, H, W) float32 levels in [0, 255], fresh, channels_last.

    Raises:
        ValueError: no RGB batch.
        TypeError: the images are neither uint8 nor float32.
    """
    check_rgb_batch(x_BCHW)
    device = x_BCHW.device
    planes_CBN = split_planes(x_BCHW)
    on_device = {
        name: host_to_device(values, device) for name, values in factors_B.items()
    }
    matrix_BCC, offset_BC = compose_color_matrix(planes_CBN.mean(-1).T, **on_device)
    if permutation_CB is not None:
        source_BC = host_to_device(permutation_CB.T.contiguous(), device)
        matrix_BCC = matrix_BCC.gather(1, source_BC[..., None].expand(-1, -1, 3))
        offset_BC = offset_BC.gather(1, source_BC)
    # planes as columns: the product of interleaved pixels takes ten times as long
    pixels_BCN = torch.baddbmm(
        offset_BC[..., None], matrix_BCC, planes_CBN.transpose(0, 1)
    ).clamp_(0, MAX_LEVEL)
    return merge_planes(pixels_BCN.transpose(0, 1), x_BCHW.shape[2:])


def _hue_matrix(turns_B: Tensor) -> Tensor:
    to_yiq_CC = torch.tensor(RGB_TO_YIQ, device=turns_B.device, dtype=torch.float64)
    # from red to green I falls while Q falls below zero: the angle runs backwards
    angle_B = -2 * math.pi * turns_B.double()
    cos_B, sin_B = angle_B.cos(), angle_B.sin()
    turn_BCC = torch.zeros(
        len(turns_B), 3, 3, device=turns_B.device, dtype=torch.float64
    )
    turn_BCC[:, 0, 0] = 1
    turn_BCC[:, 1, 1] = turn_BCC[:, 2, 2] = cos_B
    turn_BCC[:, 1, 2], turn_BCC[:, 2, 1] = -sin_B, sin_B
    return (torch.linalg.inv(to_yiq_CC) @ turn_BCC @ to_yiq_CC).float()
