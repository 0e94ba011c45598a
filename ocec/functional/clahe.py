"""Contrast-limited adaptive histogram equalisation, in torch on any device.

Shapes: B = images, C = 3 channels, H, W = height, width in pixels, T = tiles,
K = 256 levels, N = values of one image.
"""

import functools

import torch
from torch import Tensor

from ocec.functional.color_planes import check_rgb_batch
from ocec.functional.lab_color import lab8_to_rgb, rgb_to_lab8

NUM_LEVELS = 256


def clahe_lab(
    x_BCHW: Tensor, clip_limit: float = 2.0, *, grid: tuple[int, int] = (4, 4)
) -> Tensor:
    """Equalise the LAB lightness of each image, the colour stays.

    Args:
        x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32; rounded.
        clip_limit: highest bin of a tile's histogram in multiples of the mean bin,
            >= 0; 0 does not clip.
        grid: (rows, columns) of tiles, each >= 1.

    Returns:
        (B, 3, H, W) float32, whole levels in [0, 255].

    Raises:
        ValueError: no RGB batch, or clip_limit or grid is out of range.
        TypeError: the images are neither uint8 nor float32.

    Source:
        OpenCV 5.0 ``createCLAHE`` on channel 0 of ``COLOR_RGB2LAB``.
    """
    check_rgb_batch(x_BCHW)
    lab_BCHW = rgb_to_lab8(x_BCHW)
    light_BHW = lab_BCHW[:, 0].long()
    lab_BCHW[:, 0] = equalize_tiles(light_BHW, clip_limit, grid=grid)
    return lab8_to_rgb(lab_BCHW)


