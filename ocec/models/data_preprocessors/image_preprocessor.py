"""From uint8 batches to what the network eats. Shapes: B images, C, H x W pixels."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import torch
from mmengine.logging import print_log
from mmengine.model import BaseDataPreprocessor
from torch import Tensor, nn

from ocec.models.data_preprocessors.batch_mixer import BatchMixer
from ocec.registry import BATCH_AUGMENTS, MODELS


@MODELS.register_module()
class ImagePreprocessor(BaseDataPreprocessor):
    """Device, batched augmentation (training only), normalisation, memory format.

    Args:
        mean: of each channel (R, G, B), in pixel values [0, 255].
        std: of each channel, in pixel values, > 0.
        batch_augments: configs of augmentations (BATCH_AUGMENTS), applied in order to
            pixels in [0, 255], each image with its own random numbers.
        mix_augments: mixing of images with soft labels, after normalisation, as in
            mmpretrain: ``dict(augments=[dict(type='mmpretrain.Mixup', alpha=0.2)],
            probs=[0.5])``; None for none.
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
        mix_augments: dict | None = None,
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
        # in the checkpoint: a model is used with the constants it was trained with
        for name, values in (('mean', mean), ('std', std)):
            values_C11 = torch.tensor(values, dtype=torch.float32).view(-1, 1, 1)
            self.register_buffer(name, values_C11)
        self.batch_augments = nn.ModuleList(
            augment if isinstance(augment, nn.Module) else BATCH_AUGMENTS.build(augment)
            for augment in batch_augments
        )
        for augment in self.batch_augments[1:]:
            if hasattr(augment, 'inplace'):  # what it gets is nobody else's any more
                augment.inplace = True
        self.mixer = None if mix_augments is None else BatchMixer(**mix_augments)
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
        inputs_BCHW = self._normalized(inputs_BCHW, source_BCHW=data['inputs'])
        if training and self.mixer is not None:
            inputs_BCHW, targets = self.mixer(inputs_BCHW, targets)
            inputs_BCHW = inputs_BCHW.contiguous(memory_format=self.memory_format)
        return {'inputs': inputs_BCHW, 'data_samples': targets}

    def normalize(self, pixels_BCHW: Tensor) -> Tensor:
        """Return ``(pixels - mean) / std`` as float32 in the memory format.

        Args:
            pixels_BCHW: (B, C, H, W) uint8 or float in [0, 255]; left untouched.

        Returns:
            (B, C, H, W) float32, about -3 to 3.
        """
        pixels_BCHW = pixels_BCHW.to(
            torch.float32, memory_format=self.memory_format, copy=True
        )
        return self._normalize_(pixels_BCHW)

    def _normalized(self, pixels_BCHW: Tensor, *, source_BCHW: Tensor) -> Tensor:
        """Normalise; without a copy where the pixels are not the caller's."""
        is_ours = pixels_BCHW.dtype == torch.float32 and (
            pixels_BCHW.untyped_storage().data_ptr()
            != source_BCHW.untyped_storage().data_ptr()
        )
        if not is_ours:
            return self.normalize(pixels_BCHW)
        pixels_BCHW = pixels_BCHW.contiguous(memory_format=self.memory_format)
        return self._normalize_(pixels_BCHW)

    def _normalize_(self, pixels_BCHW: Tensor) -> Tensor:
        """Normalise float32 pixels in their own memory."""
        if self.memory_format is not torch.channels_last:
            return pixels_BCHW.sub_(self.mean).div_(self.std)
        # a row of pixels at once: the constants of three channels, broadcast over
        # interleaved pixels, cannot be vectorised, 1.3 ms instead of 0.15
        B, C, H, W = pixels_BCHW.shape
        rows_BHX = pixels_BCHW.permute(0, 2, 3, 1).view(B, H, W * C)
        rows_BHX.sub_(self.mean.flatten().repeat(W))
        rows_BHX.div_(self.std.flatten().repeat(W))
        return pixels_BCHW

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args) -> None:
        """Load the constants, and say so where the config has others."""
        for name in ('mean', 'std'):
            own, loaded = getattr(self, name), state_dict.get(f'{prefix}{name}')
            if loaded is None or loaded.shape != own.shape:
                continue
            if not torch.allclose(loaded.to(own), own):
                print_log(
                    f'normalisation: the checkpoint was trained with {name} '
                    f'{_listed(loaded)}, which replaces {_listed(own)} of the config',
                    'current',
                    logging.WARNING,
                )
        super()._load_from_state_dict(state_dict, prefix, *args)


def _listed(values: Tensor) -> str:
    return '[' + ', '.join(f'{value:g}' for value in values.flatten().tolist()) + ']'
