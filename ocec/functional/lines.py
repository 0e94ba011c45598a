"""Straight lines over images, each image with its own.

Shapes: B images, C = 3 channels (RGB), H, W = height, width, L lines of an image,
T points of a line.
"""

import torch
from torch import Tensor

from ocec.functional.color_planes import MAX_LEVEL, check_rgb_batch, host_to_device


def line_pixels(end_2BL2: Tensor, is_wide_BL: Tensor, size: tuple[int, int]) -> Tensor:
    """List the pixels of lines.

    Args:
        end_2BL2: (2, B, L, 2) both ends, row and column in pixels, in [0, H - 1] and
            [0, W - 1], not whole perhaps.
        is_wide_BL: (B, L) bool, 2 pixels wide instead of 1.
        size: (H, W) in pixels.

    Returns:
        (B, L, 2 T) int64, ``row * W + column``, without gaps along the line; some
        more than once.

    Example:
        >>> ends = torch.tensor([[0.0, 0.0], [2.0, 2.0]]).view(2, 1, 1, 2)
        >>> line_pixels(ends, torch.zeros(1, 1, dtype=torch.bool), (3, 3)).unique()
        tensor([0, 4, 8])
    """
    H, W = size
    # as many points as pixels along the longest line leave no gap
    share_T = torch.linspace(0, 1, max(H, W))
    run_BL2 = end_2BL2[1] - end_2BL2[0]
    point_BLT2 = end_2BL2[0][:, :, None] + run_BL2[:, :, None] * share_T[:, None]
    point_BLT2 = point_BLT2.round_().long()
    is_flat_BL = run_BL2[..., 1].abs() >= run_BL2[..., 0].abs()
    # the second row of a wide line lies across it
    aside_BL2 = torch.stack((is_flat_BL & is_wide_BL, ~is_flat_BL & is_wide_BL), -1)
    beside_BLT2 = point_BLT2 + aside_BL2[:, :, None]
    beside_BLT2 = torch.minimum(beside_BLT2, torch.tensor([H - 1, W - 1]))
    point_BLU2 = torch.cat((point_BLT2, beside_BLT2), 2)
    return point_BLU2[..., 0] * W + point_BLU2[..., 1]


def draw_lines(
    x_BCHW: Tensor,
    end_2BL2: Tensor,
    is_wide_BL: Tensor,
    is_drawn_BL: Tensor,
    *,
    level: float = 0.0,
) -> Tensor:
    """Draw lines of one grey level.

    Args:
        x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32, any memory
            format, any device; left untouched.
        end_2BL2: (2, B, L, 2) on the CPU, both ends, see :func:`line_pixels`.
        is_wide_BL: (B, L) bool on the CPU, 2 pixels wide instead of 1.
        is_drawn_BL: (B, L) bool on the CPU; the others are left out.
        level: of the lines, in [0, 255].

    Returns:
        (B, 3, H, W) of the same dtype, fresh.

    Raises:
        ValueError: no RGB batch (a wrong dtype is a TypeError), a level out of range,
            or lines for another number of images.
    """
    check_rgb_batch(x_BCHW)
    if not 0 <= level <= MAX_LEVEL:
        raise ValueError(f'level must be in [0, {MAX_LEVEL:g}], got {level}')
    B, _, H, W = x_BCHW.shape
    if end_2BL2.shape[1] != B:
        raise ValueError(
            f'end_2BL2 must have lines of {B} images, got those of {end_2BL2.shape[1]}'
        )
    pixel_BLU = line_pixels(end_2BL2, is_wide_BL, (H, W))
    # points of lines that are not drawn go to a pixel that is cut off
    pixel_BLU = pixel_BLU.where(is_drawn_BL[..., None], torch.tensor(H * W))
    is_line_BN = torch.zeros(B, H * W + 1, dtype=torch.bool)
    is_line_BN.scatter_(1, pixel_BLU.flatten(1), True)
    is_line_BHW = is_line_BN[:, :-1].unflatten(1, (H, W))
    is_line_BHW = host_to_device(is_line_BHW, x_BCHW.device)
    return x_BCHW.masked_fill(is_line_BHW[:, None], level)
