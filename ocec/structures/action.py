"""What flows for clips of actions. Shapes: B videos in the batch, C classes."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ocec.structures.batch import _StructOfArrays


@dataclass(frozen=True)
class ActionTargets(_StructOfArrays):
    """What is known of a batch of videos before the model sees it.

    Args:
        label_B: (B,) int64, number of the action, from 0.
        sample_id_B: (B,) int64, number of the video in the dataset's source;
            identifies it through shuffling, padding and ranks.
        group_id_B: (B,) int64, code of the subject or recording; -1 is unknown.
    """

    label_B: Tensor
    sample_id_B: Tensor
    group_id_B: Tensor


@dataclass(frozen=True)
class ActionScores(_StructOfArrays):
    """What a model says of a batch of videos, beside what is known of it.

    Args:
        prob_BC: (B, C) float32 in [0, 1], rows sum to 1: of the streams together, or
            of the only one.
        loss_B: (B,) float32, validation loss of each video in nats, the weighted sum
            over the streams.
        label_B: (B,) int64, as in :class:`ActionTargets`.
        sample_id_B: (B,) int64, as in :class:`ActionTargets`.
        group_id_B: (B,) int64, as in :class:`ActionTargets`.
        rgb_prob_BC: (B, C) float32, of the RGB stream alone; None unless the model
            has both streams.
        pose_prob_BC: (B, C) float32, of the pose stream alone; None unless the model
            has both streams.
    """

    prob_BC: Tensor
    loss_B: Tensor
    label_B: Tensor
    sample_id_B: Tensor
    group_id_B: Tensor
    rgb_prob_BC: Tensor | None = None
    pose_prob_BC: Tensor | None = None
