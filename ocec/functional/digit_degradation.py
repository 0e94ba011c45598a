"""Spoil images of digits: move, dim, add noise, blur, cover by boxes and lines.

Shapes: B images, H x W pixels, K boxes, L lines.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from ocec.functional.lines import line_pixels

MAX_SEVERITY = 10.0
# the severity whose numbers below were fitted to real pairs
FITTED_SEVERITY = 6.0
MAX_LEVEL = 255.0
# more would not fit into the bits of a byte, one per box
MAX_BOXES = 8
BLUR_SIGMAS = 4.0


@dataclass(frozen=True)
class Degradation:
    """Ranges that the numbers of each image are drawn from.

    Args:
        degrees: largest rotation to both sides, >= 0.
        scale: (low, high) range of the factor about the centre, > 0.
        shift_px: largest shift to both sides, in pixels along each axis, >= 0.
        contrast: (low, high) range of the factor on the levels, >= 0.
        noise: standard deviation of the noise, in levels of 255, >= 0.
        blur_px: standard deviation of the blur after the noise, in pixels, >= 0.
        num_boxes: mean number of black boxes, >= 0.
        box_spread: the number is uniform within so many of its mean, and rounded so
            that the mean stays; together at most 8.
        box_sides: (shortest, longest) side of a box in pixels, each equally likely.
        num_lines: (low, high) range of a uniform number that is rounded down to the
            number of black lines, high > 0.
    """

    degrees: float
    scale: tuple[float, float]
    shift_px: float
    contrast: tuple[float, float]
    noise: float
    blur_px: float
    num_boxes: float
    box_spread: float
    box_sides: tuple[int, int]
    num_lines: tuple[float, float]


def degradation_at(severity: float) -> Degradation:
    """Return the ranges of a severity.

    Args:
        severity: in [0, 10]: 0 changes nothing, 6 looks like the pairs that the
            numbers were fitted to; in between and above they grow in proportion.

    Returns:
        The ranges.

    Raises:
        ValueError: severity is out of range.

    Example:
        >>> degradation_at(3).degrees
        7.5
    """
    if not 0 <= severity <= MAX_SEVERITY:
        raise ValueError(f'severity must be in [0, {MAX_SEVERITY:g}], got {severity}')
    share = severity / FITTED_SEVERITY
    return Degradation(
        degrees=15 * share,
        scale=(1 - 0.3 * share, 1 + 0.3 * share),
        shift_px=6 * share,
        contrast=(1 - 0.5 * share, 1 + 0.3 * share),
        noise=19 * share,
        blur_px=1.05 * share,
        num_boxes=3 * share,
        box_spread=share,
        box_sides=(4, 20),
        num_lines=(0, 1 + 2 * share),
    )


def degrade_digits(
    x_BHW: Tensor, degradation: Degradation, *, generator: Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Spoil each image with numbers of its own.

    In this order: rotation, scale and shift (bilinear, black outside), contrast,
    noise, clip, blur, boxes, lines. Boxes and lines are black and sharp.

    Args:
        x_BHW: (B, H, W) uint8 on the CPU, H and W >= 2; left untouched.
        degradation: ranges of the numbers, as of :func:`degradation_at`.
        generator: on the CPU; by default torch's global one.

    Returns:
        (B, H, W) uint8, fresh; and (B,) float32, the share of pixels that boxes and
        lines cover, in [0, 1].
    """
    B, H, W = x_BHW.shape
    levels_BHW = _move(x_BHW.float(), degradation, generator)
    contrast_B11 = _uniform((B, 1, 1), degradation.contrast, generator)
    levels_BHW.mul_(contrast_B11)
    if degradation.noise > 0:
        noise_BHW = torch.randn((B, H, W), generator=generator)
        levels_BHW.add_(noise_BHW, alpha=degradation.noise)
    levels_BHW.clamp_(0, MAX_LEVEL)
    if degradation.blur_px > 0:
        levels_BHW = _blur(levels_BHW, degradation.blur_px)
    # one pixel more takes the points of lines that are not drawn
    covered_BN = torch.empty(B, H * W + 1, dtype=torch.uint8)
    covered_BHW = covered_BN[:, :-1].unflatten(1, (H, W))
    _draw_boxes_(covered_BHW, degradation, generator)
    _draw_lines_(covered_BN, (H, W), degradation, generator)
    is_covered_BHW = covered_BHW != 0
    out_BHW = levels_BHW.round_().to(torch.uint8).masked_fill_(is_covered_BHW, 0)
    return out_BHW, is_covered_BHW.flatten(1).sum(1) / (H * W)


def _uniform(shape, limits, generator: Generator | None) -> Tensor:
    share = torch.rand(shape, generator=generator)
    return limits[0] + (limits[1] - limits[0]) * share


def _whole(shape, low, high, generator: Generator | None) -> Tensor:
    """Whole numbers from low to high, both included; high may be a tensor."""
    share = torch.rand(shape, generator=generator, dtype=torch.float64)
    return (low + (share * (high - low + 1)).floor()).long()


