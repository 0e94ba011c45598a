"""Random rotation, shift, scale and shear, drawn per image."""

from functools import partial

import torch
from torch import Tensor, nn

from ocec.functional.affine import (
    MAX_DEGREES,
    MAX_SCALE,
    MAX_SHEAR_DEGREES,
    MIN_SCALE,
    affine,
)
from ocec.functional.color_planes import check_rgb_batch
from ocec.functional.crop import check_fill
from ocec.functional.per_image import change_chosen
from ocec.models.batch_augments.draws import (
    check_probability,
    check_range,
    spread,
)
from ocec.registry import BATCH_AUGMENTS

# B images, C = 3 channels, H, W = height, width


@BATCH_AUGMENTS.register_module()
class BatchRandomAffine(nn.Module):
    """Shear, rotate and scale each image about its centre, then move it.

    All of it is in pixels: a rotation is a true one however wide the image is. The
    draws come from torch's CPU generator, so that a seed gives the same numbers on
    every device, and only the chosen images are worked on.

    Args:
        degrees: (low, high) range of the rotation, counter-clockwise as in
            torchvision's ``RandomRotation``; within [-360, 360].
        translate: largest shift, (share of the width, share of the height), each in
            [0, 1], drawn to both sides and not rounded to pixels.
        scale: (low, high) range of the factor, within [0.1, 10]; above 1 the content
            grows.
        shear: (low, high) range in degrees by which upright lines lean to the right,
            within [-80, 80].
        prob: probability that an image is changed, in [0, 1].
        fill: ``edge`` repeats the outermost pixel, ``zero`` is black, ``reflect``
            mirrors about the outermost pixel.

    Raises:
        ValueError: an argument is out of range.

    Source:
        torchvision 0.29 ``transforms.v2.RandomAffine``, bilinear; its angles are
        clockwise and its shifts whole pixels.
    """

    def __init__(
        self,
        degrees: tuple[float, float] = (-5.0, 5.0),
        translate: tuple[float, float] = (0.05, 0.05),
        *,
        scale: tuple[float, float] = (0.95, 1.05),
        shear: tuple[float, float] = (0.0, 0.0),
        prob: float = 0.5,
        fill: str = 'edge',
    ) -> None:
        super().__init__()
        check_range(degrees, 'degrees', lowest=-MAX_DEGREES, highest=MAX_DEGREES)
        if len(translate) != 2 or not all(0 <= share <= 1 for share in translate):
            raise ValueError(
                'translate must be two shares in [0, 1], of width and height, got '
                f'{translate}'
            )
        check_range(scale, 'scale', lowest=MIN_SCALE, highest=MAX_SCALE)
        limit = MAX_SHEAR_DEGREES
        check_range(shear, 'shear', lowest=-limit, highest=limit)
        check_probability(prob)
        check_fill(fill)
        self.degrees = tuple(degrees)
        self.translate = tuple(translate)
        self.scale = tuple(scale)
        self.shear = tuple(shear)
        self.prob = prob
        self.fill = fill

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Change a random subset.

        Args:
            x_BCHW: (B, 3, H, W) RGB levels in [0, 255], uint8 or float32, any memory
                format, H and W >= 2; left untouched.

        Returns:
            (B, 3, H, W) float32 levels, not rounded, fresh, channels_last.

        Raises:
            ValueError: no RGB batch.
            TypeError: the images are neither uint8 nor float32.
        """
        check_rgb_batch(x_BCHW)
        is_chosen_B, settings_B = self.draw(len(x_BCHW), x_BCHW.shape[2:])
        change = partial(affine, fill=self.fill)
        return change_chosen(x_BCHW, is_chosen_B, change, *settings_B)

    def draw(
        self, num_images: int, size: tuple[int, int]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Draw the settings of a batch.

        Args:
            num_images: B, >= 1.
            size: (H, W) in pixels.

        Returns:
            (B,) bool, which images are changed; and the arguments of
            :func:`ocec.functional.affine.affine` after the images, (B,) each: degrees,
            pixels to the right and down, scale, degrees of shear.
        """
        decision_B, *shares_B = torch.rand(6, num_images)
        right, down = self.translate[0] * size[1], self.translate[1] * size[0]
        shifts = ((-right, right), (-down, down))
        ranges = (self.degrees, *shifts, self.scale, self.shear)
        settings_B = tuple(map(spread, shares_B, ranges))
        return decision_B < self.prob, settings_B


@BATCH_AUGMENTS.register_module()
class BatchRandomRotate(BatchRandomAffine):
    """Rotate each image about its centre, and nothing else.

    Args:
        degrees: largest angle to both sides, in [0, 360], or a range (low, high),
            counter-clockwise.
        prob: probability that an image is rotated, in [0, 1].
        fill: see :class:`BatchRandomAffine`.

    Raises:
        ValueError: an argument is out of range.

    Source:
        torchvision 0.29 ``transforms.v2.RandomRotation``, bilinear.
    """

    def __init__(
        self,
        degrees: float | tuple[float, float] = 20.0,
        prob: float = 0.5,
        *,
        fill: str = 'edge',
    ) -> None:
        if isinstance(degrees, int | float):
            if not 0 <= degrees <= MAX_DEGREES:
                raise ValueError(
                    f'degrees must be in [0, {MAX_DEGREES:g}], or a range (low, high), '
                    f'got {degrees}'
                )
            degrees = (-degrees, degrees)
        super().__init__(degrees, (0.0, 0.0), scale=(1.0, 1.0), prob=prob, fill=fill)
