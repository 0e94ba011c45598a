"""What a small model learns from the answers of large ones. Shapes: B images."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


def distillation_loss(
    student_logits_B: Tensor, teacher_logits_B: Tensor, *, temperature: float
) -> Tensor:
    """Divergence of the student's softened answer from the teacher's.

    ``T^2 KL(Bernoulli(sigmoid(t / T)) || Bernoulli(sigmoid(s / T)))``. The factor
    keeps the size of the gradient when T changes. A softmax over one logit, as for
    classes, would be 1 whatever the logit is, and the divergence 0.

    Args:
        student_logits_B: (B,) log-odds s.
        teacher_logits_B: (B,) log-odds t; no gradient flows into them.
        temperature: T > 0; large ones tell more about how sure the teacher is.

    Returns:
        (B,) float32, nats, >= 0.

    Raises:
        ValueError: the shapes differ, or ``temperature`` is out of range.

    Source:
        Hinton et al., Distilling the Knowledge in a Neural Network, 2015,
        arXiv:1503.02531, section 2, for two classes.

    Example:
        >>> distillation_loss(torch.zeros(1), torch.zeros(1), temperature=3.0)
        tensor([0.])
    """
    if not temperature > 0:
        raise ValueError(f'temperature must be > 0, got {temperature}')
    if student_logits_B.shape != teacher_logits_B.shape:
        raise ValueError(
            'student and teacher must have one shape, got '
            f'{tuple(student_logits_B.shape)} and {tuple(teacher_logits_B.shape)}'
        )
    student_B = student_logits_B.float() / temperature
    teacher_B = teacher_logits_B.detach().float() / temperature
    prob_B = teacher_B.sigmoid()
    # differences of log-probabilities: nothing is lost where both are sure
    kl_B = prob_B * (F.logsigmoid(teacher_B) - F.logsigmoid(student_B)) + (
        1 - prob_B
    ) * (F.logsigmoid(-teacher_B) - F.logsigmoid(-student_B))
    return temperature**2 * kl_B


def mean_probability_logit(logits: Sequence[Tensor]) -> Tensor:
    """Return the log-odds of the mean of several probabilities.

    Args:
        logits: (B,) log-odds each, at least one.

    Returns:
        (B,) float32, finite for finite logits, also where the mean rounds to 0 or 1.

    Example:
        >>> mean_probability_logit([torch.tensor([0.0]), torch.tensor([0.0])])
        tensor([0.])
    """
    stacked_MB = torch.stack([z.float() for z in logits])
    # the number of models cancels
    return F.logsigmoid(stacked_MB).logsumexp(dim=0) - F.logsigmoid(
        -stacked_MB
    ).logsumexp(dim=0)
