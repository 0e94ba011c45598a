"""A wish of any rank that all of them learn of at the same batch."""

from __future__ import annotations

import torch
from mmengine.dist import is_distributed


class RankAgreement:
    """Tells every rank what any of them wants, one question later.

    The answer is exchanged while the next batch is trained, through gloo and so
    without waiting for a device; one process gets its own answer at once. Every rank
    must ask equally often.
    """

    def __init__(self) -> None:
        self._group = None
        if is_distributed():
            self._group = torch.distributed.new_group(backend='gloo')
        self._wish = torch.zeros(1, dtype=torch.uint8)
        self._work: torch.distributed.Work | None = None

    def ask(self, wish: bool) -> bool:
        """Say what this rank wants now.

        Args:
            wish: whether this rank wants it.

        Returns:
            Whether any rank wanted it at the question before; of one process: now.
        """
        if self._group is None:
            return wish
        agreed = self.last()
        self._wish.fill_(wish)
        self._work = torch.distributed.all_reduce(
            self._wish,
            op=torch.distributed.ReduceOp.MAX,
            group=self._group,
            async_op=True,
        )
        return agreed

    def last(self) -> bool:
        """Wait for the last answer, if one is under way, and return it."""
        if self._work is None:
            return False
        self._work.wait()
        self._work = None
        return bool(self._wish)
