"""The classifier of single images. Shapes: B images, C channels, H x W pixels."""

from __future__ import annotations

import copy
import inspect

from mmengine.model import BaseModel
from torch import Tensor, nn

from ocec.functional.probability import open_logit, prob_open
from ocec.models.classifiers.distillation import Distillation
from ocec.registry import MODELS
from ocec.structures import BatchScores, BatchTargets

MODES = ('loss', 'predict', 'tensor')


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
        input_size: (height, width) of the images in pixels. From it follows the size
            of the feature map, which heads with tokens must know; an image too small
            for the backbone is refused at once. The tools take it from the dataset.
        distillation: config of :class:`Distillation`, or None. It acts in training
            only.

    Raises:
        ValueError: the head's input channels are neither given nor known, or the
            images are too small for the backbone.
    """

    def __init__(
        self,
        backbone: dict | nn.Module,
        head: dict | nn.Module,
        *,
        data_preprocessor: dict | nn.Module | None = None,
        input_size: tuple[int, int] | None = None,
        distillation: dict | Distillation | None = None,
    ) -> None:
        if isinstance(data_preprocessor, dict):  # mmengine would not look in our scope
            data_preprocessor = MODELS.build(data_preprocessor)
        super().__init__(data_preprocessor=data_preprocessor)
        self.backbone = (
            backbone if isinstance(backbone, nn.Module) else MODELS.build(backbone)
        )
        self.input_size = None if input_size is None else tuple(input_size)
        feature_size = None
        if self.input_size is not None and hasattr(self.backbone, 'feature_size'):
            feature_size = self.backbone.feature_size(self.input_size)
        if not isinstance(head, nn.Module):
            head = MODELS.build(self._complete_head(head, feature_size))
        self.head = head
        self.distillation = (
            MODELS.build(distillation)
            if isinstance(distillation, dict)
            else distillation
        )

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
            ``loss``: dict(loss=scalar), with a distillation in training
            dict(loss_label=scalar, loss_distillation=scalar), whose sum trains;
            ``predict``: a list of one :class:`BatchScores`, as mmengine's loops expect
            a list; ``tensor``: the logits.

        Raises:
            ValueError: an unknown mode.
        """
        if mode not in MODES:
            raise ValueError(f'mode must be loss, predict or tensor, got {mode!r}')
        feats = self._features(inputs)
        if mode == 'tensor':
            return self.head(feats)
        if mode == 'loss':
            if self.distillation is not None and self.training:
                return self._distilled(inputs, feats, data_samples.target_B)
            return {'loss': self.head.loss(feats, data_samples.target_B).mean()}
        embedding_BD = self.head.embed(feats)
        logits = self.head.logits(embedding_BD)
        return [
            BatchScores(
                prob_B=prob_open(logits),
                loss_B=self.head.loss_module(logits, data_samples.target_B),
                label_B=data_samples.label_B,
                sample_id_B=data_samples.sample_id_B,
                group_id_B=data_samples.group_id_B,
                embedding_BD=embedding_BD.float(),
            )
        ]

    def _dump_init_info(self) -> None:
        """Skip mmengine's three log lines per parameter."""

    def _features(self, inputs_BCHW: Tensor) -> tuple[Tensor, ...]:
        feats = self.backbone(inputs_BCHW)
        return feats if isinstance(feats, (tuple, list)) else (feats,)

    def _distilled(
        self, inputs: Tensor, feats: tuple[Tensor, ...], targets_B: Tensor
    ) -> dict[str, Tensor]:
        embedding_BD = self.head.embed(feats)
        label_logits = self.head.logits(embedding_BD, targets_B)
        label_loss = self.head.loss_module(label_logits, targets_B).mean()
        # a margin belongs to the labels: the answer to compare is the one without
        answer_B = open_logit(self.head.logits(embedding_BD))
        gap_B = self.distillation.loss(answer_B, inputs, self.data_preprocessor)
        weight = self.distillation.weight
        return {
            'loss_label': (1 - weight) * label_loss,
            'loss_distillation': weight * gap_B.mean(),
        }

    def _complete_head(self, head: dict, feature_size: tuple[int, int] | None) -> dict:
        """Fill in what the backbone gives and the config leaves out."""
        head = copy.deepcopy(head)
        if head.get('in_channels') is None:
            channels = getattr(self.backbone, 'out_channels', None)
            if not isinstance(channels, int):
                raise ValueError(
                    f'{type(self.backbone).__name__} does not tell its out_channels: '
                    'set model.head.in_channels'
                )
            head['in_channels'] = channels
        taken = inspect.signature(MODELS.get(head['type'])).parameters
        for name, value in (
            ('feature_size', feature_size),
            ('default_head', getattr(self.backbone, 'default_head', None)),
        ):
            if name in taken and value is not None:
                head.setdefault(name, value)
        return head
