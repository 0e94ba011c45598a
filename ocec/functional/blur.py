"""Blur of each image with a kernel of its own: out of focus or in motion.

Shapes: B = images, C = 3 channels (RGB), H, W = height, width, K = taps of a kernel,
S = samples on a line, I, J = pixels of one row or column after and before.
"""

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ocec.functional.color_planes import (
    MAX_LEVEL,
    host_to_device,
    merge_planes,
    split_planes,
)
from ocec.functional.per_image import check_per_image

TRUNCATE_SIGMAS = 3.0
MIN_SIGMA_PX = 0.05
MAX_ANGLE = 1e4  # float32 is still good to 0.001 rad there


def gaussian_blur(x_BCHW: Tensor, sigma_B: Tensor) -> Tensor:
    """Convolve each image with a Gaussian of its own width.

    All kernels have 2 * ceil(3 * largest sigma) + 1 taps. The border is mirrored
    without the border pixel. Mirror and kernel together are one matrix per image
    and axis, which costs the same for every sigma.

    Args:
        x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32, any memory
            format; left untouched.
        sigma_B: (B,) on the CPU, standard deviations in pixels, >= 0.05.

    Returns:
        (B, 3, H, W) float32 levels in [0, 255], not rounded, fresh, channels_last.

    Raises:
        ValueError: no RGB batch (a wrong dtype is a TypeError), or sigmas of the
            wrong shape, place or range.

    Source:
        OpenCV 5.0 ``GaussianBlur`` with ``BORDER_REFLECT_101``.

    Example:
        >>> x = torch.tensor([0.0, 0.0, 100.0, 0.0, 0.0]).expand(1, 3, 1, 5)
        >>> gaussian_blur(x, torch.tensor([0.5]))[0, 0].round().tolist()
        [[0.0, 11.0, 79.0, 11.0, 0.0]]
    """
    check_per_image(x_BCHW, sigma_B, 'sigma_B', bounds=(MIN_SIGMA_PX, math.inf))
    B, C, H, W = x_BCHW.shape
    radius = math.ceil(TRUNCATE_SIGMAS * sigma_B.max().item())
    kernel_BK = _gaussian_kernels(host_to_device(sigma_B, x_BCHW.device), radius)
    rows_BHN = x_BCHW.to(torch.float32).permute(0, 2, 3, 1).reshape(B, H, W * C)
    # half precision would cost one level and more
    with torch.autocast(x_BCHW.device.type, enabled=False):
        rows_BHN = _blur_matrices(kernel_BK, H) @ rows_BHN
        planes_BCHW = rows_BHN.view(B, H, W, C).permute(0, 3, 1, 2)
        columns_BNW = planes_BCHW.reshape(B, C * H, W)
        columns_BNW = columns_BNW @ _blur_matrices(kernel_BK, W).mT
    blurred_BCHW = columns_BNW.view(B, C, H, W).clamp_(0, MAX_LEVEL)
    return blurred_BCHW.contiguous(memory_format=torch.channels_last)


