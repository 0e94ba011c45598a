"""Random crops and mirror images of clips, the same for frames and heatmaps.

Shapes: G clips, A attempts, H, W = height, width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ocec.functional.clip_crop import resized_crops
from ocec.models.batch_augments.draws import check_probability

Size = tuple[int, int]

NUM_ATTEMPTS = 10


@dataclass(frozen=True)
class ClipGeometry:
    """Crop and mirror image of each clip.

    Args:
        crop_G4: (G, 4) int64 on the CPU: left, top, width, height in pixels of the
            grid; or None for no crops.
        is_flipped_G: (G,) bool on the CPU.
        grid: (H, W) in pixels, that of the frames where there are some.
    """

    crop_G4: Tensor | None
    is_flipped_G: Tensor
    grid: Size

    def shares(self) -> Tensor:
        """Return left, top, right, bottom of the crops in [0, 1], (G, 4) float32."""
        start_G2, extent_G2 = self.crop_G4.float().split(2, dim=1)
        edges_G4 = torch.cat((start_G2, start_G2 + extent_G2), 1)
        return edges_G4 / torch.tensor(self.grid[::-1]).repeat(2)


class RandomClipGeometry:
    """Draw crops of random area and shape, and mirror images, per clip.

    The draws come from torch's CPU generator: a seed gives the same on every device.

    Args:
        flip_prob: probability that a clip is mirrored, in [0, 1].
        random_crop: ``dict(area_range=(0.56, 1.0), aspect_range=(0.75, 1.333))``, or
            parts of it; None for no crops.

    Raises:
        ValueError: a setting is out of range.
    """

    def __init__(
        self, flip_prob: float = 0.5, random_crop: Mapping | None = None
    ) -> None:
        check_probability(flip_prob)
        self.flip_prob = flip_prob
        self.random_crop = None
        if random_crop is not None:
            self.random_crop = {
                'area_range': (0.56, 1.0),
                'aspect_range': (3 / 4, 4 / 3),
                **random_crop,
            }
            # a wrong setting shows now
            resized_crops(torch.zeros(3, 1, 2), (64, 64), **self.random_crop)

    def draw(self, num_clips: int, grid: Size) -> ClipGeometry:
        """Draw for a batch.

        Args:
            num_clips: G.
            grid: (H, W) in pixels, of which the crops take whole numbers.

        Returns:
            Crop and mirror image of each clip.
        """
        is_flipped_G = torch.rand(num_clips) < self.flip_prob
        crop_G4 = None
        if self.random_crop is not None:
            share_3GA = torch.rand(3, num_clips, NUM_ATTEMPTS)
            crop_G4 = resized_crops(share_3GA, grid, **self.random_crop)
        return ClipGeometry(crop_G4, is_flipped_G, grid)
