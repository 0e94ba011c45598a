"""Random power law on the levels, drawn per image."""

import torch
from torch import Tensor, nn

from ocec.functional.gamma import adjust_gamma
from ocec.functional.per_image import change_chosen
from ocec.models.batch_augments.draws import (
    check_probability,
    check_range,
    spread,
)
from ocec.registry import BATCH_AUGMENTS

# B images, C = 3 channels, H, W = height, width

# a smaller one turns every level into white or black
MIN_SETTING = 0.1


@BATCH_AUGMENTS.register_module()
class BatchRandomGamma(nn.Module):
    """Map the levels of each image by a power law with one probability.

    The draws come from torch's CPU generator, so that a seed gives the same settings
    on every device, and only the chosen images are worked on.

    Args:
        gamma: (low, high) range of the exponent, low >= 0.1; above 1 darkens.
        gain: (low, high) range of the factor, low >= 0.1.
        prob: probability that an image is changed, in [0, 1].

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        gamma: tuple[float, float] = (0.8, 1.2),
        gain: tuple[float, float] = (0.9, 1.1),
        *,
        prob: float = 0.3,
    ) -> None:
        super().__init__()
        check_probability(prob)
        check_range(gamma, 'gamma', lowest=MIN_SETTING)
        check_range(gain, 'gain', lowest=MIN_SETTING)
        self.gamma = tuple(gamma)
        self.gain = tuple(gain)
        self.prob = prob

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Change a random subset.

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
        decision_B, gamma_B, gain_B = torch.rand(3, len(x_BCHW))
        return change_chosen(
            x_BCHW,
            decision_B < self.prob,
            adjust_gamma,
            spread(gamma_B, self.gamma),
            spread(gain_B, self.gain),
        )
