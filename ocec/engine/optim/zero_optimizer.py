"""An optimizer whose state is divided over the ranks (ZeRO, stage 1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from mmengine.dist import is_distributed
from mmengine.optim import OptimWrapper
from torch import Tensor
from torch.distributed.optim import ZeroRedundancyOptimizer as TorchZeroOptimizer

from ocec.registry import OPTIMIZERS


@OPTIMIZERS.register_module()
class ZeroRedundancyOptimizer(TorchZeroOptimizer):
    """torch's: each rank keeps the state of its own share of the parameters only.

    Every rank updates its share and sends it to the others. The results are those of
    the optimizer itself. A checkpoint holds the whole state, so it can be resumed with
    any number of ranks, and without this class.

    Args:
        params: parameters, or groups of them.
        optimizer_type: name of an optimizer of ``torch.optim``, e.g. ``AdamW``.
        **settings: of that optimizer.

    Raises:
        ValueError: there is no such optimizer, or only one process.

    Source:
        Rajbhandari et al., ZeRO: Memory Optimizations Toward Training Trillion
        Parameter Models, SC 2020, section 5.1, arXiv:1910.02054.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict],
        optimizer_type: str,
        **settings: Any,
    ) -> None:
        optimizer_class = getattr(torch.optim, optimizer_type, None)
        if not (
            isinstance(optimizer_class, type)
            and issubclass(optimizer_class, torch.optim.Optimizer)
        ):
            raise ValueError(
                'optimizer_type must name an optimizer of torch.optim, as "AdamW", got '
                f'{optimizer_type!r}'
            )
        if not is_distributed():
            raise ValueError(
                "ZeroRedundancyOptimizer divides the optimizer's state over ranks, and "
                'there is one process: start several with tools/dist_train.sh, or use '
                f'optim_wrapper.optimizer=dict(type={optimizer_type!r}, ...)'
            )
        super().__init__(list(params), optimizer_class, **settings)


def gather_optimizer_state(optim_wrapper: OptimWrapper) -> None:
    """Bring the state of the optimizer to the first rank, where it is divided.

    Only after this the first rank can call ``state_dict``.

    Args:
        optim_wrapper: of the run; every rank must call this.
    """
    optimizer = getattr(optim_wrapper, 'optimizer', None)
    if isinstance(optimizer, TorchZeroOptimizer):
        optimizer.consolidate_state_dict(to=0)
