"""Random sensor noise, drawn per image."""

from functools import partial

import torch
from torch import Tensor, nn

from ocec.functional.noise import add_gaussian_noise
from ocec.functional.per_image import change_chosen
from ocec.models.batch_augments.draws import (
    check_probability,
    check_range,
    spread,
)
from ocec.registry import BATCH_AUGMENTS

# B images, C = 3 channels, H, W = height, width


@BATCH_AUGMENTS.register_module()
class BatchGaussianNoise(nn.Module):
    """Add normal noise to each image with one probability.

    Decisions, standard deviations and one seed come from torch's CPU generator and
    are the same on every device. The field itself is drawn on the device of the
    images from that seed, since moving it there would take longer than drawing it:
    it repeats on one kind of device and differs between kinds. Only the chosen
    images are worked on.

    Args:
        std: (low, high) range of the standard deviation in levels, low >= 0.
        prob: probability that an image is changed, in [0, 1].
        per_channel: draw each channel on its own; False adds the same to all
            three, for grey cameras.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        std: tuple[float, float] = (2.5, 7.5),
        *,
        prob: float = 0.1,
        per_channel: bool = True,
    ) -> None:
        super().__init__()
        check_probability(prob)
        check_range(std, 'std', lowest=0)
        self.std = tuple(std)
        self.prob = prob
        self.per_channel = per_channel

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Add noise to a random subset.

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
        decision_B, std_B = torch.rand(2, len(x_BCHW))
        seed = int(torch.randint(2**63 - 1, ()))
        add_noise = partial(add_gaussian_noise, seed=seed, per_channel=self.per_channel)
        return change_chosen(
            x_BCHW, decision_B < self.prob, add_noise, spread(std_B, self.std)
        )
