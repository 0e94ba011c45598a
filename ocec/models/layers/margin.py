"""Margin layers: two logits from an embedding. Shapes: B images, D channels."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ocec.functional.margins import arcface_logits, cosface_logits, cosine_scores
from ocec.registry import MODELS


class AngularMargin(nn.Module):
    """Logits from the cosine with a direction per class; a margin in training only.

    Without targets, and in evaluation, the logits are ``s_val * cos``: P(open) is
    ``sigmoid(s_val * (cos_open - cos_closed))``.

    Args:
        in_channels: D of the embedding; the head fills it in.
        m: margin that training ends up with.
        s: scale of the training logits, > 0.
        s_val: scale of the logits that predict, > 0; None is ``s``. Probabilities
            reach at most ``sigmoid(2 * s_val)``.
        warmup_epochs: the margin grows from 0 to ``m`` over these epochs; 0 starts
            with ``m``. The runner's MarginWarmupHook tells the epoch.

    Raises:
        ValueError: an argument is out of range.
    """

    #: margins are below this
    max_margin: float

    def __init__(
        self,
        in_channels: int,
        m: float,
        s: float,
        *,
        s_val: float | None = None,
        warmup_epochs: float = 0,
    ) -> None:
        super().__init__()
        s_val = s if s_val is None else s_val
        if not 0 <= m < self.max_margin:
            raise ValueError(f'm must be in [0, {self.max_margin:.4g}), got {m}')
        if not (s > 0 and s_val > 0):
            raise ValueError(f's and s_val must be > 0, got {s} and {s_val}')
        if warmup_epochs < 0:
            raise ValueError(f'warmup_epochs must be >= 0, got {warmup_epochs}')
        self.m, self.s, self.s_val = m, s, s_val
        self.warmup_epochs = warmup_epochs
        self.weight = nn.Parameter(torch.empty(2, in_channels))
        self._epoch: float | None = None
        self.init_weights()

    def init_weights(self) -> None:
        """Xavier-uniform directions."""
        nn.init.xavier_uniform_(self.weight)

    def set_epoch(self, epoch: float) -> None:
        """Tell how far training is, for the warmup.

        Args:
            epoch: epochs trained so far, fractions included, >= 0.
        """
        self._epoch = epoch

    @property
    def current_m(self) -> float:
        """Margin at the epoch told last; ``m`` when there is no warmup.

        Raises:
            RuntimeError: there is a warmup and nobody told the epoch.
        """
        if not self.warmup_epochs:
            return self.m
        if self._epoch is None:
            raise RuntimeError(
                f'{type(self).__name__} warms its margin up over '
                f'{self.warmup_epochs:g} epochs but is not told the epoch: keep '
                "default_hooks.margin_warmup=dict(type='MarginWarmupHook'), or call "
                'set_epoch'
            )
        return self.m * min(1.0, self._epoch / self.warmup_epochs)

    def forward(self, embedding_BD: Tensor, targets_B: Tensor | None = None) -> Tensor:
        """Return the logits of closed and open.

        Args:
            embedding_BD: (B, D).
            targets_B: (B,) 1 open, 0 closed, or soft labels in [0, 1]; in training
                they get the margin, in evaluation they change nothing.

        Returns:
            (B, 2) float32.
        """
        cosine_B2 = cosine_scores(embedding_BD, self.weight)
        if targets_B is None or not self.training:
            return self.s_val * cosine_B2
        return self._with_margin(cosine_B2, targets_B)

    def _with_margin(self, cosine_B2: Tensor, targets_B: Tensor) -> Tensor:
        raise NotImplementedError


@MODELS.register_module()
class CosFace(AngularMargin):
    """Margin on the cosine, see :func:`ocec.functional.margins.cosface_logits`.

    Args:
        in_channels: D of the embedding; the head fills it in.
        m: margin in [0, 2), in cosine.
        s: scale of the training logits, > 0.
        s_val: scale of the logits that predict, > 0; None is ``s``.
        warmup_epochs: epochs over which the margin grows from 0.
    """

    max_margin = 2.0  # cosines differ by less

    def __init__(
        self,
        in_channels: int,
        m: float = 0.35,
        s: float = 8.0,
        *,
        s_val: float | None = None,
        warmup_epochs: float = 0,
    ) -> None:
        super().__init__(in_channels, m, s, s_val=s_val, warmup_epochs=warmup_epochs)

    def _with_margin(self, cosine_B2: Tensor, targets_B: Tensor) -> Tensor:
        return cosface_logits(cosine_B2, targets_B, m=self.current_m, s=self.s)


@MODELS.register_module()
class ArcFace(AngularMargin):
    """Margin on the angle, see :func:`ocec.functional.margins.arcface_logits`.

    Args:
        in_channels: D of the embedding; the head fills it in.
        m: margin in [0, pi / 2), in radians.
        s: scale of the training logits, > 0.
        s_val: scale of the logits that predict, > 0; None is ``s``.
        warmup_epochs: epochs over which the margin grows from 0.
    """

    max_margin = math.pi / 2  # beyond, the logit would rise again past pi - m

    def __init__(
        self,
        in_channels: int,
        m: float = 0.2,
        s: float = 8.0,
        *,
        s_val: float | None = None,
        warmup_epochs: float = 0,
    ) -> None:
        super().__init__(in_channels, m, s, s_val=s_val, warmup_epochs=warmup_epochs)

    def _with_margin(self, cosine_B2: Tensor, targets_B: Tensor) -> Tensor:
        return arcface_logits(cosine_B2, targets_B, m=self.current_m, s=self.s)
