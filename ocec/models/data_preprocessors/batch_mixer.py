"""Mixup, CutMix and their like from mmpretrain. Shapes: B images, C, H x W pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module

import torch
from torch import Tensor

from ocec.structures import BatchTargets

ZOO = 'mmpretrain.'


class BatchMixer:
    """Draw one mixing augmentation per batch; labels become soft.

    Args:
        augments: configs of mmpretrain's batch augmentations, as in
            ``dict(type='mmpretrain.Mixup', alpha=0.2)``.
        probs: probability of each per batch, with a sum <= 1; the rest of the
            batches stays as it is. None draws one of them for every batch.

    Raises:
        ValueError: there is no augmentation, one is not mmpretrain's, or the
            probabilities do not fit.
    """

    def __init__(
        self, augments: Sequence[dict], probs: Sequence[float] | None = None
    ) -> None:
        names = [str(augment.get('type')) for augment in augments]
        if not names or not all(name.startswith(ZOO) for name in names):
            raise ValueError(
                "mix_augments.augments must name mmpretrain's, as in "
                f"dict(type='mmpretrain.Mixup', alpha=0.2), got {names}"
            )
        if probs is not None and (
            len(probs) != len(names) or min(probs) < 0 or sum(probs) > 1
        ):
            raise ValueError(
                f'mix_augments.probs must be {len(names)} shares with a sum <= 1, '
                f'got {list(probs)}'
            )
        # the package is large: it is loaded where a config asks for it
        zoo = import_module('mmpretrain.models.utils.batch_augments')
        # a copy of the probabilities, as the wrapper appends to them
        self.mix = zoo.RandomBatchAugment(
            [_build(augment) for augment in augments],
            None if probs is None else list(probs),
        )

    def __call__(
        self, inputs_BCHW: Tensor, targets: BatchTargets
    ) -> tuple[Tensor, BatchTargets]:
        """Mix a batch with itself.

        Args:
            inputs_BCHW: (B, C, H, W) float; may be written into.
            targets: of the images.

        Returns:
            The mixed images, and the targets with ``soft_label_B``.
        """
        is_open_B = targets.target_B.float()
        shares_B2 = torch.stack((1 - is_open_B, is_open_B), dim=1)
        inputs_BCHW, shares_B2 = self.mix(inputs_BCHW, shares_B2)
        return inputs_BCHW, replace(targets, soft_label_B=shares_B2[:, 1])


def _build(augment: dict) -> object:
    settings = dict(augment)
    registry = import_module('mmpretrain.registry').BATCH_AUGMENTS
    # not registry.build, which warns that it knows no scope of ours
    return registry.get(settings.pop('type').removeprefix(ZOO))(**settings)
