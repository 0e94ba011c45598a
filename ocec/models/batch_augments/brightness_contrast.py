"""Random brightness and contrast, drawn per image."""

import torch
from torch import Tensor, nn

from ocec.functional.brightness_contrast import shift_brightness_contrast
from ocec.functional.per_image import change_chosen
from ocec.models.batch_augments.draws import (
    check_probability,
    spread,
)
from ocec.registry import BATCH_AUGMENTS

# B images, C = 3 channels, H, W = height, width


@BATCH_AUGMENTS.register_module()
class BatchBrightnessContrast(nn.Module):
    """Shift and stretch the levels of each image with one probability.

    Contrast acts about the image's mean grey, brightness adds to every level. The
    draws come from torch's CPU generator, so that a seed gives the same settings on
    every device, and only the chosen images are worked on.

    Args:
        brightness: largest shift either way as a share of 255 levels, in [0, 1].
        contrast: largest change of the factor 1 either way, in [0, 1].
        prob: probability that an image is changed, in [0, 1].

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self, brightness: float = 0.2, contrast: float = 0.2, *, prob: float = 0.5
    ) -> None:
        super().__init__()
        check_probability(prob)
        for name, value in (('brightness', brightness), ('contrast', contrast)):
            if not 0 <= value <= 1:
                raise ValueError(f'{name} must be in [0, 1], got {value}')
        self.brightness = brightness
        self.contrast = contrast
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
        decision_B, brightness_B, contrast_B = torch.rand(3, len(x_BCHW))
        return change_chosen(
            x_BCHW,
            decision_B < self.prob,
            shift_brightness_contrast,
            spread(brightness_B, (-self.brightness, self.brightness)),
            spread(contrast_B, (1 - self.contrast, 1 + self.contrast)),
        )
