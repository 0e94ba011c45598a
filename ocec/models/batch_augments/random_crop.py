"""Random shift by whole pixels: pad, then crop."""

import torch
from torch import Tensor, nn

from ocec.functional.crop import check_fill, crop_padded
from ocec.models.batch_augments.draws import check_probability, spread_counts
from ocec.registry import BATCH_AUGMENTS

# B images, C = 3 channels, H, W = height, width


@BATCH_AUGMENTS.register_module()
class BatchRandomCrop(nn.Module):
    """Pad each image on all sides and cut its size out at a random place.

    The draws come from torch's CPU generator, so that a seed gives the same crops
    on every device.

    Args:
        padding: pixels on each side, >= 0, or (rows, columns); every offset up to
            it is equally likely, up and down, left and right.
        prob: probability that an image is cropped, in [0, 1].
        fill: ``edge`` repeats the outermost pixel, ``zero`` is black, ``reflect``
            mirrors about the outermost pixel.

    Raises:
        ValueError: an argument is out of range.

    Source:
        torchvision 0.29 ``transforms.v2.RandomCrop(size, padding=4)``, which fills
        with zero; a black bar is no sight of a camera, hence ``edge`` here.
    """

    def __init__(
        self,
        padding: int | tuple[int, int] = 4,
        prob: float = 1.0,
        *,
        fill: str = 'edge',
    ) -> None:
        super().__init__()
        is_one = isinstance(padding, int | float)
        pair = (padding, padding) if is_one else tuple(padding)
        if len(pair) != 2 or any(int(pad) != pad or pad < 0 for pad in pair):
            raise ValueError(
                'padding must be a count of pixels >= 0, or two of them, (rows, '
                f'columns), got {padding}'
            )
        check_probability(prob)
        check_fill(fill)
        self.padding = pair
        self.prob = prob
        self.fill = fill

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Crop a random subset.

        Args:
            x_BCHW: (B, 3, H, W) uint8 or float32, any memory format; left untouched.

        Returns:
            (B, 3, H, W) of the same dtype, fresh; channels_last stays channels_last.

        Raises:
            ValueError: no RGB batch, or too small to reflect the padding.
            TypeError: the images are neither uint8 nor float32.
        """
        offset_2B = self.draw(len(x_BCHW))
        return crop_padded(x_BCHW, offset_2B, padding=self.padding, fill=self.fill)

    def draw(self, num_images: int) -> Tensor:
        """Draw the crops of a batch.

        Args:
            num_images: B, >= 1.

        Returns:
            (2, B) int64 on the CPU: top and left in the padded image; ``padding``
            for images that stay.
        """
        decision_B, *share_2B = torch.rand(3, num_images)
        offset_2B = torch.stack(
            [
                spread_counts(share_B, (0, 2 * pad))
                for share_B, pad in zip(share_2B, self.padding, strict=True)
            ]
        )
        is_cropped_B = decision_B < self.prob
        return offset_2B.where(is_cropped_B, torch.tensor(self.padding)[:, None])
