"""The classifier of image pairs. Shapes: B pairs, H x W pixels, D features."""

from __future__ import annotations

import copy

from mmengine.model import BaseModel
from torch import Tensor, nn

from ocec.functional.distillation import mean_probability_logit
from ocec.functional.probability import prob_open
from ocec.models.classifiers.image_classifier import MODES
from ocec.models.classifiers.pair_distillation import PairDistillation
from ocec.registry import MODELS
from ocec.structures import BatchScores, PairTargets

NUM_SIDES = 2


@MODELS.register_module()
class PairClassifier(BaseModel):
    """One tower for both images, and a head that compares what it saw.

    Both images of all pairs go through the tower as one batch, so that its batch
    norms treat left and right alike. The logit is the log-odds of label 1.

    Args:
        backbone: config of a tower (MODELS), or a module: (2 B, 1, H, W) images to
            (2 B, D) features, with ``out_channels`` = D.
        head: config of a pair head (MODELS), or a module.
        data_preprocessor: config of the preprocessor (MODELS).
        swap_tta: whether scores and exported logits are those of both orders
            together: P = (p(left, right) + 1 - p(right, left)) / 2. Training has one
            order. A head whose logit flips its sign gains nothing.
        distillation: config of :class:`PairDistillation`, or None. It acts in
            training only.

    Raises:
        ValueError: the tower does not tell its ``out_channels``.
    """

    def __init__(
        self,
        backbone: dict | nn.Module,
        head: dict | nn.Module,
        *,
        data_preprocessor: dict | nn.Module | None = None,
        swap_tta: bool = False,
        distillation: dict | PairDistillation | None = None,
    ) -> None:
        if isinstance(data_preprocessor, dict):  # mmengine would not look in our scope
            data_preprocessor = MODELS.build(data_preprocessor)
        super().__init__(data_preprocessor=data_preprocessor)
        self.backbone = (
            backbone if isinstance(backbone, nn.Module) else MODELS.build(backbone)
        )
        self.head = (
            head if isinstance(head, nn.Module) else MODELS.build(self._complete(head))
        )
        self.swap_tta = swap_tta
        self.distillation = (
            MODELS.build(distillation)
            if isinstance(distillation, dict)
            else distillation
        )

    def forward(
        self,
        inputs: Tensor,
        data_samples: PairTargets | None = None,
        mode: str = 'tensor',
    ) -> Tensor | dict[str, Tensor] | list[BatchScores]:
        """Run the network.

        Args:
            inputs: (B, 2, H, W) normalised images, left and right.
            data_samples: labels, ids and digits of the batch; not needed for
                ``tensor``.
            mode: ``loss`` for training, ``predict`` for scores, ``tensor`` for logits.

        Returns:
            ``loss``: scalars by name, ``loss_pair`` and, where they are set,
            ``loss_digit`` and ``loss_distillation``, whose sum trains, and values for
            the log; ``predict``: a list of one :class:`BatchScores`; ``tensor``: (B,)
            log-odds that the left digit is larger.

        Raises:
            ValueError: an unknown mode, or inputs that are no pairs.
        """
        if mode not in MODES:
            raise ValueError(f'mode must be loss, predict or tensor, got {mode!r}')
        left_BD, right_BD = self.features(inputs)
        if mode == 'loss':
            return self._losses(inputs, left_BD, right_BD, data_samples)
        embedding_BE = self.head.embed(left_BD, right_BD)
        logits_B = self.head.logits(embedding_BE)
        if self.swap_tta:
            logits_B = mean_probability_logit([logits_B, -self.head(right_BD, left_BD)])
        if mode == 'tensor':
            return logits_B
        return [
            BatchScores(
                prob_B=prob_open(logits_B),
                loss_B=self.head.loss_module(logits_B, data_samples.target_B),
                label_B=data_samples.label_B,
                sample_id_B=data_samples.sample_id_B,
                group_id_B=data_samples.group_id_B,
                embedding_BD=embedding_BE.float(),
            )
        ]

    def features(self, inputs_B2HW: Tensor) -> tuple[Tensor, Tensor]:
        """Run the tower on both images of each pair.

        Args:
            inputs_B2HW: (B, 2, H, W) normalised images.

        Returns:
            (B, D) of the left images, (B, D) of the right ones.

        Raises:
            ValueError: the inputs are no pairs.
        """
        if inputs_B2HW.ndim != 4 or inputs_B2HW.shape[1] != NUM_SIDES:
            raise ValueError(
                'inputs must be pairs of shape (B, 2, H, W), got '
                f'{tuple(inputs_B2HW.shape)}'
            )
        feats_SD = self.backbone(inputs_B2HW.flatten(0, 1).unsqueeze(1))
        left_BD, right_BD = feats_SD.unflatten(0, (-1, NUM_SIDES)).unbind(dim=1)
        return left_BD, right_BD

    def _losses(
        self, inputs: Tensor, left_BD: Tensor, right_BD: Tensor, targets: PairTargets
    ) -> dict[str, Tensor]:
        logits_B = self.head(left_BD, right_BD)
        pair_loss = self.head.loss_module(logits_B, targets.target_B).mean()
        losses = {'loss_pair': pair_loss}
        if self.distillation is not None and self.training:
            weight = self.distillation.weight
            gap_B = self.distillation.loss(logits_B, inputs, self.data_preprocessor)
            losses['loss_pair'] = (1 - weight) * pair_loss
            losses['loss_distillation'] = weight * gap_B.mean()
        if self.head.digit_loss_weight > 0:
            losses['loss_digit'] = self.head.digit_loss(left_BD, right_BD, targets)
        return {**losses, **self.head.log_values()}

    def _dump_init_info(self) -> None:
        """Skip mmengine's three log lines per parameter."""

    def _complete(self, head: dict) -> dict:
        """Fill in what the tower gives and the config leaves out."""
        head = copy.deepcopy(head)
        if head.get('in_channels') is None:
            channels = getattr(self.backbone, 'out_channels', None)
            if not isinstance(channels, int):
                raise ValueError(
                    f'{type(self.backbone).__name__} does not tell its out_channels: '
                    'set model.head.in_channels'
                )
            head['in_channels'] = channels
        return head
