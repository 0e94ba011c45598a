"""Rotate, scale, shear and move images, each with its own numbers.

Everything is in pixels, not in shares of the image, so that a rotation of a 32 x 64
image is a true rotation.

Shapes: B = images, C = 3 channels (RGB), H, W = height, width.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from ocec.functional.color_planes import host_to_device, merge_planes, split_planes
from ocec.functional.crop import check_fill
from ocec.functional.per_image import check_per_image

MAX_DEGREES = 360.0
MAX_SHEAR_DEGREES = 80.0  # the tangent grows without bound towards 90
MIN_SCALE, MAX_SCALE = 0.1, 10.0
# 64 images of 32 x 64: larger scratch is returned to the system and faulted in again
# page by page on each call, 14 ms instead of 5.5 for 256 images on one core
CPU_CHUNK_PIXELS = 2**17
PADDING_MODES = {'edge': 'border', 'zero': 'zeros', 'reflect': 'reflection'}


def affine(
    x_BCHW: Tensor,
    degrees_B: Tensor,
    shift_x_B: Tensor,
    shift_y_B: Tensor,
    scale_B: Tensor,
    shear_B: Tensor,
    *,
    fill: str = 'edge',
) -> Tensor:
    """Shear, then rotate and scale about the centre, then move; bilinear.

    Args:
        x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32, any memory
            format, any device, H and W >= 2; left untouched.
        degrees_B: (B,) on the CPU, in [-360, 360], counter-clockwise on the screen.
        shift_x_B: (B,) on the CPU, pixels to the right, in [-W, W].
        shift_y_B: (B,) on the CPU, pixels down, in [-H, H].
        scale_B: (B,) on the CPU, in [0.1, 10]; above 1 the content grows.
        shear_B: (B,) on the CPU, degrees in [-80, 80] that upright lines lean to the
            right before the rotation.
        fill: what lies past the border, see :func:`ocec.functional.crop.check_fill`.

    Returns:
        (B, 3, H, W) float32 levels, not rounded, fresh, channels_last.

    Raises:
        ValueError: no RGB batch, images of one row or column, an unknown fill, or
            numbers of the wrong shape, place or range.
        TypeError: the images are neither uint8 nor float32.

    Source:
        torchvision 0.29 ``transforms.v2.functional.affine`` with ``angle=-degrees``:
        it counts clockwise, while its ``rotate`` counts as this function does.

    Example:
        >>> x = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).expand(1, 3, 2, 2)
        >>> one, none = torch.ones(1), torch.zeros(1)
        >>> affine(x, 90 * one, none, none, one, none)[0, 0].round().tolist()
        [[2.0, 4.0], [1.0, 3.0]]
    """
    check_fill(fill)
    check_per_image(x_BCHW, degrees_B, 'degrees_B', bounds=(-MAX_DEGREES, MAX_DEGREES))
    H, W = x_BCHW.shape[2:]
    check_per_image(x_BCHW, shift_x_B, 'shift_x_B', bounds=(-W, W))
    check_per_image(x_BCHW, shift_y_B, 'shift_y_B', bounds=(-H, H))
    check_per_image(x_BCHW, scale_B, 'scale_B', bounds=(MIN_SCALE, MAX_SCALE))
    limits = (-MAX_SHEAR_DEGREES, MAX_SHEAR_DEGREES)
    check_per_image(x_BCHW, shear_B, 'shear_B', bounds=limits)
    if min(H, W) < 2:
        raise ValueError(f'x_BCHW must have 2 x 2 pixels or more, got {H} x {W}')
    linear_B22 = _inverse_linear(degrees_B, scale_B, shear_B)
    offset_B2 = _source_of_origin(linear_B22, shift_x_B, shift_y_B, size=(H, W))
    maps_B23 = _grid_maps(linear_B22, offset_B2, (H, W))
    return _sample_in_chunks(x_BCHW, host_to_device(maps_B23, x_BCHW.device), fill)


def _inverse_linear(degrees_B: Tensor, scale_B: Tensor, shear_B: Tensor) -> Tensor:
    """Invert ``scale * rotation @ shear`` for x to the right, y down; (B, 2, 2)."""
    # float64: the numbers are few, and a pixel far from the centre multiplies errors
    angle_B, lean_B = degrees_B.double().deg2rad(), shear_B.double().deg2rad().tan()
    cos_B, sin_B = angle_B.cos(), angle_B.sin()
    entries = (cos_B + lean_B * sin_B, lean_B * cos_B - sin_B, sin_B, cos_B)
    linear_B4 = torch.stack(entries, 1) / scale_B.double()[:, None]
    return linear_B4.view(-1, 2, 2)


def _source_of_origin(
    linear_B22: Tensor, shift_x_B: Tensor, shift_y_B: Tensor, *, size: tuple[int, int]
) -> Tensor:
    """Where pixel (0, 0) of the result comes from: x, y in pixels, (B, 2)."""
    centre_2 = torch.tensor([(size[1] - 1) / 2, (size[0] - 1) / 2]).double()
    moved_B2 = centre_2 + torch.stack((shift_x_B, shift_y_B), 1)
    return centre_2 - (linear_B22 * moved_B2[:, None]).sum(2)


def _grid_maps(linear_B22: Tensor, offset_B2: Tensor, size: tuple[int, int]) -> Tensor:
    """From pixel numbers to where ``grid_sample`` reads, (B, 2, 3) float32."""
    # it counts from -1, the centre of the first pixel, to 1, that of the last one
    unit_2 = 2 / (torch.tensor([size[1], size[0]]) - 1).double()
    maps_B23 = torch.cat((linear_B22, offset_B2[..., None]), 2) * unit_2[:, None]
    maps_B23[..., 2] -= 1
    return maps_B23.float()


def _sample_in_chunks(x_BCHW: Tensor, maps_B23: Tensor, fill: str) -> Tensor:
    B, _, H, W = x_BCHW.shape
    chunk = B if x_BCHW.is_cuda else max(1, CPU_CHUNK_PIXELS // (H * W))
    out_BHWC = torch.empty(B, H, W, 3, device=x_BCHW.device)
    out_BCHW = out_BHWC.permute(0, 3, 1, 2)
    for start in range(0, B, chunk):
        part = slice(start, start + chunk)
        out_BCHW[part] = _sample_bilinear(x_BCHW[part], maps_B23[part], fill)
    return out_BCHW


def _sample_bilinear(x_BCHW: Tensor, maps_B23: Tensor, fill: str) -> Tensor:
    size = x_BCHW.shape[2:]
    planes_CBHW = split_planes(x_BCHW).unflatten(2, size)
    # corners aligned: a reflection is then about the outermost pixel, not its edge
    warped_BCHW = F.grid_sample(
        planes_CBHW.transpose(0, 1),
        _sampling_grid(maps_B23, size),
        padding_mode=PADDING_MODES[fill],
        align_corners=True,
    )
    return merge_planes(warped_BCHW.transpose(0, 1).flatten(2), size)


def _sampling_grid(maps_B23: Tensor, size: tuple[int, int]) -> Tensor:
    H, W = size
    column_W = torch.arange(W, device=maps_B23.device)
    row_H = torch.arange(H, device=maps_B23.device)
    per_x_2B1, per_y_2B1, start_2B1 = maps_B23.permute(2, 1, 0)[..., None]
    part_2BW = per_x_2B1 * column_W
    part_2BH = per_y_2B1 * row_H + start_2B1
    # x and y as two planes: made in one vectorised sum, and read as fast as pairs
    grid_2BHW = part_2BW[:, :, None] + part_2BH[..., None]
    return grid_2BHW.permute(1, 2, 3, 0)