def motion_blur(x_BCHW: Tensor, length_B: Tensor, angle_B: Tensor) -> Tensor:
    """Average each image along a straight line through the pixel.

    The line has ``length`` samples, one pixel apart, and each falls on its four
    nearest pixels by bilinear weights. The border is mirrored without the border
    pixel.

    Args:
        x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32, any memory
            format; left untouched.
        length_B: (B,) int64 on the CPU, in pixels, >= 1 and below twice the height
            and the width; 1 changes nothing.
        angle_B: (B,) on the CPU, in radians, any finite value: 0 is along the rows,
            pi / 2 along the columns.

    Returns:
        (B, 3, H, W) float32 levels in [0, 255], not rounded, fresh, channels_last.

    Raises:
        ValueError: no RGB batch (a wrong dtype is a TypeError), or settings of the
            wrong shape, place or range.

    Example:
        >>> x = torch.tensor([0.0, 0.0, 90.0, 0.0, 0.0]).expand(1, 3, 2, 5)
        >>> motion_blur(x, torch.tensor([3]), torch.tensor([0.0]))[0, 0, 0]
        tensor([ 0., 30., 30., 30.,  0.])
    """
    check_per_image(x_BCHW, length_B, 'length_B', bounds=(1, math.inf))
    check_per_image(x_BCHW, angle_B, 'angle_B', bounds=(-MAX_ANGLE, MAX_ANGLE))
    B, C, H, W = x_BCHW.shape
    kernel_BKK = host_to_device(line_kernels(length_B, angle_B), x_BCHW.device)
    radius = kernel_BKK.shape[-1] // 2
    if radius >= min(H, W):
        raise ValueError(
            f'length_B must be < 2 * min(H, W) to mirror {H} x {W} pixels, got '
            f'{length_B.max()}'
        )
    planes_CBHW = split_planes(x_BCHW).view(C, B, H, W)
    padded_CBHW = F.pad(planes_CBHW, (radius,) * 4, mode='reflect')
    with torch.autocast(x_BCHW.device.type, enabled=False):
        blurred_CBHW = F.conv2d(padded_CBHW, kernel_BKK[:, None], groups=B)
    return merge_planes(blurred_CBHW.flatten(2).clamp_(0, MAX_LEVEL), (H, W))


def line_kernels(length_B: Tensor, angle_B: Tensor) -> Tensor:
    """Draw lines through the centres of square kernels.

    Args:
        length_B: (B,) int64, samples on the line, one pixel apart, >= 1.
        angle_B: (B,) in radians; 0 is along the last axis.

    Returns:
        (B, K, K) float32 with K = the largest length, or one more to be odd; each
        kernel has sum 1 and equals itself turned by half a turn.
    """
    longest = int(length_B.max())
    radius = longest // 2
    place_BS = torch.arange(longest) - (length_B[:, None] - 1) / 2
    weight_BS = (torch.arange(longest) < length_B[:, None]) / length_B[:, None]
    cell_K1 = torch.arange(-radius, radius + 1)[:, None]
    row_BS = place_BS * angle_B.sin()[:, None]
    column_BS = place_BS * angle_B.cos()[:, None]
    # share of a sample that falls on each row and on each column
    row_BKS = (1 - (row_BS[:, None] - cell_K1).abs()).clamp_(min=0)
    column_BKS = (1 - (column_BS[:, None] - cell_K1).abs()).clamp_(min=0)
    with torch.autocast('cpu', enabled=False):
        return (row_BKS * weight_BS[:, None]) @ column_BKS.mT


def _gaussian_kernels(sigma_B: Tensor, radius: int) -> Tensor:
    place_K = torch.arange(-radius, radius + 1, device=sigma_B.device)
    kernel_BK = (-0.5 * (place_K / sigma_B[:, None]).square()).exp()
    return kernel_BK / kernel_BK.sum(1, keepdim=True)


def _blur_matrices(kernel_BK: Tensor, size: int) -> Tensor:
    # (B, I, J): weight of pixel J in pixel I
    taps_KIJ = _tap_positions(size, kernel_BK.shape[1] // 2, kernel_BK.device)
    return (kernel_BK @ taps_KIJ.flatten(1)).unflatten(1, (size, size))


@functools.lru_cache(maxsize=32)
def _tap_positions(size: int, radius: int, device: torch.device) -> Tensor:
    # (K, I, J): 1 where tap K of pixel I falls on pixel J
    source = _mirror_index(size, radius, device)
    source_KI = source.unfold(0, size, 1)
    return F.one_hot(source_KI, size).float()


def _mirror_index(size: int, radius: int, device: torch.device) -> Tensor:
    # (size + 2 * radius,): 2 1 0 1 2 3 2 1 for size 4, radius 2
    last = size - 1
    index = torch.arange(-radius, size + radius, device=device)
    return last - (last - index % max(2 * last, 1)).abs() if last else index * 0
