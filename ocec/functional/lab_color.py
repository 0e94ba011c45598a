"""Eight-bit CIE LAB as OpenCV stores it: L * 255 / 100, a + 128, b + 128.

The way there repeats OpenCV's fixed-point arithmetic, so that the lightness is the
same integer and an equalisation that depends on ties sees the same image. The way
back is plain float arithmetic.

Shapes: B = images, C = 3 channels, H, W = height, width, X = 3 rows of XYZ,
K = entries of a table.
"""

import functools

import torch
from torch import Tensor

WHITE_X = (0.950456, 1.0, 1.088754)  # D65
RGB_TO_XYZ_XC = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
XYZ_TO_RGB_CX = (
    (3.240479, -1.53715, -0.498535),
    (-0.969256, 1.875991, 0.041556),
    (0.055648, -0.204043, 1.057311),
)
# bits behind the point, of OpenCV's color_lab.cpp
XYZ_BITS = 12
LINEAR_BITS = 3  # linear light counts in 1/8 levels: 0 to 2040
ROOT_BITS = XYZ_BITS + LINEAR_BITS
# below this, CIE replaces the cube root by a line
LINE_SLOPE = 7.787
LINE_OFFSET = 16 / 116
LINE_END = 0.008856


def rgb_to_lab8(x_BCHW: Tensor) -> Tensor:
    """Convert sRGB levels to eight-bit LAB.

    Args:
        x_BCHW: (B, 3, H, W) RGB levels in [0, 255], any real dtype; rounded first,
            halves to even.

    Returns:
        (B, 3, H, W) int32 in [0, 255]: L, a, b.

    Source:
        OpenCV 5.0 ``cvtColor(..., COLOR_RGB2LAB)`` on uint8, ``RGB2Lab_b``.

    Example:
        >>> rgb_to_lab8(torch.tensor([255.0, 0.0, 0.0]).view(1, 3, 1, 1)).flatten()
        tensor([136, 208, 195], dtype=torch.int32)
    """
    linear_K, root_K, xyz_XC = _fixed_point_tables(x_BCHW.device)
    levels_BCHW = x_BCHW.round() if x_BCHW.is_floating_point() else x_BCHW
    light_BCHW = _look_up(linear_K, levels_BCHW.clamp(0, 255).int())
    products_BXCHW = light_BCHW[:, None] * xyz_XC[..., None, None]
    xyz_BXHW = products_BXCHW.sum(2, dtype=torch.int32)
    root_BXHW = _look_up(root_K, _round_off(xyz_BXHW, XYZ_BITS))
    x_BHW, y_BHW, z_BHW = root_BXHW.unbind(1)
    one = 1 << ROOT_BITS
    # 296 = 116 * 255 / 100, rounded as OpenCV does
    l_BHW = 296 * y_BHW - (16 * 255 * one + 50) // 100
    a_BHW = 500 * (x_BHW - y_BHW) + 128 * one
    b_BHW = 200 * (y_BHW - z_BHW) + 128 * one
    lab_BCHW = torch.stack((l_BHW, a_BHW, b_BHW), 1)
    return _round_off(lab_BCHW, ROOT_BITS).clamp_(0, 255)


def lab8_to_rgb(lab_BCHW: Tensor) -> Tensor:
    """Convert eight-bit LAB to sRGB levels.

    Args:
        lab_BCHW: (B, 3, H, W) L, a, b in [0, 255], any real dtype.

    Returns:
        (B, 3, H, W) float32, whole levels in [0, 255].

    Source:
        CIE 15:2004, 8.2.1, with the constants of OpenCV 5.0 ``COLOR_LAB2RGB``.

    Example:
        >>> lab8_to_rgb(torch.tensor([255, 128, 128]).view(1, 3, 1, 1)).flatten()
        tensor([255., 255., 255.])
    """
    white_X, rgb_CX = _float_tables(lab_BCHW.device)
    l_BHW, a_BHW, b_BHW = lab_BCHW.float().unbind(1)
    y_BHW = (l_BHW * (100 / 255) + 16) / 116
    x_BHW = y_BHW + (a_BHW - 128) / 500
    z_BHW = y_BHW - (b_BHW - 128) / 200
    root_BXHW = torch.stack((x_BHW, y_BHW, z_BHW), 1)
    line_BXHW = (root_BXHW - LINE_OFFSET) / LINE_SLOPE
    xyz_BXHW = line_BXHW.where(line_BXHW <= LINE_END, root_BXHW**3)
    xyz_BXHW *= white_X[:, None, None]
    light_BCHW = (xyz_BXHW[:, None] * rgb_CX[..., None, None]).sum(2).clamp_(0, 1)
    curve_BCHW = 1.055 * light_BCHW ** (1 / 2.4) - 0.055
    rgb_BCHW = (12.92 * light_BCHW).where(light_BCHW <= 0.0031308, curve_BCHW)
    return (255 * rgb_BCHW).round_()


def _look_up(table_K: Tensor, index: Tensor) -> Tensor:
    # int32 throughout: every sum stays below 2**25
    return table_K.index_select(0, index.flatten()).view(index.shape)


def _round_off(values: Tensor, bits: int) -> Tensor:
    return (values + (1 << (bits - 1))) >> bits


@functools.cache
def _fixed_point_tables(device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    # once per device: sRGB level -> linear light, light -> cube root, RGB -> XYZ
    level_K = torch.arange(256, dtype=torch.float64) / 255
    curve_K = ((level_K + 0.055) / 1.055) ** 2.4
    linear_K = (level_K / 12.92).where(level_K <= 0.04045, curve_K)
    full = 255 << LINEAR_BITS
    light_K = torch.arange(full * 3 // 2, dtype=torch.float64) / full
    line_K = LINE_SLOPE * light_K + LINE_OFFSET
    root_K = line_K.where(light_K < LINE_END, light_K ** (1 / 3))
    xyz_XC = torch.tensor(RGB_TO_XYZ_XC, dtype=torch.float64)
    xyz_XC /= torch.tensor(WHITE_X, dtype=torch.float64)[:, None]
    tables = (full * linear_K, (1 << ROOT_BITS) * root_K, (1 << XYZ_BITS) * xyz_XC)
    linear_K, root_K, xyz_XC = (table.round().int().to(device) for table in tables)
    return linear_K, root_K, xyz_XC


@functools.cache
def _float_tables(device: torch.device) -> tuple[Tensor, Tensor]:
    white_X = torch.tensor(WHITE_X, device=device)
    return white_X, torch.tensor(XYZ_TO_RGB_CX, device=device)
