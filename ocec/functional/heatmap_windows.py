"""The pixels of a heatmap that a joint or a limb reaches.

Shapes: J joints or limbs, D pixels of a window along one axis, axis 2 = (x, y).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

#: flat indices and values of pixels, both of one shape
Patch = tuple[Tensor, Tensor]

REACH_SIGMAS = 3
#: ends of a limb that are nearer than this are one point, in pixels
MIN_LIMB_LENGTH = 1.0
#: of Gaussians: 1e-13; denormal numbers, far from a limb, take ten times as long
MIN_EXPONENT = -30.0
#: sides of the windows of limbs, in pixels; each takes the smallest that holds it
LIMB_WINDOWS = (6, 8, 11, 15, 20, 28, 40)


def point_patch(
    point_J2: Tensor,
    score_J: Tensor,
    pixel_J: Tensor,
    *,
    size: tuple[int, int],
    num_channels: int,
    sigma: float,
) -> Patch:
    """Compute the blobs of joints.

    Args:
        point_J2: (J, 2) float32, finite, in pixels of the map.
        score_J: (J,) float32, the height of the blob.
        pixel_J: (J,) int64, flat index of pixel (0, 0) of the joint's map.
        size: (H, W) of the map.
        num_channels: by how much the flat index grows from pixel to pixel.
        sigma: width of the Gaussian in pixels, > 0.

    Returns:
        ``(index, value)``, both (J, D, D); each index once for each joint.
    """
    reach = REACH_SIGMAS * sigma
    low_J2, high_J2 = (point_J2 - reach).trunc_(), (point_J2 + reach).trunc_()
    # the sum is the number of pixels that can lie in a window 2 reach wide; a little
    # more, as rounding may gain one where 2 reach is a whole number
    side = math.floor(2 * reach + 1e-3) + 2
    taps, levels = [], []
    for axis, length in enumerate((size[1], size[0])):
        low_J, high_J = low_J2[:, axis], high_J2[:, axis]
        tap_JD = _taps(low_J, side, length)
        level_JD = (tap_JD - point_J2[:, axis, None]).square_()
        level_JD = level_JD.mul_(-0.5 / sigma**2).exp_()
        levels.append(level_JD.mul_(_is_inside(tap_JD, low_J, high_J)))
        taps.append(tap_JD)
    value_JDD = (score_J[:, None] * levels[1])[:, :, None] * levels[0][:, None]
    return _flat_index(pixel_J, taps, size, num_channels), value_JDD


def limb_patches(
    end_J22: Tensor,
    score_J2: Tensor,
    pixel_J: Tensor,
    *,
    size: tuple[int, int],
    num_channels: int,
    sigma: float,
) -> list[Patch]:
    """Compute the ridges of limbs, the short ones in small windows.

    Args:
        end_J22: (J, 2, 2) float32, finite, both ends of each limb in pixels.
        score_J2: (J, 2) float32 of both ends; a limb with a zero is left out.
        pixel_J: (J,) int64, flat index of pixel (0, 0) of the limb's map.
        size: (H, W) of the map.
        num_channels: by how much the flat index grows from pixel to pixel.
        sigma: width of the Gaussian in pixels, > 0.

    Returns:
        ``(index, value)`` of each size of window, each index once for each limb.
    """
    is_point_J = (end_J22[:, 1] - end_J22[:, 0]).square().sum(-1) < MIN_LIMB_LENGTH**2
    level_J = score_J2.amin(1)
    # the other end plays no part in a limb that is a point, not even its score
    end_J22 = end_J22.where(~is_point_J[:, None, None], end_J22[:, :1])
    level_J = score_J2[:, 0].where(is_point_J & (level_J > 0), level_J)
    reach, last_2 = REACH_SIGMAS * sigma, end_J22.new_tensor([size[1], size[0]]) - 1
    low_J2 = (end_J22.amin(1) - reach).trunc_()
    high_J2 = (end_J22.amax(1) + reach).trunc_()
    extent_J2 = high_J2.clamp(max=last_2) - low_J2.clamp(min=0) + 1
    is_seen_J = (level_J > 0) & (extent_J2 > 0).all(1)
    patches = []
    for chosen_J, sides in _by_window(extent_J2, is_seen_J, size):
        low_2J, high_2J = low_J2[chosen_J].T, high_J2[chosen_J].T
        taps = [_taps(low_2J[a], sides[a], size[1 - a]) for a in (0, 1)]
        value_JDD = _ridge(end_J22[chosen_J], taps, sigma)
        x_JD, y_JD = map(_is_inside, taps, low_2J, high_2J)
        value_JDD.mul_(x_JD[:, None]).mul_((y_JD * level_J[chosen_J, None])[..., None])
        index_JDD = _flat_index(pixel_J[chosen_J], taps, size, num_channels)
        patches.append((index_JDD, value_JDD))
    return patches


def _by_window(
    extent_J2: Tensor, is_seen_J: Tensor, size: tuple[int, int]
) -> Iterator[tuple[Tensor, tuple[int, int]]]:
    """Group limbs by the window that holds them: their numbers, (width, height)."""
    sides = [*(side for side in LIMB_WINDOWS if side < max(size)), max(size)]
    side_2J = torch.bucketize(extent_J2, extent_J2.new_tensor(sides)).T
    window_J = (side_2J[0] * len(sides) + side_2J[1]).where(is_seen_J, len(sides) ** 2)
    # the host asks for the counts, once: windows of a few pixels are worth the wait
    counts = window_J.bincount(minlength=len(sides) ** 2)[: len(sides) ** 2].tolist()
    groups = window_J.argsort()[: sum(counts)].split(counts)
    for window, chosen_J in enumerate(groups):
        if len(chosen_J) > 0:
            yield chosen_J, (sides[window // len(sides)], sides[window % len(sides)])


def _ridge(end_J22: Tensor, taps: list[Tensor], sigma: float) -> Tensor:
    """Gaussian of the distance to the line between the ends, (J, D, D)."""
    start_J2 = end_J22[:, 0]
    along_J2 = end_J22[:, 1] - start_J2
    x_J1D = (taps[0] - start_J2[:, :1])[:, None]
    y_JD1 = (taps[1] - start_J2[:, 1:])[:, :, None]
    along_x_J11, along_y_J11 = along_J2[:, 0, None, None], along_J2[:, 1, None, None]
    # a limb that is a point has no direction: the share is 0 / 1
    squared_J11 = (along_x_J11.square() + along_y_J11.square()).clamp_(min=1e-12)
    share_JDD = x_J1D * (along_x_J11 / squared_J11) + y_JD1 * (
        along_y_J11 / squared_J11
    )
    share_JDD.clamp_(0, 1)
    off_x_JDD = torch.addcmul(x_J1D, share_JDD, along_x_J11, value=-1)
    off_y_JDD = torch.addcmul(y_JD1, share_JDD, along_y_J11, value=-1)
    squared_JDD = off_x_JDD.square_().add_(off_y_JDD.square_())
    return squared_JDD.mul_(-0.5 / sigma**2).clamp_(min=MIN_EXPONENT).exp_()


def _taps(low_J: Tensor, side: int, length: int) -> Tensor:
    """Pixels of windows that begin at ``low`` and lie within the map, (J, D)."""
    side = min(side, length)
    start_J = low_J.clamp(0, length - side)
    return start_J[:, None] + torch.arange(side, device=low_J.device)


def _is_inside(tap_JD: Tensor, low_J: Tensor, high_J: Tensor) -> Tensor:
    return (tap_JD >= low_J[:, None]) & (tap_JD <= high_J[:, None])


def _flat_index(
    pixel_J: Tensor, taps: list[Tensor], size: tuple[int, int], num_channels: int
) -> Tensor:
    column_JD = taps[0].long() * num_channels
    row_JD = taps[1].long() * (size[1] * num_channels) + pixel_J[:, None]
    return row_JD[:, :, None] + column_JD[:, None]