def equalize_tiles(
    level_BHW: Tensor, clip_limit: float = 2.0, *, grid: tuple[int, int] = (4, 4)
) -> Tensor:
    """Equalise each tile's histogram, blend between the tiles' centres.

    A size that the grid does not divide is mirrored to the right and below, without
    the border pixel, up to the next multiple. As in OpenCV the other side then grows
    too, by one pixel per tile if it needs nothing.

    Args:
        level_BHW: (B, H, W) int64 in [0, 255].
        clip_limit: highest bin of a tile's histogram in multiples of the mean bin,
            >= 0; 0 does not clip.
        grid: (rows, columns) of tiles, each >= 1.

    Returns:
        (B, H, W) int64 in [0, 255].

    Raises:
        ValueError: clip_limit or grid is out of range.

    Source:
        OpenCV 5.0 ``createCLAHE``; Zuiderveld, Graphics Gems IV, 1994, VIII.5.

    Example:
        >>> x = torch.tensor([[[10, 10], [10, 20]]])
        >>> equalize_tiles(x, 0.0, grid=(1, 1))  # 3 of 4 pixels are <= 10
        tensor([[[191, 191],
                 [191, 255]]])
    """
    if not clip_limit >= 0:
        raise ValueError(f'clip_limit must be >= 0, got {clip_limit}')
    if min(grid) < 1:
        raise ValueError(f'grid must be at least 1 x 1 tiles, got {grid}')
    padded_BHW = _pad_to_grid(level_BHW, grid)
    tile_size = (padded_BHW.shape[1] // grid[0], padded_BHW.shape[2] // grid[1])
    hist_BTK = _tile_histograms(padded_BHW, grid, tile_size)
    area = tile_size[0] * tile_size[1]
    if clip_limit > 0:
        limit = max(int(clip_limit * area / NUM_LEVELS), 1)
        hist_BTK = _clip_histograms(hist_BTK, limit)
    scale = torch.tensor(255.0).div(area).item()  # rounded to float32, as there
    table_BTK = (hist_BTK.cumsum(-1).float() * scale).round_().clamp_(0, 255)
    return _look_up(level_BHW, table_BTK, grid, tile_size)


def _pad_to_grid(level_BHW: Tensor, grid: tuple[int, int]) -> Tensor:
    H, W = level_BHW.shape[1:]
    rows, cols = grid
    if H % rows == 0 and W % cols == 0:
        return level_BHW
    source_H = _mirror_index(H, rows - H % rows, level_BHW.device)
    source_W = _mirror_index(W, cols - W % cols, level_BHW.device)
    return level_BHW[:, source_H[:, None], source_W]


def _mirror_index(size: int, extra: int, device: torch.device) -> Tensor:
    last = size - 1
    index = torch.arange(size + extra, device=device)
    return last - (last - index % max(2 * last, 1)).abs() if last else index * 0


def _tile_histograms(
    level_BHW: Tensor, grid: tuple[int, int], tile_size: tuple[int, int]
) -> Tensor:
    B, H, W = level_BHW.shape
    first_bin_HW = _first_bins((H, W), grid, tile_size, level_BHW.device)
    bin_BN = (level_BHW + first_bin_HW).flatten(1)
    num_tiles = grid[0] * grid[1]
    hist_BN = bin_BN.new_zeros(B, num_tiles * NUM_LEVELS)
    hist_BN.scatter_add_(1, bin_BN, torch.ones_like(bin_BN))
    return hist_BN.view(B, num_tiles, NUM_LEVELS)


def _clip_histograms(hist_BTK: Tensor, limit: int) -> Tensor:
    clipped_BTK = hist_BTK.clamp(max=limit)
    excess_BT1 = (hist_BTK - clipped_BTK).sum(-1, keepdim=True)
    rest_BT1 = excess_BT1 % NUM_LEVELS
    # what does not divide evenly goes to every step-th level, from 0 up
    step_BT1 = NUM_LEVELS // rest_BT1.clamp(min=1)
    level_K = torch.arange(NUM_LEVELS, device=hist_BTK.device)
    is_given_BTK = (level_K % step_BT1 == 0) & (level_K < rest_BT1 * step_BT1)
    return clipped_BTK + excess_BT1 // NUM_LEVELS + is_given_BTK


def _look_up(
    level_BHW: Tensor,
    table_BTK: Tensor,
    grid: tuple[int, int],
    tile_size: tuple[int, int],
) -> Tensor:
    size = tuple(level_BHW.shape[1:])
    first_4HW, down_H1, along_W = _corners(size, grid, tile_size, level_BHW.device)
    index_B4HW = first_4HW + level_BHW[:, None]
    value_BN = table_BTK.flatten(1).gather(1, index_B4HW.flatten(1))
    corners = value_BN.view(index_B4HW.shape).unbind(1)
    upper_BHW = corners[0] * (1 - along_W) + corners[1] * along_W
    lower_BHW = corners[2] * (1 - along_W) + corners[3] * along_W
    mixed_BHW = upper_BHW * (1 - down_H1) + lower_BHW * down_H1
    return mixed_BHW.round_().clamp_(0, 255).long()


# The two below depend on sizes only and take half of the time of a small batch.
@functools.lru_cache(maxsize=32)
def _first_bins(
    size: tuple[int, int],
    grid: tuple[int, int],
    tile_size: tuple[int, int],
    device: torch.device,
) -> Tensor:
    # (H, W): number of the first histogram bin of each pixel's tile
    row_H = torch.arange(size[0], device=device) // tile_size[0]
    col_W = torch.arange(size[1], device=device) // tile_size[1]
    return (row_H[:, None] * grid[1] + col_W) * NUM_LEVELS


@functools.lru_cache(maxsize=32)
def _corners(
    size: tuple[int, int],
    grid: tuple[int, int],
    tile_size: tuple[int, int],
    device: torch.device,
) -> tuple[Tensor, Tensor, Tensor]:
    # (4, H, W) first table entry of the tiles around each pixel, (H, 1) share of the
    # lower ones, (W,) share of the right ones
    top_H, bottom_H, down_H = _neighbours(size[0], grid[0], tile_size[0], device)
    left_W, right_W, along_W = _neighbours(size[1], grid[1], tile_size[1], device)
    row_4H1 = torch.stack((top_H, top_H, bottom_H, bottom_H))[..., None]
    col_41W = torch.stack((left_W, right_W, left_W, right_W))[:, None]
    first_4HW = (row_4H1 * grid[1] + col_41W) * NUM_LEVELS
    return first_4HW, down_H[:, None], along_W


def _neighbours(
    size: int, num_tiles: int, tile_px: int, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    # tiles whose centres lie before and after each pixel, and the share of the latter
    place = torch.arange(size, device=device, dtype=torch.float32)
    place = place * torch.tensor(1.0).div(tile_px).item() - 0.5
    before = place.floor()
    share = place - before
    before = before.long()
    return before.clamp(min=0), (before + 1).clamp(max=num_tiles - 1), share
