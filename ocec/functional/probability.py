"""The one map from logits to P(open).

Training, validation, test, inference and export all call it, so that a number
means the same everywhere. Shapes: B images.
"""

from torch import Tensor

CLOSED = 0
OPEN = 1
CLASS_NAMES = ('closed', 'open')
DEFAULT_THRESHOLD = 0.5


def prob_open(logits: Tensor) -> Tensor:
    """Turn logits into the probability that the eye is open.

    Args:
        logits: (B,) or (B, 1), the score of open before the sigmoid; or (B, 2), the
            scores of closed and open before the softmax.

    Returns:
        (B,) float32 in [0, 1].

    Raises:
        ValueError: another shape.

    Example:
        >>> import torch
        >>> prob_open(torch.tensor([0.0]))
        tensor([0.5000])
        >>> prob_open(torch.tensor([[0.0, 0.0]]))
        tensor([0.5000])
    """
    return open_logit(logits).sigmoid()


def open_logit(logits: Tensor) -> Tensor:
    """Reduce logits to the one whose sigmoid is P(open).

    Losses, probability and export share it, so that what is trained is what is
    reported: a softmax over two logits is the sigmoid of their difference.

    Args:
        logits: (B,), (B, 1) or (B, 2), as in :func:`prob_open`.

    Returns:
        (B,) float32, the log-odds of open.

    Raises:
        ValueError: another shape.

    Example:
        >>> import torch
        >>> open_logit(torch.tensor([[1.0, 3.0]]))
        tensor([2.])
    """
    logits = logits.float()
    if logits.ndim == 1:
        return logits
    if logits.ndim == 2 and logits.shape[1] == 1:
        return logits[:, 0]
    if logits.ndim == 2 and logits.shape[1] == 2:
        return logits[:, OPEN] - logits[:, CLOSED]
    raise ValueError(
        f'logits must have shape (B,), (B, 1) or (B, 2), got {tuple(logits.shape)}'
    )


def is_open(prob_open_B: Tensor, threshold: float = DEFAULT_THRESHOLD) -> Tensor:
    """Decide open or closed; the threshold itself counts as open.

    Args:
        prob_open_B: (B,) P(open) in [0, 1].
        threshold: in [0, 1].

    Returns:
        (B,) bool, True for open.
    """
    return prob_open_B >= threshold
