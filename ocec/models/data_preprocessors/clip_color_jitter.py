"""Random colours of clips, the same for all frames of a clip.

Shapes: N clips, T frames, F = N T frames, H, W = height, width, C = 3 channels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ocec.functional.photometric import MAX_HUE_SHIFT, photometric_distort
from ocec.models.batch_augments.draws import check_probability, spread


class ClipColorJitter:
    """Change brightness, contrast, saturation and hue of each clip.

    What is not named is not changed. Brightness comes first, contrast before or after
    saturation and hue, half of the time each. The draws come from torch's CPU
    generator: a seed gives the same on every device.

    Args:
        brightness: factors are drawn from [1 - brightness, 1 + brightness]; >= 0.
        contrast: the same, about the mean grey of each frame.
        saturation: the same.
        hue: shifts are drawn from [-hue, hue] in turns of the circle; at most 0.5.
        prob: probability that a clip is changed, in [0, 1].

    Raises:
        ValueError: an argument is out of range.

    Source:
        torchvision 0.29 ``transforms.v2.ColorJitter``.
    """

    def __init__(
        self,
        brightness: float = 0.0,
        contrast: float = 0.0,
        *,
        saturation: float = 0.0,
        hue: float = 0.0,
        prob: float = 1.0,
    ) -> None:
        factors = {
            'brightness': brightness,
            'contrast': contrast,
            'saturation': saturation,
        }
        for name, value in factors.items():
            if not value >= 0:
                raise ValueError(f'color_jitter.{name} must be >= 0, got {value}')
        if not 0 <= hue <= MAX_HUE_SHIFT:
            raise ValueError(
                f'color_jitter.hue must be in [0, {MAX_HUE_SHIFT}], got {hue}'
            )
        check_probability(prob)
        self.ranges = [(max(0.0, 1 - value), 1 + value) for value in factors.values()]
        self.ranges.append((-hue, hue))
        self.prob = prob

    def __call__(self, clip_NTHWC: Tensor) -> Tensor:
        """Change the clips.

        Args:
            clip_NTHWC: (N, T, H, W, 3) RGB levels in [0, 255], uint8 or float32,
                contiguous; left untouched.

        Returns:
            (N, T, H, W, 3) float32 levels in [0, 255], not rounded, fresh.
        """
        N, T = clip_NTHWC.shape[:2]
        # a view of interleaved pixels, which is what channels_last is
        frame_FCHW = clip_NTHWC.flatten(0, 1).permute(0, 3, 1, 2)
        settings = {
            name: value_N.repeat_interleave(T) for name, value_N in self.draw(N).items()
        }
        frame_FCHW = photometric_distort(frame_FCHW, **settings)
        return frame_FCHW.permute(0, 2, 3, 1).unflatten(0, (N, T))

    def draw(self, num_clips: int) -> dict[str, Tensor]:
        """Draw the settings of a batch.

        Args:
            num_clips: N.

        Returns:
            Arguments of :func:`ocec.functional.photometric.photometric_distort`, each
            (N,) on the CPU.
        """
        is_changed_N, is_first_N, *share_4N = torch.rand(6, num_clips)
        names = ('brightness_B', 'contrast_B', 'saturation_B', 'hue_B')
        neutral = (1.0, 1.0, 1.0, 0.0)
        drawn = {
            name: spread(share_N, limits).where(is_changed_N < self.prob, rest)
            for name, share_N, limits, rest in zip(
                names, share_4N, self.ranges, neutral, strict=True
            )
        }
        return {**drawn, 'contrast_first_B': is_first_N < 0.5}
