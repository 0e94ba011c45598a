"""Random JPEG compression, drawn per image."""

from functools import partial

import torch
from torch import Tensor, nn

from ocec.functional.jpeg import MAX_QUALITY, jpeg_round_trip
from ocec.functional.per_image import change_chosen
from ocec.models.batch_augments.draws import (
    check_counts,
    check_probability,
    spread_counts,
)
from ocec.registry import BATCH_AUGMENTS

# B images, C = 3 channels, H, W = height, width


@BATCH_AUGMENTS.register_module()
class BatchJPEG(nn.Module):
    """Compress each image as JPEG and back with one probability.

    The draws come from torch's CPU generator, so that a seed gives the same
    qualities on every device, and only the chosen images are worked on.

    Args:
        quality: (low, high) range of libjpeg's quality, whole numbers in [1, 100],
            each equally likely.
        prob: probability that an image is compressed, in [0, 1].
        subsample_chroma: keep one chroma value for 2 x 2 pixels (4:2:0, the default
            of libjpeg and OpenCV); False keeps all (4:4:4).

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        quality: tuple[int, int] = (50, 90),
        *,
        prob: float = 0.2,
        subsample_chroma: bool = True,
    ) -> None:
        super().__init__()
        check_probability(prob)
        check_counts(quality, 'quality', highest=MAX_QUALITY)
        self.quality = tuple(quality)
        self.prob = prob
        self.subsample_chroma = subsample_chroma

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Compress a random subset.

        Args:
            x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32, any memory
                format; left untouched.

        Returns:
            (B, 3, H, W) float32 levels in [0, 255], fresh, channels_last; compressed
            images hold whole levels.

        Raises:
            ValueError: no RGB batch.
            TypeError: the images are neither uint8 nor float32.
        """
        decision_B, quality_B = torch.rand(2, len(x_BCHW))
        compress = partial(jpeg_round_trip, subsample_chroma=self.subsample_chroma)
        return change_chosen(
            x_BCHW,
            decision_B < self.prob,
            compress,
            spread_counts(quality_B, self.quality),
        )
