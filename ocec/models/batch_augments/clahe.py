"""Adaptive histogram equalisation of a few images of the batch."""

import torch
from torch import Tensor, nn

from ocec.functional.clahe import clahe_lab
from ocec.functional.color_planes import check_rgb_batch, host_to_device
from ocec.registry import BATCH_AUGMENTS

# B images, C = 3 channels, H, W = height, width


@BATCH_AUGMENTS.register_module()
class BatchRandomCLAHE(nn.Module):
    """Equalise the LAB lightness of each image with one probability.

    The draws come from torch's CPU generator, so that a seed gives the same choice
    on every device, and only the chosen images are worked on.

    Args:
        prob: probability that an image is equalised, in [0, 1].
        clip_limit: see :func:`ocec.functional.clahe.clahe_lab`; >= 0.
        grid: (rows, columns) of tiles, each >= 1.
        inplace: overwrite float32 images instead of copying the batch for the few
            that change. :class:`ImagePreprocessor` sets it for all but its first
            augmentation.

    Raises:
        ValueError: an argument is out of range.
    """

    # 4 x 4: at 32 x 64 a tile has 8 x 16 pixels, with 8 x 8 it would be 4 x 8
    def __init__(
        self,
        prob: float = 0.01,
        clip_limit: float = 2.0,
        *,
        grid: tuple[int, int] = (4, 4),
        inplace: bool = False,
    ) -> None:
        super().__init__()
        if not 0 <= prob <= 1:
            raise ValueError(f'prob must be in [0, 1], got {prob}')
        if not clip_limit >= 0:
            raise ValueError(f'clip_limit must be >= 0, got {clip_limit}')
        if len(grid) != 2 or min(grid) < 1:
            raise ValueError(f'grid must be two counts >= 1, got {grid}')
        self.prob = prob
        self.clip_limit = clip_limit
        self.grid = tuple(grid)
        self.inplace = inplace

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Equalise a random subset.

        Args:
            x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32, any memory
                format; left untouched, unless ``inplace``.

        Returns:
            (B, 3, H, W) float32 in the same memory format, fresh unless ``inplace``;
            equalised images hold whole levels, the others their values.

        Raises:
            ValueError: no RGB batch.
            TypeError: the images are neither uint8 nor float32.
        """
        check_rgb_batch(x_BCHW)
        out_BCHW = x_BCHW.to(torch.float32, copy=not self.inplace)
        chosen = (torch.rand(len(x_BCHW)) < self.prob).nonzero().flatten()
        if len(chosen) == 0:
            return out_BCHW
        chosen = host_to_device(chosen, x_BCHW.device)
        images = x_BCHW.index_select(0, chosen)
        equalized = clahe_lab(images, self.clip_limit, grid=self.grid)
        return out_BCHW.index_copy_(0, chosen, equalized)
