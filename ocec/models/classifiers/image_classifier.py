"""The classifier of single images. Shapes: B images, C channels, H x W pixels."""

from __future__ import annotations

import copy

from mmengine.model import BaseModel
from torch import Tensor, nn

from ocec.functional.probability import prob_open
from ocec.registry import MODELS
from ocec.structures import BatchScores, BatchTargets


@MODELS.register_module()
class ImageClassifier(BaseModel):
    """Backbone and head, with the modes that mmengine calls.

    Args:
        backbone: config of a backbone (MODELS), or a module. Ours tell their
            ``out_channels``; one of another zoo (``mmpretrain.ResNet``) does not,
            and needs ``head.in_channels``.
        head: config of a head (MODELS), or a module.
        data_preprocessor: config of the preprocessor (MODELS): device, batched
            augmentation, normalisation.

    Raises:
        ValueError: the head's input channels are neither given nor known.
    """

    def __init__(
        self,
        backbone: dict | nn.Module,
        head: dict | nn.Module,
        *,
        data_preprocessor: dict | nn.Module | None = None,
    ) -> None:
        if isinstance(data_preprocessor, dict):  # mmengine would not look in our scope
            data_preprocessor = MODELS.build(data_preprocessor)
        super().__init__(data_preprocessor=data_preprocessor)
        self.backbone = (
            backbone if isinstance(backbone, nn.Module) else MODELS.build(backbone)
        )
        self.head = head if isinstance(head, nn.Module) else self._build_head(head)

    def forward(
        self,
        inputs: Tensor,
        data_samples: BatchTargets | None = None,
        mode: str = 'tensor',
    ) -> Tensor | dict[str, Tensor] | list[BatchScores]:
        """Run the network.

        Args:
            inputs: (B, C, H, W) normalised images.
            data_samples: labels and ids of the batch; not needed for ``tensor``.
            mode: ``loss`` for training, ``predict`` for scores, ``tensor`` for logits.

        Returns:
            ``loss``: dict(loss=scalar); ``predict``: a list of one
            :class:`BatchScores`, as mmengine's loops expect a list; ``tensor``: the
            logits.

        Raises:
            ValueError: an unknown mode.
        """
        logits = self.head(self._features(inputs))
        if mode == 'tensor':
            return logits
        if mode == 'loss':
            return {'loss': self._loss(logits, data_samples).mean()}
        if mode == 'predict':
            return [
                BatchScores(
                    prob_open_B=prob_open(logits),
                    loss_B=self._loss(logits, data_samples),
                    label_B=data_samples.label_B,
                    sample_id_B=data_samples.sample_id_B,
                    group_id_B=data_samples.group_id_B,
                )
            ]
        raise ValueError(f'mode must be loss, predict or tensor, got {mode!r}')

    def _dump_init_info(self) -> None:
        """Skip mmengine's three log lines per parameter."""

    def _features(self, inputs_BCHW: Tensor) -> tuple[Tensor, ...]:
        feats = self.backbone(inputs_BCHW)
        return feats if isinstance(feats, (tuple, list)) else (feats,)

    def _loss(self, logits: Tensor, data_samples: BatchTargets) -> Tensor:
        return self.head.loss_module(logits, data_samples.label_B)

    def _build_head(self, head: dict) -> nn.Module:
        head = copy.deepcopy(head)
        if head.get('in_channels') is None:
            channels = getattr(self.backbone, 'out_channels', None)
            if not isinstance(channels, int):
                raise ValueError(
                    f'{type(self.backbone).__name__} does not tell its out_channels: '
                    'set model.head.in_channels'
                )
            head['in_channels'] = channels
        return MODELS.build(head)
