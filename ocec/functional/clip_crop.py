"""Crop, resize and mirror the frames of clips, one crop for all frames of a clip.

Shapes: N clips, T frames, H, W = height, width, C = 3 channels, A = attempts.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def resized_crops(
    share_3NA: Tensor,
    size: tuple[int, int],
    *,
    area_range: tuple[float, float],
    aspect_range: tuple[float, float],
) -> Tensor:
    """Turn random numbers into crops of random area and shape.

    The first attempt that fits into the frame is taken; if none does, the square in
    the middle.

    Args:
        share_3NA: (3, N, A) in [0, 1): of the range of areas, of the range of shapes
            (logarithmic), and of the places, left then top, in the first two columns.
        size: (H, W) of the frames in pixels.
        area_range: (low, high) of the area as a share of the frame, within (0, 1].
        aspect_range: (low, high) of width : height, > 0.

    Returns:
        (N, 4) int64: left, top, width, height in pixels.

    Raises:
        ValueError: a range is out of bounds, or there are fewer than two columns.

    Source:
        ``RandomResizedCrop`` of mmaction2 1.2.
    """
    _check_ranges(area_range, aspect_range)
    if share_3NA.ndim != 3 or share_3NA.shape[0] != 3 or share_3NA.shape[2] < 2:
        raise ValueError(
            f'share_3NA must have shape (3, N, A >= 2), got {tuple(share_3NA.shape)}'
        )
    H, W = size
    area_NA, shape_NA, place_NA = share_3NA.double()
    low, high = area_range
    area_NA = (low + (high - low) * area_NA) * (H * W)
    low, high = math.log(aspect_range[0]), math.log(aspect_range[1])
    aspect_NA = (low + (high - low) * shape_NA).exp()
    sides_2NA = torch.stack(
        ((area_NA * aspect_NA).sqrt(), (area_NA / aspect_NA).sqrt())
    )
    sides_2NA = sides_2NA.round().long().clamp(min=1)
    fits_NA = (sides_2NA[0] <= W) & (sides_2NA[1] <= H)
    first_N = fits_NA.int().argmax(1)
    sides_N2 = sides_2NA[:, torch.arange(len(first_N)), first_N].T
    room_N2 = torch.tensor([W, H]) - sides_N2
    start_N2 = (place_NA[:, :2] * (room_N2 + 1)).long()
    side = min(H, W)
    square = torch.tensor([(W - side) // 2, (H - side) // 2, side, side])
    return torch.cat((start_N2, sides_N2), 1).where(fits_NA.any(1)[:, None], square)


def resize_clips(
    clip_NTHWC: Tensor,
    size: tuple[int, int],
    *,
    crop_N4: Tensor | None = None,
    is_flipped_N: Tensor | None = None,
) -> Tensor:
    """Crop all frames of each clip, resize them (bilinear) and mirror some clips.

    Args:
        clip_NTHWC: (N, T, H, W, 3) uint8 or float levels; left untouched.
        size: (height, width) of the result in pixels.
        crop_N4: (N, 4) int64 on the CPU: left, top, width, height; None takes all.
        is_flipped_N: (N,) bool on the CPU, mirrored left to right; None mirrors none.

    Returns:
        (N, T, *size, 3) float32 levels, not rounded, fresh and contiguous.

    Raises:
        ValueError: no clips of colours, a crop that reaches beyond the frame, or not
            one crop and one flag per clip.

    Source:
        OpenCV ``resize`` with ``INTER_LINEAR`` on float levels.
    """
    if clip_NTHWC.ndim != 5 or clip_NTHWC.shape[-1] != 3:
        raise ValueError(
            f'clips must have shape (N, T, H, W, 3), got {tuple(clip_NTHWC.shape)}'
        )
    N, T, H, W, C = clip_NTHWC.shape
    if crop_N4 is None:
        crop_N4 = torch.tensor([0, 0, W, H]).expand(N, -1)
    if is_flipped_N is None:
        is_flipped_N = torch.zeros(N, dtype=torch.bool)
    _check_crops(crop_N4, is_flipped_N, (N, H, W))
    out_NTHWC = torch.empty(N, T, *size, C, device=clip_NTHWC.device)
    # clip by clip: 5 ms for 16 frames of 224 x 224 on one core, a grid for all takes 14
    parts = zip(clip_NTHWC, crop_N4.tolist(), is_flipped_N.tolist(), strict=True)
    for out_THWC, (clip_THWC, (left, top, width, height), is_flipped) in zip(
        out_NTHWC, parts, strict=True
    ):
        part_THWC = clip_THWC[:, top : top + height, left : left + width]
        if is_flipped:
            part_THWC = part_THWC.flip(2)
        if (height, width) != tuple(size):
            part_TCHW = part_THWC.permute(0, 3, 1, 2).float()
            resized_TCHW = F.interpolate(part_TCHW, size, mode='bilinear')
            part_THWC = resized_TCHW.permute(0, 2, 3, 1)
        out_THWC.copy_(part_THWC)
    return out_NTHWC


def _check_ranges(
    area_range: tuple[float, float], aspect_range: tuple[float, float]
) -> None:
    if len(area_range) != 2 or not 0 < area_range[0] <= area_range[1] <= 1:
        raise ValueError(
            'area_range must be (low, high) with 0 < low <= high <= 1, got '
            f'{area_range}'
        )
    if len(aspect_range) != 2 or not 0 < aspect_range[0] <= aspect_range[1]:
        raise ValueError(
            f'aspect_range must be (low, high) with 0 < low <= high, got {aspect_range}'
        )


def _check_crops(
    crop_N4: Tensor, is_flipped_N: Tensor, shape: tuple[int, int, int]
) -> None:
    N, H, W = shape
    if crop_N4.shape != (N, 4) or is_flipped_N.shape != (N,):
        raise ValueError(
            f'{N} clips need crops of shape ({N}, 4) and flags of ({N},), got '
            f'{tuple(crop_N4.shape)} and {tuple(is_flipped_N.shape)}'
        )
    left_N, top_N, width_N, height_N = crop_N4.unbind(1)
    is_within_N = (left_N >= 0) & (top_N >= 0) & (width_N > 0) & (height_N > 0)
    is_within_N &= (left_N + width_N <= W) & (top_N + height_N <= H)
    if not is_within_N.all():
        raise ValueError(
            f'crops must lie within {W} x {H} pixels, got '
            f'{crop_N4[~is_within_N][0].tolist()} (left, top, width, height)'
        )
