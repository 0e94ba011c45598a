"""From uint8 pairs to what a pair network eats. Shapes: B pairs, H x W pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor, nn

from ocec.registry import BATCH_AUGMENTS, MODELS
from ocec.structures import PairTargets

NUM_SIDES, NUM_COLORS = 2, 3


@MODELS.register_module()
class PairPreprocessor(BaseDataPreprocessor):
    """Device, augmentation of each side (training only), swap, normalisation.

    Augmentations see the 2 B sides as a batch of images, so that left and right get
    random numbers of their own. They work on colours: the grey levels are repeated
    three times before, and red is taken afterwards.

    Args:
        mean: of the levels, in [0, 255].
        std: of the levels, > 0.
        batch_augments: configs of augmentations (BATCH_AUGMENTS), applied in order to
            pixels in [0, 255]. No flips: a mirrored digit is none, or another one.
        swap_prob: probability that the sides of a pair change places, in [0, 1]; the
            label flips, and the digits change places too.
        channels_last: let the runner keep the weights of convolutions in NHWC memory;
            single grey images look the same in both orders.
        non_blocking: copy to the device while the host goes on; needs pinned memory.

    Raises:
        ValueError: a std is not positive, the probability is out of range, or an
            augmentation flips images.
    """

    def __init__(
        self,
        mean: float,
        std: float,
        *,
        batch_augments: Sequence[dict | nn.Module] = (),
        swap_prob: float = 0.0,
        channels_last: bool = True,
        non_blocking: bool = True,
    ) -> None:
        super().__init__(non_blocking=non_blocking)
        if not std > 0:
            raise ValueError(f'std must be > 0, got {std}')
        if not 0 <= swap_prob <= 1:
            raise ValueError(f'swap_prob must be in [0, 1], got {swap_prob}')
        # in the checkpoint: a model is used with the constants it was trained with
        self.register_buffer('mean', torch.tensor(float(mean)))
        self.register_buffer('std', torch.tensor(float(std)))
        self.batch_augments = nn.ModuleList(map(_build_augment, batch_augments))
        self.swap_prob = swap_prob
        self.memory_format = (
            torch.channels_last if channels_last else torch.contiguous_format
        )

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare a batch.

        Args:
            data: ``inputs`` (B, 2, H, W) uint8 or float pixels in [0, 255], and
                ``data_samples``, a :class:`ocec.structures.PairTargets` or None.
            training: whether to augment and to swap.

        Returns:
            The same keys: normalised float32 inputs (B, 2, H, W) on the device.

        Raises:
            ValueError: the inputs are no pairs.
        """
        inputs_B2HW = data['inputs'].to(self.device, non_blocking=self._non_blocking)
        if inputs_B2HW.ndim != 4 or inputs_B2HW.shape[1] != NUM_SIDES:
            raise ValueError(
                'inputs must be pairs of shape (B, 2, H, W), got '
                f'{tuple(inputs_B2HW.shape)}'
            )
        targets = data.get('data_samples')
        if targets is not None:
            targets = targets.to(self.device, non_blocking=self._non_blocking)
        if training:
            if self.batch_augments:
                inputs_B2HW = self._augment(inputs_B2HW)
            if self.swap_prob > 0 and targets is not None:
                inputs_B2HW, targets = self._swap(inputs_B2HW, targets)
        return {'inputs': self.normalize(inputs_B2HW), 'data_samples': targets}

    def normalize(self, pixels_B2HW: Tensor) -> Tensor:
        """Return ``(pixels - mean) / std`` as float32."""
        return (pixels_B2HW.to(torch.float32) - self.mean) / self.std

    def _augment(self, inputs_B2HW: Tensor) -> Tensor:
        sides_S1HW = inputs_B2HW.flatten(0, 1)[:, None]
        colors_S3HW = sides_S1HW.expand(-1, NUM_COLORS, -1, -1)
        for augment in self.batch_augments:
            colors_S3HW = augment(colors_S3HW)
        return colors_S3HW[:, 0].unflatten(0, (-1, NUM_SIDES))

    def _swap(
        self, inputs_B2HW: Tensor, targets: PairTargets
    ) -> tuple[Tensor, PairTargets]:
        # from the CPU's generator, as the augmentations: a seed gives the same on
        # every device
        is_swapped_B = torch.rand(len(inputs_B2HW)) < self.swap_prob
        is_swapped_B = is_swapped_B.to(inputs_B2HW.device, non_blocking=True)
        swapped_B2HW = inputs_B2HW.flip(1)
        inputs_B2HW = swapped_B2HW.where(is_swapped_B[:, None, None, None], inputs_B2HW)
        changes = {
            'label_B': (1 - targets.label_B).where(is_swapped_B, targets.label_B)
        }
        if targets.soft_label_B is not None:
            soft_B = targets.soft_label_B
            changes['soft_label_B'] = (1 - soft_B).where(is_swapped_B, soft_B)
        if targets.digit_B2 is not None:
            digit_B2 = targets.digit_B2
            changes['digit_B2'] = digit_B2.flip(1).where(
                is_swapped_B[:, None], digit_B2
            )
        return inputs_B2HW, replace(targets, **changes)


def _build_augment(augment: dict | nn.Module) -> nn.Module:
    if not isinstance(augment, nn.Module):
        augment = BATCH_AUGMENTS.build(augment)
    if 'Flip' in (name := type(augment).__name__):
        raise ValueError(
            f'batch_augments: {name} would spoil the labels of digits: a mirrored 2 is '
            'no digit, and a 6 upside down is a 9. To exchange left and right use '
            'swap_prob, which flips the label too'
        )
    return augment
