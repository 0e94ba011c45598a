"""Random erasing of a rectangle, drawn per image."""

import math

import torch
from torch import Tensor, nn

from ocec.functional.color_planes import check_rgb_batch
from ocec.functional.erasing import check_erasing_fill, erase_boxes, fit_boxes
from ocec.models.batch_augments.draws import (
    check_probability,
    check_range,
    spread,
)
from ocec.registry import BATCH_AUGMENTS

# B images, C = 3 channels, H, W = height, width, T = tries

# as in torchvision; an image none of whose tries fits stays whole
NUM_TRIES = 10


@BATCH_AUGMENTS.register_module()
class BatchRandomErasing(nn.Module):
    """Overwrite a random rectangle of each image with one probability.

    The draws come from torch's CPU generator, so that a seed gives the same boxes
    and the same noise on every device.

    Args:
        prob: probability that an image loses a box, in [0, 1].
        area: (low, high) range of the share of the image, uniform, 0 < low,
            high < 1. Large areas that are too tall or too wide for the image are
            drawn anew, so they are rarer than small ones.
        aspect: (low, high) range of height / width in pixels, > 0; uniform in its
            logarithm, so that tall and wide are alike.
        fill: ``mean``: the image's own mean colour; ``random``: noise of uniform
            levels; or one whole level in [0, 255].

    Raises:
        ValueError: an argument is out of range.

    Source:
        Zhong et al., Random Erasing Data Augmentation, arXiv:1708.04896; the
        logarithm and the number of tries as in torchvision 0.29
        ``transforms.v2.RandomErasing``.
    """

    def __init__(
        self,
        prob: float = 0.25,
        area: tuple[float, float] = (0.02, 0.2),
        *,
        aspect: tuple[float, float] = (0.3, 3.3),
        fill: int | str = 'mean',
    ) -> None:
        super().__init__()
        check_probability(prob)
        check_range(area, 'area', lowest=0, highest=1)
        if area[0] == 0 or area[1] == 1:
            raise ValueError(f'area must be > 0 and < 1, got {area}')
        check_range(aspect, 'aspect', lowest=0)
        if aspect[0] == 0 or math.isinf(aspect[1]):
            raise ValueError(f'aspect must be > 0 and finite, got {aspect}')
        check_erasing_fill(fill)
        self.prob = prob
        self.area = tuple(area)
        self.aspect = tuple(aspect)
        self.fill = fill

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Erase a box of a random subset.

        Args:
            x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32, any memory
                format; left untouched.

        Returns:
            (B, 3, H, W) of the same dtype, fresh; channels_last stays channels_last.

        Raises:
            ValueError: no RGB batch.
            TypeError: the images are neither uint8 nor float32.
        """
        check_rgb_batch(x_BCHW)
        box_4B = self.draw(len(x_BCHW), x_BCHW.shape[2:])
        return erase_boxes(x_BCHW, box_4B, fill=self.fill)

    def draw(self, num_images: int, size: tuple[int, int]) -> Tensor:
        """Draw the boxes of a batch.

        Args:
            num_images: B, >= 1.
            size: (H, W) in pixels.

        Returns:
            (4, B) int64 on the CPU: top, left, height and width in pixels; all zero
            for images that stay.
        """
        is_erased_B = torch.rand(num_images) < self.prob
        area_TB, aspect_TB = torch.rand(2, NUM_TRIES, num_images)
        logarithms = (math.log(self.aspect[0]), math.log(self.aspect[1]))
        box_4B = fit_boxes(
            spread(area_TB, self.area),
            spread(aspect_TB, logarithms).exp(),
            torch.rand(2, num_images, dtype=torch.float64),
            size=size,
        )
        return box_4B * is_erased_B
