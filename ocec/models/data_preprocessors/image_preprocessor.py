"""From uint8 batches to what the network eats. Shapes: B images, C, H x W pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor, nn

from ocec.registry import BATCH_AUGMENTS, MODELS


@MODELS.register_module()
class ImagePreprocessor(BaseDataPreprocessor):
    """Device, batched augmentation (training only), normalisation, memory format.

    Args:
        mean: of each channel (R, G, B), in pixel values [0, 255].
        std: of each channel, in pixel values, > 0.
        batch_augments: configs of augmentations (BATCH_AUGMENTS), applied in order to
            pixels in [0, 255], each image with its own random numbers.
        channels_last: hand out NHWC memory, which convolutions are faster on.
        non_blocking: copy to the device while the host goes on; needs pinned memory.

    Raises:
        ValueError: ``mean`` and ``std`` differ in length, or a std is not positive.
    """

    def __init__(
        self,
        mean: Sequence[float],
        std: Sequence[float],
        *,
        batch_augments: Sequence[dict | nn.Module] = (),
        channels_last: bool = True,
        non_blocking: bool = True,
    ) -> None:
        super().__init__(non_blocking=non_blocking)
        if len(mean) != len(std):
            raise ValueError(
                f'mean and std must have one length, got {len(mean)} and {len(std)}'
            )
        if min(std) <= 0:
            raise ValueError(f'std must be > 0, got {tuple(std)}')
        self.register_buffer('mean', torch.tensor(mean).view(-1, 1, 1), False)
        self.register_buffer('std', torch.tensor(std).view(-1, 1, 1), False)
        self.batch_augments = nn.ModuleList(
            augment if isinstance(augment, nn.Module) else BATCH_AUGMENTS.build(augment)
            for augment in batch_augments
        )
        self.memory_format = (
            torch.channels_last if channels_last else torch.contiguous_format
        )

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare a batch.

        Args:
            data: ``inputs`` (B, C, H, W) uint8 or float pixels in [0, 255], and
                ``data_samples``, a struct of arrays or None.
            training: whether to augment.

        Returns:
            The same keys: normalised float32 inputs on the device.
        """
        inputs_BCHW = data['inputs'].to(self.device, non_blocking=self._non_blocking)
        if training:
            for augment in self.batch_augments:
                inputs_BCHW = augment(inputs_BCHW)
        targets = data.get('data_samples')
        if targets is not None:
            targets = targets.to(self.device, non_blocking=self._non_blocking)
        return {'inputs': self.normalize(inputs_BCHW), 'data_samples': targets}

    def normalize(self, pixels_BCHW: Tensor) -> Tensor:
        """Return ``(pixels - mean) / std`` as float32 in the memory format."""
        pixels_BCHW = pixels_BCHW.to(torch.float32, memory_format=self.memory_format)
        return (pixels_BCHW - self.mean) / self.std
