"""Random bright spots, as light that glasses reflect, drawn per image."""

import torch
from torch import Tensor, nn

from ocec.functional.color_planes import MAX_LEVEL
from ocec.functional.per_image import change_chosen
from ocec.functional.reflection import add_light_spots
from ocec.models.batch_augments.draws import (
    check_counts,
    check_probability,
    check_range,
    spread,
    spread_counts,
)
from ocec.registry import BATCH_AUGMENTS

# B images, C = 3 channels, H, W = height, width, S = spots per image

MIDDLE_HALF = (0.25, 0.75)
MIN_SIGMA = 0.01  # a third of a pixel at height 32


@BATCH_AUGMENTS.register_module()
class BatchGlassesReflection(nn.Module):
    """Add a few white Gaussian spots to each image with one probability.

    Their centres are uniform over the middle half of the height and of the width.
    The draws come from torch's CPU generator, so that a seed gives the same spots on
    every device, and only the chosen images are worked on.

    Args:
        prob: probability that an image gets spots, in [0, 1].
        num_spots: (fewest, most) spots, whole numbers >= 1, each equally likely.
        sigma: (low, high) range of the standard deviation as a share of the image
            height, low >= 0.01; the default is 3 to 8 pixels at height 32.
        peak: (low, high) range of the levels added at a centre, in [0, 255].

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        prob: float = 0.2,
        num_spots: tuple[int, int] = (1, 3),
        *,
        sigma: tuple[float, float] = (3 / 32, 8 / 32),
        peak: tuple[float, float] = (12.0, 64.0),
    ) -> None:
        super().__init__()
        check_probability(prob)
        check_counts(num_spots, 'num_spots')
        check_range(sigma, 'sigma', lowest=MIN_SIGMA)
        check_range(peak, 'peak', lowest=0, highest=MAX_LEVEL)
        self.prob = prob
        self.num_spots = tuple(num_spots)
        self.sigma = tuple(sigma)
        self.peak = tuple(peak)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Add spots to a random subset.

        Args:
            x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32, any memory
                format; left untouched.

        Returns:
            (B, 3, H, W) float32 levels in [0, 255], not rounded, fresh,
            channels_last.

        Raises:
            ValueError: no RGB batch.
            TypeError: the images are neither uint8 nor float32.
        """
        B, S = len(x_BCHW), self.num_spots[1]
        decision_B, count_B = torch.rand(2, B)
        place_BS4 = torch.rand(B, S, 4)
        count_B1 = spread_counts(count_B, self.num_spots)[:, None]
        peak_BS = spread(place_BS4[..., 3], self.peak)
        return change_chosen(
            x_BCHW,
            decision_B < self.prob,
            add_light_spots,
            spread(place_BS4[..., :2], MIDDLE_HALF),
            spread(place_BS4[..., 2], self.sigma),
            peak_BS * (torch.arange(S) < count_B1),
        )
