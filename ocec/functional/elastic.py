"""Bend images smoothly, each by a field of its own.

Shapes: B images, C = 3 channels (RGB), H, W = height, width, K x K control points.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from ocec.functional.affine import PADDING_MODES
from ocec.functional.color_planes import check_rgb_batch, host_to_device
from ocec.functional.crop import check_fill


def bend(x_BCHW: Tensor, offset_B2KK: Tensor, *, fill: str = 'edge') -> Tensor:
    """Read each pixel from a place nearby; bilinear.

    Args:
        x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32, any memory
            format, any device, H and W >= 2; left untouched.
        offset_B2KK: (B, 2, K, K) on the CPU, pixels to the right and down that are
            read at control points spread over the whole image; bicubic in between.
        fill: what lies past the border, see :func:`ocec.functional.crop.check_fill`.

    Returns:
        (B, 3, H, W) float32 levels, not rounded, fresh.

    Raises:
        ValueError: no RGB batch (a wrong dtype is a TypeError), images of one row or
            column, an unknown fill, or offsets of another shape.

    Source:
        Simard et al., Best Practices for Convolutional Neural Networks, ICDAR 2003,
        with control points in place of a blurred field.
    """
    check_rgb_batch(x_BCHW)
    check_fill(fill)
    B, _, H, W = x_BCHW.shape
    if min(H, W) < 2:
        raise ValueError(f'x_BCHW must have 2 x 2 pixels or more, got {H} x {W}')
    if offset_B2KK.ndim != 4 or offset_B2KK.shape[:2] != (B, 2):
        raise ValueError(
            f'offset_B2KK must have shape ({B}, 2, K, K), got '
            f'{tuple(offset_B2KK.shape)}'
        )
    offset_B2KK = host_to_device(offset_B2KK.float(), x_BCHW.device)
    offset_B2HW = F.interpolate(offset_B2KK, (H, W), mode='bicubic', align_corners=True)
    # grid_sample counts from -1, the centre of the first pixel, to 1, of the last one
    unit_2 = torch.tensor([2 / (W - 1), 2 / (H - 1)], device=x_BCHW.device)
    column_W = torch.linspace(-1, 1, W, device=x_BCHW.device)
    row_H = torch.linspace(-1, 1, H, device=x_BCHW.device)
    place_2HW = torch.stack(torch.meshgrid(column_W, row_H, indexing='xy'))
    grid_B2HW = place_2HW + offset_B2HW * unit_2[:, None, None]
    return F.grid_sample(
        x_BCHW.float(),
        grid_B2HW.permute(0, 2, 3, 1),
        padding_mode=PADDING_MODES[fill],
        align_corners=True,
    )
