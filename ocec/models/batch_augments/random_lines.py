"""Random straight lines, drawn per image."""

import torch
from torch import Tensor, nn

from ocec.functional.color_planes import MAX_LEVEL, check_rgb_batch
from ocec.functional.lines import draw_lines
from ocec.models.batch_augments.draws import (
    check_counts,
    check_probability,
    spread_counts,
)
from ocec.registry import BATCH_AUGMENTS

# B images, C = 3 channels, H, W = height, width, L = lines

# a line is one or two pixels wide
WIDE_SHARE = 0.5


@BATCH_AUGMENTS.register_module()
class BatchRandomLines(nn.Module):
    """Draw lines between random points, 1 or 2 pixels wide, over each image.

    The draws come from torch's CPU generator, so that a seed gives the same lines on
    every device.

    Args:
        num_lines: (fewest, most) lines, whole numbers >= 0, each equally likely.
        prob: probability that an image gets lines, in [0, 1].
        level: grey level of the lines, in [0, 255].

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        num_lines: tuple[int, int] = (1, 2),
        prob: float = 0.5,
        *,
        level: float = 0.0,
    ) -> None:
        super().__init__()
        check_counts(num_lines, 'num_lines', lowest=0)
        check_probability(prob)
        if not 0 <= level <= MAX_LEVEL:
            raise ValueError(f'level must be in [0, {MAX_LEVEL:g}], got {level}')
        self.num_lines = tuple(num_lines)
        self.prob = prob
        self.level = level

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Draw lines over a random subset.

        Args:
            x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32, any memory
                format; left untouched.

        Returns:
            (B, 3, H, W) of the same dtype, fresh.

        Raises:
            ValueError: no RGB batch.
            TypeError: the images are neither uint8 nor float32.
        """
        check_rgb_batch(x_BCHW)
        lines = self.draw(len(x_BCHW), x_BCHW.shape[2:])
        return draw_lines(x_BCHW, *lines, level=self.level)

    def draw(
        self, num_images: int, size: tuple[int, int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Draw the lines of a batch.

        Args:
            num_images: B, >= 1.
            size: (H, W) in pixels.

        Returns:
            (2, B, L, 2) float32 ends in pixels, (B, L) bool whether a line is two
            pixels wide, and (B, L) bool whether it is drawn.
        """
        L = self.num_lines[1]
        decision_B, count_B = torch.rand(2, num_images)
        end_2BL2 = torch.rand(2, num_images, L, 2) * (torch.tensor(size) - 1)
        is_wide_BL = torch.rand(num_images, L) < WIDE_SHARE
        num_B = spread_counts(count_B, self.num_lines) * (decision_B < self.prob)
        return end_2BL2, is_wide_BL, torch.arange(L) < num_B[:, None]
