"""One answer from several streams and several clips.

Shapes: N videos, S clips of each, C classes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

#: what is added up: raw logits, or probabilities
FUSIONS = ('score', 'prob')


def average_clips(logits_NSC: Tensor, *, fusion: str) -> Tensor:
    """Average what a model says of several clips of each video.

    Args:
        logits_NSC: (N, S, C), S >= 1.
        fusion: ``score``, the mean of the logits, or ``prob``, of the probabilities.

    Returns:
        (N, C) float32 (float64 stays), whose softmax is the answer.

    Raises:
        ValueError: ``fusion`` is another word.
    """
    check_fusion(fusion)
    logits_NSC = _at_least_float32(logits_NSC)
    if fusion == 'score':
        return logits_NSC.mean(dim=1)
    num_clips = logits_NSC.shape[1]
    return F.log_softmax(logits_NSC, dim=2).logsumexp(dim=1) - math.log(num_clips)


def fuse_streams(
    logits: Mapping[str, Tensor], weights: Mapping[str, float], *, fusion: str
) -> Tensor:
    """Put the answers of streams together.

    ``score`` adds up raw logits, ``sum_s w_s z_s``; ``prob`` probabilities,
    ``log(sum_s w_s softmax(z_s) / sum_s w_s)``. With one stream of weight 1 both give
    its softmax.

    Args:
        logits: name of each stream to its (N, C) logits.
        weights: name of each stream to its weight, >= 0, not all 0; others are not
            looked at.
        fusion: ``score`` or ``prob``.

    Returns:
        (N, C) float32 (float64 stays), whose softmax is the answer.

    Raises:
        ValueError: ``fusion`` is another word, or the weights are out of range.

    Example:
        >>> z = {'rgb': torch.tensor([[2.0, 0.0]]), 'pose': torch.tensor([[0.0, 2.0]])}
        >>> fuse_streams(z, {'rgb': 1, 'pose': 1}, fusion='score')
        tensor([[2., 2.]])
        >>> fuse_streams(z, {'rgb': 1, 'pose': 0}, fusion='prob').softmax(1)
        tensor([[0.8808, 0.1192]])
    """
    check_fusion(fusion)
    check_weights({stream: weights[stream] for stream in logits})
    if fusion == 'score':
        return sum(weights[s] * _at_least_float32(z) for s, z in logits.items())
    total = sum(weights[stream] for stream in logits)
    # in logarithms: nothing is lost where a stream is sure
    weighted_MNC = torch.stack(
        [
            F.log_softmax(_at_least_float32(logits_NC), dim=1)
            + math.log(weights[stream] / total)
            for stream, logits_NC in logits.items()
            if weights[stream] > 0
        ]
    )
    return weighted_MNC.logsumexp(dim=0)


def check_fusion(fusion: str) -> None:
    """Refuse what is no way of fusing.

    Args:
        fusion: the setting.

    Raises:
        ValueError: it is none of ``FUSIONS``.
    """
    if fusion not in FUSIONS:
        raise ValueError(f'fusion must be one of {FUSIONS}, got {fusion!r}')


def check_weights(weights: Mapping[str, float]) -> None:
    """Refuse weights that give no mean.

    Args:
        weights: name of each stream to its weight.

    Raises:
        ValueError: one is negative or not finite, or all are 0.
    """
    is_fine = all(0 <= weight < math.inf for weight in weights.values())
    if not is_fine or not sum(weights.values()) > 0:
        raise ValueError(f'weights must be >= 0 and not all 0, got {dict(weights)}')


def _at_least_float32(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))
