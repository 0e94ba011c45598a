"""Horizontal flip of a random half of the batch."""

import torch
from torch import Tensor, nn

from ocec.functional.flip import flip_horizontally
from ocec.registry import BATCH_AUGMENTS

# B images, C = 3 channels, H, W = height, width


@BATCH_AUGMENTS.register_module()
class BatchRandomFlip(nn.Module):
    """Mirror each image left to right with one probability, drawn per image.

    The draws come from torch's CPU generator, so that a seed gives the same flips
    on every device.

    Args:
        prob: probability that an image is flipped, in [0, 1].

    Raises:
        ValueError: prob is out of range.

    Example:
        >>> x = torch.tensor([1, 2], dtype=torch.uint8).expand(1, 3, 1, 2)
        >>> BatchRandomFlip(prob=1.0)(x)[0, 0].tolist()
        [[2, 1]]
    """

    def __init__(self, prob: float = 0.5) -> None:
        super().__init__()
        if not 0 <= prob <= 1:
            raise ValueError(f'prob must be in [0, 1], got {prob}')
        self.prob = prob

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Flip a random subset.

        Args:
            x_BCHW: (B, 3, H, W) uint8 or float32, any memory format; left untouched.

        Returns:
            (B, 3, H, W) of the same dtype, fresh; channels_last stays channels_last.

        Raises:
            ValueError: no RGB batch.
            TypeError: the images are neither uint8 nor float32.
        """
        return flip_horizontally(x_BCHW, torch.rand(len(x_BCHW)) < self.prob)
