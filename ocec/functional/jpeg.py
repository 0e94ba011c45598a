"""JPEG compression and decompression of a batch, without the bit stream.

Entropy coding loses nothing, so the picture that comes back is fixed by the steps
before it: colour conversion, coarser chroma, cosine transform of 8 x 8 blocks and
rounding. They follow libjpeg, roundings included, which OpenCV and Pillow use.

Shapes: B = images, C = 3 channels: RGB, then luma, blue and red chroma, P = channels
of one table, H, W = height, width, I, J = twice those, N = pixels or blocks, R, L =
rows and columns of blocks, Q = 64 values of a block, T = 2 tables.
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

MAX_QUALITY = 100
BLOCK_PX = 8
LEVEL_SHIFT = 128.0
# Annex K, tables K.1 (luma) and K.2 (chroma), row by row
BASE_TABLES_TQ = (
    (
        *(16, 11, 10, 16, 24, 40, 51, 61),
        *(12, 12, 14, 19, 26, 58, 60, 55),
        *(14, 13, 16, 24, 40, 57, 69, 56),
        *(14, 17, 22, 29, 51, 87, 80, 62),
        *(18, 22, 37, 56, 68, 109, 103, 77),
        *(24, 35, 55, 64, 81, 104, 113, 92),
        *(49, 64, 78, 87, 103, 121, 120, 101),
        *(72, 92, 95, 98, 112, 100, 103, 99),
    ),
    (
        *(17, 18, 24, 47, 99, 99, 99, 99),
        *(18, 21, 26, 66, 99, 99, 99, 99),
        *(24, 26, 56, 99, 99, 99, 99, 99),
        *(47, 66, 99, 99, 99, 99, 99, 99),
        *([99] * 32),
    ),
)
RGB_TO_YCC = (
    (0.299, 0.587, 0.114),
    (-0.168735892, -0.331264108, 0.5),
    (0.5, -0.418687589, -0.081312411),
)
YCC_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136286, -0.714136286), (1.0, 1.772, 0.0))
# libjpeg rounds a half of chroma down, by one unit of its 16-bit fixed point
BELOW_HALF = 0.5 - 2**-16


def jpeg_round_trip(
    x_BCHW: Tensor, quality_B: Tensor, *, subsample_chroma: bool = True
) -> Tensor:
    """Compress each image with its own quality and decompress it.

    A size that is no multiple of the coding unit (16 pixels, 8 without subsampling)
    is padded by its last row and column, and cut again.

    Args:
        x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32, any memory
            format; left untouched, rounded first.
        quality_B: (B,) on the CPU, whole numbers in [1, 100], as libjpeg's.
        subsample_chroma: keep one chroma value for 2 x 2 pixels (4:2:0, the default
            of libjpeg and OpenCV); False keeps all (4:4:4).

    Returns:
        (B, 3, H, W) float32, whole levels in [0, 255], fresh, channels_last.

    Raises:
        ValueError: no RGB batch (a wrong dtype is a TypeError), or qualities of the
            wrong shape, place or range.

    Source:
        ITU-T T.81 (1992), A.3.3, A.3.4 and Annex K; libjpeg 6b ``jccolor``,
        ``jcsample``, ``jcparam``, ``jdsample``, ``jdcolor``.
    """
    check_per_image(x_BCHW, quality_B, 'quality_B', bounds=(1, MAX_QUALITY))
    B, C, H, W = x_BCHW.shape
    tables_TBQ = host_to_device(quantization_tables(quality_B), x_BCHW.device)
    # half precision cannot hold the coefficients
    with torch.autocast(x_BCHW.device.type, enabled=False):
        planes_CBHW = _to_ycc(split_planes(x_BCHW)).view(C, B, H, W)
        luma_PBHW, chroma_PBHW = planes_CBHW[:1], planes_CBHW[1:]
        if subsample_chroma:
            chroma_PBHW = _halve(chroma_PBHW)
        luma_PBHW = _quantize(luma_PBHW, tables_TBQ[0])
        chroma_PBHW = _quantize(chroma_PBHW, tables_TBQ[1])
        if subsample_chroma:
            # the edge that upsampling repeats is the picture's, not the padding's
            chroma_PBHW = _double(chroma_PBHW[..., : (W + 1) // 2])[..., :H, :W]
        planes_CBHW = torch.cat((luma_PBHW, chroma_PBHW))
        return merge_planes(_to_rgb(planes_CBHW.flatten(2)), (H, W))


def quantization_tables(quality_B: Tensor) -> Tensor:
    """Scale the tables of Annex K as libjpeg does.

    Args:
        quality_B: (B,) in [1, 100]; 50 leaves the tables, 100 makes all steps 1.

    Returns:
        (2, B, 64) float32, steps in [1, 255] for luma and for chroma.

    Source:
        libjpeg 6b ``jpeg_quality_scaling`` and ``jpeg_add_quant_table``.
    """
    quality_B = quality_B.double()
    percent_B = (5000 / quality_B).floor().where(quality_B < 50, 200 - 2 * quality_B)
    base_TQ = torch.tensor(BASE_TABLES_TQ, dtype=torch.float64)
    steps_TBQ = (base_TQ[:, None] * percent_B[:, None] + 50).div(100).floor()
    return steps_TBQ.clamp(1, 255).float()


def _to_ycc(rgb_CBN: Tensor) -> Tensor:
    # luma and chroma about 0, rounded
    rgb_CBN.round_().clamp_(0, MAX_LEVEL)
    rounding_C = (0.5 - LEVEL_SHIFT, BELOW_HALF, BELOW_HALF)
    return _mix_channels(rgb_CBN, RGB_TO_YCC, rounding_C).floor_()


def _to_rgb(ycc_CBN: Tensor) -> Tensor:
    rgb_CBN = _mix_channels(ycc_CBN, YCC_TO_RGB, (LEVEL_SHIFT + 0.5,) * 3)
    return rgb_CBN.floor_().clamp_(0, MAX_LEVEL)


def _mix_channels(x_CBN: Tensor, matrix: tuple, offset: tuple) -> Tensor:
    matrix_CC = _constant(matrix, x_CBN.device)
    offset_C1 = _constant(offset, x_CBN.device)[:, None]
    return torch.addmm(offset_C1, matrix_CC, x_CBN.flatten(1)).view(x_CBN.shape)


@functools.lru_cache(maxsize=32)
def _constant(values: tuple, device: torch.device) -> Tensor:
    # made once: a copy from the host would wait for the device in every batch
    return torch.tensor(values, device=device)


def _pad(x_CBHW: Tensor, rows_px: int, columns_px: int) -> Tensor:
    # repeat the last row and column up to the next multiples
    bottom, right = -x_CBHW.shape[2] % rows_px, -x_CBHW.shape[3] % columns_px
    if not (bottom or right):
        return x_CBHW
    return F.pad(x_CBHW, (0, right, 0, bottom), mode='replicate')


def _halve(x_PBHW: Tensor) -> Tensor:
    # mean of 2 x 2; the halves go down and up by turns from column to column. Whole
    # blocks to the right, but not below, are padded before and not after
    x_PBHW = _pad(x_PBHW, 2, 2 * BLOCK_PX)
    # rows first, those are vectorised: a tenth of the time of avg_pool2d
    sum_PBHW = x_PBHW[..., ::2, :] + x_PBHW[..., 1::2, :]
    sum_PBHW = sum_PBHW[..., ::2] + sum_PBHW[..., 1::2]
    return sum_PBHW.add_(_alternate(1.0, 2.0, sum_PBHW)).div_(4).floor_()


def _double(x_PBHW: Tensor) -> Tensor:
    # libjpeg's "fancy" upsampling is bilinear, in sixteenths; as two products it
    # takes a quarter of the time of F.interpolate
    down_HI, across_WJ = (_doubling(s, x_PBHW.device) for s in x_PBHW.shape[2:])
    double_PBIJ = down_HI.T @ (x_PBHW @ across_WJ)
    return double_PBIJ.add_(_alternate(8 / 16, 7 / 16, double_PBIJ)).floor_()


@functools.lru_cache(maxsize=32)
def _doubling(size: int, device: torch.device) -> Tensor:
    # (size, 2 * size): share of each old value in each new one
    unit = torch.eye(size, device=device)[None]
    return F.interpolate(unit, scale_factor=2, mode='linear')[0]


def _alternate(even: float, odd: float, like_PBHW: Tensor) -> Tensor:
    columns = torch.arange(like_PBHW.shape[-1], device=like_PBHW.device)
    return even + (odd - even) * (columns % 2)


def _quantize(x_PBHW: Tensor, table_BQ: Tensor) -> Tensor:
    # there and back through the coefficients, both ways rounded
    padded_PBHW = _pad(x_PBHW, BLOCK_PX, BLOCK_PX)
    blocks_PBRLQ = padded_PBHW.unflatten(3, (-1, BLOCK_PX))
    blocks_PBRLQ = blocks_PBRLQ.unflatten(2, (-1, BLOCK_PX))
    blocks_PBRLQ = blocks_PBRLQ.transpose(3, 4).flatten(4)
    shape = blocks_PBRLQ.shape[:4]
    transform_QQ = _block_transform(x_PBHW.device)
    coef_PBNQ = (blocks_PBRLQ.flatten(2, 3) @ transform_QQ.T).div_(table_BQ[:, None])
    # halves away from 0: flat blocks of odd levels lie on one at many qualities
    sign_PBNQ = coef_PBNQ.sign()
    coef_PBNQ.abs_().add_(0.5).floor_().mul_(sign_PBNQ)
    blocks_PBNQ = coef_PBNQ.mul_(table_BQ[:, None]) @ transform_QQ
    blocks_PBNQ.add_(0.5).floor_().clamp_(-LEVEL_SHIFT, MAX_LEVEL - LEVEL_SHIFT)
    blocks = blocks_PBNQ.view(*shape, BLOCK_PX, BLOCK_PX).transpose(3, 4)
    H, W = x_PBHW.shape[2:]
    return blocks.reshape(padded_PBHW.shape)[..., :H, :W]


@functools.lru_cache(maxsize=8)
def _block_transform(device: torch.device) -> Tensor:
    # (64, 64): the orthonormal cosine transform of rows and columns as one matrix
    place = torch.arange(BLOCK_PX, dtype=torch.float64)
    frequency = place[:, None]
    cosine = (math.pi / BLOCK_PX * (place + 0.5) * frequency).cos() / 2
    cosine[0] = math.sqrt(1 / BLOCK_PX)
    return torch.kron(cosine, cosine).float().to(device)
