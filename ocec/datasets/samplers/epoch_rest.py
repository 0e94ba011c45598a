"""The rest of an epoch, divided over ranks.

Shapes: D draws of an epoch of all ranks.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


class EpochRest:
    """What a sampler knows of an epoch that was begun before.

    :class:`ocec.engine.train_loop.EpochBasedTrainLoop` tells it.
    """

    #: draws of the epoch that all ranks together have had
    seen = 0
    #: ranks that the epoch was begun with; None for those of now
    begun_with: int | None = None

    def go_on(self, seen: int, begun_with: int) -> None:
        """Let the next iteration yield the rest of an epoch only.

        Args:
            seen: draws that all ranks together have had, >= 0; 0 for a whole epoch.
            begun_with: ranks that had them, >= 1.
        """
        self.seen = seen
        self.begun_with = begun_with


def share_of_rank(order_D: Tensor, *, seen: int, rank: int, ranks: int) -> Tensor:
    """Deal the rest of an epoch out to the ranks, one draw each by turns.

    Args:
        order_D: (D,) draws of the epoch, in the order in which they are dealt.
        seen: how many of them have been dealt, >= 0.
        rank: in [0, ranks).
        ranks: over which the rest is divided, >= 1.

    Returns:
        The draws of this rank, as many as of any other: the first draws of the epoch
        come again where it does not divide.

    Example:
        >>> share_of_rank(torch.tensor([5, 6, 7, 8]), seen=1, rank=1, ranks=2).tolist()
        [7, 5]
    """
    num_rounds = math.ceil(max(len(order_D) - seen, 0) / ranks)
    place = seen + rank + ranks * torch.arange(num_rounds)
    return order_D[place % max(len(order_D), 1)]
