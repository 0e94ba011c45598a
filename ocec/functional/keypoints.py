"""Joints of persons in frames: which are missing, how they look in a crop or a mirror.

Shapes: N clips, P persons, K joints, T frames, axis 2 = (x, y). Pixel centres are whole
numbers. A box is x1, y1, x2, y2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def blank_missing(keypoint: Tensor, score: Tensor) -> tuple[Tensor, Tensor]:
    """Give joints that were not found zeros, so that every later step ignores them.

    Args:
        keypoint: (..., 2) x and y; both 0, or one of them NaN or infinite, says that a
            joint was not found.
        score: (...) of the joints; NaN or infinite counts as not found, too.

    Returns:
        ``(keypoint, score)`` of the same shapes, both zero where nothing was found.

    Example:
        >>> blank_missing(torch.tensor([[float('nan'), 3.0]]), torch.ones(1))
        (tensor([[0., 0.]]), tensor([0.]))
    """
    is_found = keypoint.isfinite().all(-1) & score.isfinite() & (keypoint != 0).any(-1)
    return keypoint.where(is_found[..., None], 0.0), score.where(is_found, 0.0)


def part_of_box(box_N4: Tensor, crop_N4: Tensor) -> Tensor:
    """Cut a part out of each box.

    Args:
        box_N4: (N, 4) in pixels.
        crop_N4: (N, 4) left, top, right and bottom of the part as shares of the box,
            in [0, 1].

    Returns:
        (N, 4) the parts in pixels.

    Example:
        >>> box = torch.tensor([[10.0, 20.0, 30.0, 60.0]])
        >>> part_of_box(box, torch.tensor([[0.5, 0.0, 1.0, 0.25]])).tolist()
        [[20.0, 20.0, 30.0, 30.0]]
    """
    start_N22 = box_N4[:, None, :2]
    extent_N12 = (box_N4[:, 2:] - box_N4[:, :2])[:, None]
    return (start_N22 + crop_N4.unflatten(1, (2, 2)) * extent_N12).flatten(1)


def map_points(keypoint_NPTK2: Tensor, box_N4: Tensor, size: tuple[int, int]) -> Tensor:
    """Move joints from the frame to a picture of a box.

    The corner of the box is pixel 0 of the picture, and coordinates are multiplied,
    as heatmaps are made of them everywhere.

    Args:
        keypoint_NPTK2: (N, ..., 2) x and y in pixels of the frame.
        box_N4: (N, 4) in pixels of the frame, not empty.
        size: (H, W) of the picture in pixels.

    Returns:
        (N, ..., 2) x and y in pixels of the picture; beyond it for joints beyond the
        box.

    Example:
        >>> box = torch.tensor([[10.0, 10.0, 30.0, 20.0]])
        >>> map_points(torch.tensor([[20.0, 15.0]]), box, (10, 40)).tolist()
        [[20.0, 5.0]]
    """
    shape = (-1, *(1,) * (keypoint_NPTK2.ndim - 2), 2)
    extent_N2 = box_N4[:, 2:] - box_N4[:, :2]
    scale_N2 = extent_N2.new_tensor([size[1], size[0]]) / extent_N2
    return (keypoint_NPTK2 - box_N4[:, :2].view(shape)) * scale_N2.view(shape)


def flip_points(
    keypoint_NPTK2: Tensor,
    score_NPTK: Tensor,
    is_flipped_N: Tensor,
    *,
    flip_order: Sequence[int],
    width: int,
) -> tuple[Tensor, Tensor]:
    """Mirror the joints of the chosen clips left to right.

    A mirrored left hand is a right hand: the joints of each pair change places. x
    becomes ``width - 1 - x``, where a mirrored array has it.

    Args:
        keypoint_NPTK2: (N, P, T, K, 2) x and y in pixels of the picture.
        score_NPTK: (N, P, T, K).
        is_flipped_N: (N,) bool on the same device.
        flip_order: K numbers, the joint that each joint of a mirrored body was.
        width: of the picture in pixels.

    Returns:
        ``(keypoint, score)`` of the same shapes.

    Raises:
        ValueError: there are not as many joints as the order has.
    """
    if len(flip_order) != keypoint_NPTK2.shape[-2]:
        raise ValueError(
            f'flip_order is of {len(flip_order)} joints, the keypoints have '
            f'{keypoint_NPTK2.shape[-2]}'
        )
    is_flipped_N111 = is_flipped_N.view(-1, 1, 1, 1)
    x_NPTK, y_NPTK = keypoint_NPTK2[..., flip_order, :].unbind(-1)
    mirrored_NPTK2 = torch.stack((width - 1 - x_NPTK, y_NPTK), -1)
    return (
        mirrored_NPTK2.where(is_flipped_N111[..., None], keypoint_NPTK2),
        score_NPTK[..., flip_order].where(is_flipped_N111, score_NPTK),
    )
