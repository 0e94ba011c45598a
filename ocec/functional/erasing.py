"""Erase a rectangle of each image.

Shapes: B = images, C = 3 channels (RGB), H, W = height, width, N = H * W pixels,
S = images with a box, P = pixels of all boxes, T = tries.
"""

import torch
from torch import Tensor

from ocec.functional.color_planes import MAX_LEVEL, check_rgb_batch, host_to_device

NAMED_FILLS = ('mean', 'random')


def check_erasing_fill(fill: int | str) -> None:
    """Refuse what no box can be filled with.

    Args:
        fill: ``mean``, ``random`` or a whole level in [0, 255].

    Raises:
        ValueError: the fill is none of these.
    """
    if fill in NAMED_FILLS:
        return
    is_level = not isinstance(fill, str) and 0 <= fill <= MAX_LEVEL
    if not is_level or int(fill) != fill:
        raise ValueError(
            f"fill must be 'mean', 'random' or a whole level in [0, 255], got {fill!r}"
        )


def fit_boxes(
    area_TB: Tensor, aspect_TB: Tensor, place_2B: Tensor, *, size: tuple[int, int]
) -> Tensor:
    """Turn areas and aspect ratios into boxes that lie inside the image.

    Args:
        area_TB: (T, B) shares of the image, in (0, 1); of the T tries of an image the
            first that fits is taken.
        aspect_TB: (T, B) height / width in pixels, > 0.
        place_2B: (2, B) float64 in [0, 1): where the box lies in the room it has, from
            the top and from the left.
        size: (H, W) of the images in pixels.

    Returns:
        (4, B) int64: top, left, height and width in pixels, height < H and
        width < W; all zero where no try fits.

    Source:
        Zhong et al., Random Erasing Data Augmentation, Algorithm 1,
        arXiv:1708.04896.

    Example:
        >>> half = torch.tensor([[0.5]])
        >>> fit_boxes(half, 2 * half, torch.zeros(2, 1), size=(6, 12)).flatten()
        tensor([0, 0, 0, 0])
        >>> fit_boxes(half / 2, half, torch.zeros(2, 1), size=(6, 12)).flatten()
        tensor([0, 0, 3, 6])
    """
    H, W = size
    pixels_TB = area_TB * (H * W)
    height_TB = (pixels_TB * aspect_TB).sqrt().round().clamp(min=1)
    width_TB = (pixels_TB / aspect_TB).sqrt().round().clamp(min=1)
    fits_TB = (height_TB < H) & (width_TB < W)
    _, first_1B = fits_TB.max(0, keepdim=True)
    lengths_2TB = torch.stack((height_TB, width_TB)) * fits_TB
    length_2B = lengths_2TB.gather(1, first_1B.expand(2, 1, -1))[:, 0].long()
    room_2B = torch.tensor([[H], [W]]) - length_2B
    start_2B = (place_2B * (room_2B + 1)).long() * (length_2B > 0)
    return torch.cat((start_2B, length_2B))


def erase_boxes(x_BCHW: Tensor, box_4B: Tensor, *, fill: int | str = 'mean') -> Tensor:
    """Overwrite one box of each image.

    Args:
        x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32, any memory
            format, any device; left untouched.
        box_4B: (4, B) int64 on the CPU: top, left, height and width in pixels, inside
            the image; zero height or width erases nothing.
        fill: ``mean``: the mean colour of the image before, to the nearest level;
            ``random``: whole levels, uniform, for each channel of each pixel, from
            torch's CPU generator; or one whole level in [0, 255].

    Returns:
        (B, 3, H, W) of the same dtype, fresh; channels_last stays channels_last,
        anything else becomes contiguous.

    Raises:
        ValueError: no RGB batch (a wrong dtype is a TypeError), an unknown fill, or
            boxes of the wrong shape or outside the image.

    Source:
        Zhong et al., Random Erasing Data Augmentation, section 3.2,
        arXiv:1708.04896.

    Example:
        >>> box = torch.tensor([[0], [1], [1], [1]])
        >>> erase_boxes(torch.ones(1, 3, 1, 2), box, fill=7)[0, 0].tolist()
        [[1.0, 7.0]]
    """
    check_rgb_batch(x_BCHW)
    check_erasing_fill(fill)
    B, C, H, W = x_BCHW.shape
    _check_boxes(box_4B, x_BCHW)
    is_interleaved = x_BCHW.is_contiguous(memory_format=torch.channels_last)
    memory_format = torch.channels_last if is_interleaved else torch.contiguous_format
    out_BCHW = x_BCHW.clone(memory_format=memory_format)
    image_S = (box_4B[2:] > 0).all(0).nonzero().flatten()
    if len(image_S) == 0:
        return out_BCHW
    # the boxes are host data, so the device is not asked which pixels they hold
    box_P, pixel_P = _box_pixels(box_4B[:, image_S], (H, W))
    indices = host_to_device(
        torch.stack((image_S[box_P], pixel_P, box_P)), x_BCHW.device
    )
    out_BNC = out_BCHW.view(B, C, H * W).transpose(1, 2)
    if fill == 'mean':
        image_S = host_to_device(image_S, x_BCHW.device)
        values = _mean_levels(x_BCHW, image_S)[indices[2]]
    elif fill == 'random':
        noise_PC = torch.randint(int(MAX_LEVEL) + 1, (len(pixel_P), C)).byte()
        values = host_to_device(noise_PC, x_BCHW.device).to(x_BCHW.dtype)
    else:
        values = torch.full((), fill, dtype=x_BCHW.dtype, device=x_BCHW.device)
    out_BNC[indices[0], indices[1]] = values
    return out_BCHW


def _box_pixels(box_4S: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Number of the box and of the pixel in its image, (P,) each."""
    H, W = size
    top_S1, left_S1, height_S1, width_S1 = box_4S[..., None]
    row_SH = torch.arange(H) - top_S1
    column_SW = torch.arange(W) - left_S1
    in_row_SH = (row_SH >= 0) & (row_SH < height_S1)
    in_column_SW = (column_SW >= 0) & (column_SW < width_S1)
    is_inside_SHW = in_row_SH[:, :, None] & in_column_SW[:, None]
    return is_inside_SHW.flatten(1).nonzero(as_tuple=True)


def _mean_levels(x_BCHW: Tensor, image_S: Tensor) -> Tensor:
    """Mean of each channel of some images to the nearest level, (S, C)."""
    # float64: the devices add in different orders, and a sum at a half could part
    mean_SC = x_BCHW.index_select(0, image_S).mean((2, 3), dtype=torch.float64)
    return mean_SC.round().to(x_BCHW.dtype)


def _check_boxes(box_4B: Tensor, x_BCHW: Tensor) -> None:
    B, _, H, W = x_BCHW.shape
    if box_4B.shape != (4, B):
        raise ValueError(
            f'box_4B must have shape (4, {B}), top, left, height and width of each '
            f'image, got {tuple(box_4B.shape)}'
        )
    end_2B = box_4B[:2] + box_4B[2:]
    is_bad_B = (box_4B < 0).any(0) | (end_2B > torch.tensor([[H], [W]])).any(0)
    if is_bad_B.any():
        raise ValueError(
            f'box_4B must lie inside {H} x {W} pixels, got top, left, height, width '
            f'{box_4B[:, is_bad_B.nonzero()[0, 0]].tolist()}'
        )
