"""The recogniser of actions.

Shapes: N videos, S clips of each, C classes, K keypoints, T frames, H x W pixels.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

from mmengine.model import BaseModel
from torch import Tensor, nn

from ocec.models.classifiers.image_classifier import MODES
from ocec.registry import MODELS
from ocec.structures import ActionScores, ActionTargets

FUSED = 'fused'
#: dimensions of inputs with several clips of each video
CLIPS_NDIM = 6


@MODELS.register_module()
class ActionRecognizer(BaseModel):
    """Streams of RGB frames and pose heatmaps, and a head for all of them.

    The model has the streams that its backbone has: RGB, pose or both. Several clips
    of a video go through the network as one batch; for scores they are averaged, in
    training each is an example.

    Args:
        backbone: config of a backbone of streams (MODELS), or a module: inputs by name
            to features by stream, with ``out_channels`` by stream.
        head: config of a head of streams (MODELS), or a module.
        data_preprocessor: config of the preprocessor (MODELS).

    Raises:
        ValueError: the backbone does not tell its ``out_channels`` by stream.
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
        self.head = (
            head if isinstance(head, nn.Module) else MODELS.build(self._complete(head))
        )

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        data_samples: ActionTargets | None = None,
        mode: str = 'tensor',
    ) -> dict[str, Tensor] | list[ActionScores]:
        """Run the network.

        Args:
            inputs: ``rgb`` (N, 3, T, H, W) normalised frames, ``heatmap``
                (N, K, T', H', W'), or those that the model has a stream for; with
                several clips of each video (N, S, 3, T, H, W) and
                (N, S, K, T', H', W').
            data_samples: labels and ids of the videos; not needed for ``tensor``.
            mode: ``loss`` for training, ``predict`` for scores, ``tensor`` for logits.

        Returns:
            ``loss``: scalars by name: ``rgb_loss_cls``, ``pose_loss_cls``, whose sum
            trains, and for the log the accuracies of the batch, ``fused_top1`` and,
            with two streams, ``rgb_top1`` and ``pose_top1``; ``predict``: a list of one
            :class:`ActionScores`; ``tensor``: (N, C) logits of each stream by its
            name and ``fused``, whose softmax is the answer.

        Raises:
            ValueError: an unknown mode, or inputs that do not go together.
        """
        if mode not in MODES:
            raise ValueError(f'mode must be loss, predict or tensor, got {mode!r}')
        inputs, num_clips = flatten_clips(inputs)
        logits = self.head(self.backbone(inputs))
        if mode == 'loss':
            return self._losses(logits, data_samples.label_B, num_clips)
        answers = {
            stream: self.head.average(logits_NC.unflatten(0, (-1, num_clips)))
            for stream, logits_NC in logits.items()
        }
        fused_NC = self.head.fuse(answers)
        if mode == 'tensor':
            return {**answers, FUSED: fused_NC}
        return [self._scores(logits, answers, fused_NC, data_samples)]

    def _losses(
        self, logits: dict[str, Tensor], label_N: Tensor, num_clips: int
    ) -> dict[str, Tensor]:
        label_N = label_N.repeat_interleave(num_clips)
        losses = {
            f'{stream}_loss_cls': loss_N.mean()
            for stream, loss_N in self.head.losses(logits, label_N).items()
        }
        answers = {FUSED: self.head.fuse(logits)}
        if len(logits) > 1:
            answers |= logits
        for name, answer_NC in answers.items():
            is_right_N = answer_NC.detach().argmax(dim=1) == label_N
            losses[f'{name}_top1'] = is_right_N.float().mean()
        return losses

    def _scores(
        self,
        logits: dict[str, Tensor],
        answers: dict[str, Tensor],
        fused_NC: Tensor,
        targets: ActionTargets,
    ) -> ActionScores:
        num_clips = next(iter(logits.values())).shape[0] // len(fused_NC)
        label_N = targets.label_B.repeat_interleave(num_clips)
        loss_N = sum(self.head.losses(logits, label_N).values())
        alone = {}
        if len(answers) > 1:
            alone = {f'{s}_prob_BC': z.softmax(dim=1) for s, z in answers.items()}
        return ActionScores(
            prob_BC=fused_NC.softmax(dim=1),
            loss_B=loss_N.unflatten(0, (-1, num_clips)).mean(dim=1),
            label_B=targets.label_B,
            sample_id_B=targets.sample_id_B,
            group_id_B=targets.group_id_B,
            **alone,
        )

    def _dump_init_info(self) -> None:
        """Skip mmengine's three log lines per parameter."""

    def _complete(self, head: dict) -> dict:
        """Fill in what the backbone gives and the config leaves out."""
        head = copy.deepcopy(head)
        if head.get('in_channels') is None:
            channels = getattr(self.backbone, 'out_channels', None)
            if not isinstance(channels, Mapping):
                raise ValueError(
                    f'{type(self.backbone).__name__} does not tell its out_channels by '
                    'stream: set model.head.in_channels, as dict(rgb=432, pose=216)'
                )
            head['in_channels'] = dict(channels)
        return head


def flatten_clips(inputs: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], int]:
    """Make one batch of all clips of all videos.

    Args:
        inputs: name to (N, C, T, H, W), or to (N, S, C, T, H, W).

    Returns:
        ``(inputs, num_clips)``: name to (N S, C, T, H, W), the clips of a video in a
        row, and S, which is 1 for one clip each.

    Raises:
        ValueError: there are no inputs, or not as many clips of everything.
    """
    counts = [
        (x.shape[0], x.shape[1] if x.ndim == CLIPS_NDIM else 1) for x in inputs.values()
    ]
    # compared, not put into a set: sizes of an exported program have no hash
    if not counts or any(count != counts[0] for count in counts[1:]):
        shapes = {name: tuple(x.shape) for name, x in inputs.items()}
        raise ValueError(
            f'inputs must hold as many videos and clips of everything, got {shapes}'
        )
    num_clips = counts[0][1]
    flat = {
        name: x.flatten(0, 1) if x.ndim == CLIPS_NDIM else x
        for name, x in inputs.items()
    }
    return flat, num_clips
