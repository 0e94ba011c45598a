"""From what each of two digits is to which is larger.

Shapes: B pairs, T = 45 unordered pairs of the K = 10 digits.
"""

import torch
from torch import Tensor

from ocec.functional.digit_pairs import DEFAULT_ADJACENCY, NUM_DIGITS


def pair_prior(adjacency: float = DEFAULT_ADJACENCY) -> Tensor:
    """Return how often each pair of digits is drawn.

    With probability ``adjacency`` the digits are neighbours, otherwise any two that
    differ; every pair of the kind drawn is as likely as the others.

    Args:
        adjacency: in [0, 1).

    Returns:
        (10, 10) float32, P(left is i, right is j); symmetric, 0 on the diagonal,
        sums to 1.

    Raises:
        ValueError: ``adjacency`` is out of range.

    Example:
        >>> round(pair_prior(0.8).diagonal(offset=1).sum().item() * 2, 4)
        0.84
    """
    if not 0 <= adjacency < 1:
        raise ValueError(f'adjacency must be in [0, 1), got {adjacency}')
    digits_K = torch.arange(NUM_DIGITS)
    distance_KK = (digits_K[:, None] - digits_K[None]).abs()
    is_near_KK, is_unequal_KK = (distance_KK == 1).float(), (distance_KK > 0).float()
    return (
        adjacency * is_near_KK / is_near_KK.sum()
        + (1 - adjacency) * is_unequal_KK / is_unequal_KK.sum()
    )


def order_log_weights(adjacency: float = DEFAULT_ADJACENCY) -> Tensor:
    """Return the weights that make :func:`order_logit` the rule of Bayes.

    A posterior P(i | image) holds the share of digit i among the images already, which
    is divided out: ``log(P(i, j) / (P(i) P(j)))``.

    Args:
        adjacency: as in :func:`pair_prior`.

    Returns:
        (T,) float32, of the pairs i > j in the order of ``torch.tril_indices``.

    Raises:
        ValueError: ``adjacency`` is out of range.
    """
    prior_KK = pair_prior(adjacency)
    share_K = prior_KK.sum(dim=1)
    weight_KK = prior_KK / (share_K[:, None] * share_K[None])
    larger_T, smaller_T = larger_and_smaller()
    return weight_KK[larger_T, smaller_T].log()


def larger_and_smaller() -> tuple[Tensor, Tensor]:
    """Return the pairs of digits that differ.

    Returns:
        (T,) int64 each: the larger digit, the smaller digit.
    """
    larger_T, smaller_T = torch.tril_indices(NUM_DIGITS, NUM_DIGITS, offset=-1)
    return larger_T, smaller_T


def order_logit(
    log_left_BK: Tensor, log_right_BK: Tensor, log_weight_T: Tensor
) -> Tensor:
    """Return the log-odds that the left digit is the larger one.

    ``log(sum_{i>j} p_i w_ij q_j) - log(sum_{i<j} p_i w_ij q_j)``. With the
    antisymmetric matrix W_ij = sign(i - j) w_ij this is
    ``2 artanh(p' W q / p' |W| q)``. Swapped sides flip the sign exactly.

    Args:
        log_left_BK: (B, 10) log-probabilities of the left digit.
        log_right_BK: (B, 10) of the right digit.
        log_weight_T: (45,) of the pairs i > j, see :func:`order_log_weights`.

    Returns:
        (B,) in the dtype of the arguments.

    Example:
        >>> log_p = torch.full((1, 10), -20.0)
        >>> left, right = log_p.clone(), log_p.clone()
        >>> left[0, 7], right[0, 3] = 0.0, 0.0  # surely 7, surely 3
        >>> order_logit(left, right, torch.zeros(45)).item() > 10
        True
    """
    larger_T, smaller_T = larger_and_smaller()
    is_larger_BT = log_left_BK[:, larger_T] + log_right_BK[:, smaller_T] + log_weight_T
    is_smaller_BT = log_right_BK[:, larger_T] + log_left_BK[:, smaller_T] + log_weight_T
    return is_larger_BT.logsumexp(dim=1) - is_smaller_BT.logsumexp(dim=1)
