"""Random blur, out of focus or in motion, drawn per image."""

import math

import torch
from torch import Tensor, nn

from ocec.functional.blur import (
    MIN_SIGMA_PX,
    gaussian_blur,
    motion_blur,
)
from ocec.functional.per_image import change_chosen
from ocec.models.batch_augments.draws import (
    check_counts,
    check_probability,
    check_range,
    spread,
    spread_counts,
)
from ocec.registry import BATCH_AUGMENTS

# B images, C = 3 channels, H, W = height, width


@BATCH_AUGMENTS.register_module()
class BatchGaussianBlur(nn.Module):
    """Blur each image by a Gaussian of its own width with one probability.

    The draws come from torch's CPU generator, so that a seed gives the same sigmas
    on every device, and only the chosen images are worked on.

    Args:
        sigma: (low, high) range of the standard deviation in pixels, low >= 0.05;
            the kernel covers 3 of the largest that is drawn.
        prob: probability that an image is blurred, in [0, 1].

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self, sigma: tuple[float, float] = (0.5, 1.2), *, prob: float = 0.1
    ) -> None:
        super().__init__()
        check_probability(prob)
        check_range(sigma, 'sigma', lowest=MIN_SIGMA_PX)
        self.sigma = tuple(sigma)
        self.prob = prob

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Blur a random subset.

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
        decision_B, sigma_B = torch.rand(2, len(x_BCHW))
        return change_chosen(
            x_BCHW, decision_B < self.prob, gaussian_blur, spread(sigma_B, self.sigma)
        )


@BATCH_AUGMENTS.register_module()
class BatchMotionBlur(nn.Module):
    """Blur each image along a line of its own with one probability.

    The angle is uniform over half a turn, which is every line there is. The draws
    come from torch's CPU generator, so that a seed gives the same lines on every
    device, and only the chosen images are worked on.

    Args:
        kernel_size: (shortest, longest) line in pixels, whole numbers >= 1, each
            length equally likely.
        prob: probability that an image is blurred, in [0, 1].

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self, kernel_size: tuple[int, int] = (3, 7), *, prob: float = 0.3
    ) -> None:
        super().__init__()
        check_probability(prob)
        check_counts(kernel_size, 'kernel_size')
        self.kernel_size = tuple(kernel_size)
        self.prob = prob

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Blur a random subset.

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
        decision_B, length_B, angle_B = torch.rand(3, len(x_BCHW))
        return change_chosen(
            x_BCHW,
            decision_B < self.prob,
            motion_blur,
            spread_counts(length_B, self.kernel_size),
            spread(angle_B, (0, math.pi)),
        )