def _move(x_BHW: Tensor, degradation: Degradation, generator) -> Tensor:
    """Rotate and scale about the centre, then shift."""
    B, H, W = x_BHW.shape
    limit = math.radians(degradation.degrees)
    angle_B = _uniform((B,), (-limit, limit), generator)
    scale_B = _uniform((B,), degradation.scale, generator)
    shift_2B = _uniform(
        (2, B), (-degradation.shift_px, degradation.shift_px), generator
    )
    cos_B, sin_B = angle_B.cos() / scale_B, angle_B.sin() / scale_B
    # grid_sample counts from -1, the centre of the first pixel, to 1, of the last one
    x_BW = torch.arange(W) - (W - 1) / 2 - shift_2B[0][:, None]
    y_BH = torch.arange(H) - (H - 1) / 2 - shift_2B[1][:, None]
    unit_x, unit_y = 2 / (W - 1), 2 / (H - 1)
    # x and y as two planes: made in one vectorised sum each
    grid_2BHW = torch.empty(2, B, H, W)
    per_y_2B, per_x_2B = torch.stack(
        (
            torch.stack((-sin_B * unit_x, cos_B * unit_y)),
            torch.stack((cos_B * unit_x, sin_B * unit_y)),
        )
    )
    part_2BH1 = (per_y_2B[..., None] * y_BH)[..., None]
    part_2B1W = (per_x_2B[..., None] * x_BW)[:, :, None]
    torch.add(part_2BH1, part_2B1W, out=grid_2BHW)
    grid_BHW2 = grid_2BHW.permute(1, 2, 3, 0)
    return F.grid_sample(x_BHW[:, None], grid_BHW2, align_corners=True)[:, 0]


def _blur(levels_BHW: Tensor, sigma: float) -> Tensor:
    """Blur rows and columns by one matrix each, mirrored at the border."""
    B, H, W = levels_BHW.shape
    rows_BHW = (levels_BHW.view(B * H, W) @ _blur_matrix(W, sigma).T).view(B, H, W)
    return _blur_matrix(H, sigma) @ rows_BHW


@functools.lru_cache(maxsize=32)
def _blur_matrix(size: int, sigma: float) -> Tensor:
    radius = math.ceil(BLUR_SIGMAS * sigma)
    place = torch.arange(-radius, radius + 1)
    kernel = (-0.5 * (place / sigma).square()).exp()
    source = torch.arange(size)[:, None] + place
    # 2 1 0 0 1 2: the border pixel is repeated, as scipy's gaussian_filter does
    source = source % (2 * size)
    source = torch.minimum(source, 2 * size - 1 - source)
    matrix = torch.zeros(size, size)
    matrix.scatter_add_(1, source, (kernel / kernel.sum()).expand(size, -1))
    return matrix


def _draw_boxes_(covered_BHW: Tensor, degradation: Degradation, generator) -> None:
    """Write 0 where no box lies; each lies wholly inside the image."""
    B, *size = covered_BHW.shape
    mean, spread = degradation.num_boxes, degradation.box_spread
    num_B1 = _round_at_random(
        _uniform((B, 1), (mean - spread, mean + spread), generator), generator
    )
    K = math.ceil(mean + spread)
    if K > MAX_BOXES:
        raise ValueError(f'num_boxes must stay <= {MAX_BOXES}, got up to {K}')
    bit_K = 2 ** torch.arange(K)
    bit_BK = bit_K * (torch.arange(K) < num_B1)
    inside = []
    for length in size:
        low, high = degradation.box_sides
        side_BK = _whole((B, K), low, min(high, length), generator)
        start_BK = _whole((B, K), 0, length - side_BK, generator)
        offset_BKN = torch.arange(length) - start_BK[..., None]
        is_in_BKN = (offset_BKN >= 0) & (offset_BKN < side_BK[..., None])
        # one bit per box: one AND tells for all boxes whether they cover a pixel
        inside.append((is_in_BKN * bit_BK[..., None]).sum(1).to(torch.uint8))
    rows_BH, columns_BW = inside
    torch.bitwise_and(rows_BH[:, :, None], columns_BW[:, None], out=covered_BHW)


def _round_at_random(value: Tensor, generator: Generator | None) -> Tensor:
    """Whole numbers whose mean is the value."""
    return (value + torch.rand(value.shape, generator=generator)).floor()


def _draw_lines_(covered_BN: Tensor, size, degradation: Degradation, generator) -> None:
    """Write 1 along lines between two random points, 1 or 2 pixels wide."""
    B, (H, W) = len(covered_BN), size
    num_B1 = _uniform((B, 1), degradation.num_lines, generator).floor()
    L = math.ceil(degradation.num_lines[1])
    end_2BL2 = torch.rand((2, B, L, 2), generator=generator)
    end_2BL2 *= torch.tensor([H - 1, W - 1])
    is_wide_BL = torch.rand((B, L), generator=generator) < 0.5
    pixel_BLU = line_pixels(end_2BL2, is_wide_BL, size)
    is_drawn_BL1 = (torch.arange(L) < num_B1)[..., None]
    pixel_BLU = pixel_BLU.where(is_drawn_BL1, torch.tensor(H * W))
    covered_BN.scatter_(1, pixel_BLU.flatten(1), 1)
