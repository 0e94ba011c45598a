"""Random brightness, contrast, saturation and hue, drawn per image."""

import torch
from torch import Tensor, nn

from ocec.functional.color_matrix import distort_by_matrix
from ocec.functional.color_planes import check_rgb_batch
from ocec.functional.photometric import MAX_HUE_SHIFT, photometric_distort
from ocec.models.batch_augments.draws import check_range
from ocec.registry import BATCH_AUGMENTS

# B images, C = 3 channels, H, W = height, width, F = brightness, contrast,
# saturation, hue


@BATCH_AUGMENTS.register_module()
class BatchPhotometricDistort(nn.Module):
    """Distort the colours of each image with its own draws.

    ``prob`` decides on brightness, contrast, saturation and hue separately, so that
    one image in sixteen stays as it is at 0.5. Contrast comes before or after
    saturation and hue, half of the time each. The draws come from torch's CPU
    generator: a seed gives the same factors on every device.

    Args:
        brightness: (low, high) range of the factor, low >= 0.
        contrast: (low, high) range of the factor, low >= 0.
        saturation: (low, high) range of the factor, low >= 0.
        hue: (low, high) range of the shift in turns, within [-0.5, 0.5].
        prob: probability of each change, in [0, 1].
        permute_channels: also shuffle the colour channels, with probability
            ``prob``. torchvision always does; off here, since a shuffle makes skin
            blue or green and no camera does.
        composed: make one 3x4 colour matrix per image of all changes: 1.6 times as
            fast, but levels are clamped once and the hue turns in YIQ, which keeps
            the luma, instead of HSV
            (:func:`ocec.functional.color_matrix.distort_by_matrix`).

    Raises:
        ValueError: prob or a range is out of bounds.

    Source:
        torchvision 0.29 ``transforms.v2.RandomPhotometricDistort``; Liu et al., SSD,
        ECCV 2016, 2.2, arXiv:1512.02325.

    Example:
        >>> distort = BatchPhotometricDistort(brightness=(0.5, 0.5), prob=1.0,
        ...     contrast=(1.0, 1.0), saturation=(1.0, 1.0), hue=(0.0, 0.0))
        >>> distort(torch.full((1, 3, 1, 1), 100.0)).flatten()
        tensor([50., 50., 50.])
    """

    def __init__(
        self,
        brightness: tuple[float, float] = (0.875, 1.125),
        contrast: tuple[float, float] = (0.5, 1.5),
        *,
        saturation: tuple[float, float] = (0.5, 1.5),
        hue: tuple[float, float] = (-0.05, 0.05),
        prob: float = 0.5,
        permute_channels: bool = False,
        composed: bool = False,
    ) -> None:
        super().__init__()
        if not 0 <= prob <= 1:
            raise ValueError(f'prob must be in [0, 1], got {prob}')
        check_range(brightness, 'brightness', lowest=0)
        check_range(contrast, 'contrast', lowest=0)
        check_range(saturation, 'saturation', lowest=0)
        check_range(hue, 'hue', lowest=-MAX_HUE_SHIFT, highest=MAX_HUE_SHIFT)
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self.prob = prob
        self.permute_channels = permute_channels
        self.composed = composed

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Distort every image.

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
        check_rgb_batch(x_BCHW)
        distort = distort_by_matrix if self.composed else photometric_distort
        return distort(x_BCHW, **self.draw(len(x_BCHW)))

    def draw(self, num_images: int) -> dict[str, Tensor | None]:
        """Draw the settings of a batch.

        Args:
            num_images: B, >= 1.

        Returns:
            The arguments of :func:`ocec.functional.photometric.photometric_distort`
            after the images, on the CPU: factors (B,), 1 (hue: 0) where the change
            is off; contrast_first_B (B,) bool; permutation_CB (3, B) or None.
        """
        is_on_FB, value_FB, order_1B = torch.rand(9, num_images).split((4, 4, 1))
        ranges = (self.brightness, self.contrast, self.saturation, self.hue)
        low_F, high_F = torch.tensor(ranges, dtype=torch.float32).unbind(1)
        factors_FB = low_F[:, None] + (high_F - low_F)[:, None] * value_FB
        neutral_F = torch.tensor([1.0, 1.0, 1.0, 0.0])
        factors_FB = factors_FB.where(is_on_FB < self.prob, neutral_F[:, None])
        names = ('brightness_B', 'contrast_B', 'saturation_B', 'hue_B')
        return dict(
            zip(names, factors_FB.unbind(0), strict=True),
            contrast_first_B=order_1B[0] < 0.5,
            permutation_CB=self._draw_permutation(num_images),
        )

    def _draw_permutation(self, num_images: int) -> Tensor | None:
        if not self.permute_channels:
            return None
        shuffled_CB = torch.rand(3, num_images).argsort(0)
        is_on_B = torch.rand(num_images) < self.prob
        return shuffled_CB.where(is_on_B, torch.arange(3)[:, None])
