"""The head of one or two streams. Shapes: N clips, S clips of a video, C classes."""

from __future__ import annotations

from collections.abc import Mapping

from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn import functional as F

from ocec.functional.stream_fusion import (
    average_clips,
    check_fusion,
    check_weights,
    fuse_streams,
)
from ocec.models.layers.dense_stack import check_dropout
from ocec.registry import MODELS

INIT_STD = 0.01


@MODELS.register_module()
class TwoStreamHead(BaseModule):
    """For each stream: the mean over time and space, dropout, one linear layer.

    Args:
        num_classes: C >= 2.
        in_channels: name of each stream to the channels of its features; the recogniser
            fills it in from the backbone.
        dropout: probability in [0, 1) before the linear layers.
        loss_weights: name of each stream to the weight of its cross-entropy, >= 0; 1
            where not given.
        fusion: what is added up for the answer of all streams: ``score`` (raw logits)
            or ``prob`` (probabilities). Several clips are averaged in the same way.
        fusion_weights: name of each stream to its weight there, >= 0; 1 where not
            given.
        label_smoothing: mass in [0, 1) of the target spread over all classes.

    Raises:
        ValueError: an argument is out of range, or names a stream that is not there.

    Source:
        The heads of I3D (Carreira and Zisserman, CVPR 2017, arXiv:1705.07750) as
        EPAM-Net has them; it adds up raw logits, MMAction2's RGBPoseConv3D
        probabilities.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: Mapping[str, int],
        *,
        dropout: float = 0.5,
        loss_weights: Mapping[str, float] | None = None,
        fusion: str = 'score',
        fusion_weights: Mapping[str, float] | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        if num_classes < 2:
            raise ValueError(f'num_classes must be >= 2, got {num_classes}')
        if not 0 <= label_smoothing < 1:
            raise ValueError(
                f'label_smoothing must be in [0, 1), got {label_smoothing}'
            )
        check_dropout(dropout)
        check_fusion(fusion)
        self.num_classes = num_classes
        self.streams = tuple(in_channels)
        self.loss_weights = self._weights('loss_weights', loss_weights)
        self.fusion_weights = self._weights('fusion_weights', fusion_weights)
        self.fusion = fusion
        self.label_smoothing = label_smoothing
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.ModuleDict(
            {name: nn.Linear(size, num_classes) for name, size in in_channels.items()}
        )

    def init_weights(self) -> None:
        """Normal weights of standard deviation 0.01, biases of 0."""
        for layer in self.fc.values():
            nn.init.normal_(layer.weight, std=INIT_STD)
            nn.init.zeros_(layer.bias)

    def forward(self, feats: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return the logits of each stream.

        Args:
            feats: name of each stream to its (N, D, T, h, w) features.

        Returns:
            Name of each stream to (N, C).
        """
        return {
            stream: layer(self.dropout(_clip_mean(feats[stream])))
            for stream, layer in self.fc.items()
        }

    def losses(
        self, logits: Mapping[str, Tensor], label_N: Tensor
    ) -> dict[str, Tensor]:
        """Return the cross-entropy of each stream, times its weight.

        Args:
            logits: name of each stream to (N, C).
            label_N: (N,) int64 in [0, C).

        Returns:
            Name of each stream to (N,) nats.
        """
        return {
            stream: self.loss_weights[stream]
            * F.cross_entropy(
                logits_NC.float(),
                label_N,
                label_smoothing=self.label_smoothing,
                reduction='none',
            )
            for stream, logits_NC in logits.items()
        }

    def average(self, logits_NSC: Tensor) -> Tensor:
        """Average the (N, S, C) logits of clips to (N, C)."""
        return average_clips(logits_NSC, fusion=self.fusion)

    def fuse(self, logits: Mapping[str, Tensor]) -> Tensor:
        """Put the answers of the streams together.

        Args:
            logits: name of each stream to (N, C).

        Returns:
            (N, C) logits, whose softmax is the answer of all streams.
        """
        return fuse_streams(logits, self.fusion_weights, fusion=self.fusion)

    def _weights(
        self, name: str, given: Mapping[str, float] | None
    ) -> dict[str, float]:
        if unknown := set(given or {}) - set(self.streams):
            raise ValueError(
                f'{name} names {", ".join(sorted(unknown))}, the streams are '
                f'{", ".join(self.streams)}'
            )
        weights = {**dict.fromkeys(self.streams, 1.0), **(given or {})}
        try:
            check_weights(weights)
        except ValueError as error:
            raise ValueError(f'{name}: {error}') from error
        return weights


def _clip_mean(x_NDTHW: Tensor) -> Tensor:
    # permuted first, as in global_pool: the gradient is laid out as the features are
    return x_NDTHW.permute(0, 2, 3, 4, 1).mean(dim=(1, 2, 3))
