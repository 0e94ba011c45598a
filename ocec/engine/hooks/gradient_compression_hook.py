"""Gradients that ranks exchange in fewer bytes."""

from __future__ import annotations

import logging

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import (
    bf16_compress_hook,
    fp16_compress_hook,
)
from torch.distributed.algorithms.ddp_comm_hooks.powerSGD_hook import (
    PowerSGDState,
    powerSGD_hook,
)
from torch.nn.parallel import DistributedDataParallel

from ocec.registry import HOOKS

HALVES = {'bf16': bf16_compress_hook, 'fp16': fp16_compress_hook}
METHODS = (*HALVES, 'powersgd')


@HOOKS.register_module()
class GradientCompressionHook(Hook):
    """Compress gradients before ranks exchange them.

    ``bf16`` and ``fp16`` send two bytes a number in place of four, and round; a
    resumed run is exact with them. fp16 overflows above 65,504. ``powersgd`` sends two
    thin factors of each matrix and keeps what is left out for the next step; that
    memory is not in checkpoints, so a resumed run is another one.

    It pays where the exchange takes longer than the backward pass that it overlaps:
    large networks on slow links.

    Args:
        method: ``bf16``, ``fp16`` or ``powersgd``.
        rank: columns of the factors, >= 1; of ``powersgd`` only.
        start: steps after each start of the program that are not compressed, >= 2: the
            order of the gradients changes after the first; of ``powersgd`` only.

    Raises:
        ValueError: an argument is out of range, or the model is wrapped for another
            kind of distribution.

    Source:
        Vogels et al., PowerSGD: Practical Low-Rank Gradient Compression for Distributed
        Optimization, NeurIPS 2019, algorithm 2, arXiv:1905.13727.
    """

    def __init__(self, method: str, *, rank: int = 1, start: int = 1000) -> None:
        if method not in METHODS:
            raise ValueError(f'method must be one of {METHODS}, got {method!r}')
        if rank < 1:
            raise ValueError(f'rank must be >= 1, got {rank}')
        if start < 2:
            raise ValueError(f'start must be >= 2, got {start}')
        self.method = method
        self.rank = rank
        self.start = start

    def before_train(self, runner: Runner) -> None:
        """Set it up.

        Args:
            runner: the runner.
        """
        model = runner.model
        if not runner.distributed:
            _warn(f'{self.method}: one process exchanges no gradients')
            return
        if not isinstance(model, DistributedDataParallel):
            raise ValueError(
                'GradientCompressionHook works on MMDistributedDataParallel, the model '
                f'is in a {type(model).__name__}'
            )
        if self.method in HALVES:
            model.register_comm_hook(None, HALVES[self.method])
            return
        if runner.iter > 0:
            _warn(
                'powersgd: what it left out of the gradients before is lost, so this '
                'run is not bit for bit the one that was stopped'
            )
        state = PowerSGDState(
            process_group=None,
            matrix_approximation_rank=self.rank,
            start_powerSGD_iter=self.start,
        )
        model.register_comm_hook(state, powerSGD_hook)


def _warn(text: str) -> None:
    print_log(
        f'GradientCompressionHook: {text}', logger='current', level=logging.WARNING
    )
