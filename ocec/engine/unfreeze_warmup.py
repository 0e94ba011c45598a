"""A learning rate that grows again after parts of a model were unfrozen."""

from __future__ import annotations

from collections.abc import Sequence

from mmengine.runner import Runner
from torch import nn
from torch.optim import Optimizer

UNFROZEN, EVERYTHING = 'unfrozen', 'all'


class UnfreezeWarmup:
    """Lower the rates of an iteration and put them back after it.

    Schedulers multiply the rate they find, so they must find their own.

    Args:
        epochs: length of a warmup, >= 0.
        of: ``unfrozen`` or ``all``.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(self, epochs: float, of: str) -> None:
        if not epochs >= 0:
            raise ValueError(f'warmup_epochs must be >= 0, got {epochs}')
        if of not in (UNFROZEN, EVERYTHING):
            raise ValueError(
                f'warmup_of must be {UNFROZEN!r} or {EVERYTHING!r}, got {of!r}'
            )
        self.epochs = epochs
        self.of = of
        self._groups: list[list[int]] = []
        self._rates: list[float] | None = None

    def find_groups(
        self, optimizer: Optimizer, freed: Sequence[Sequence[nn.Parameter]]
    ) -> None:
        """Find the parameter groups that each step warms up.

        Args:
            optimizer: of the run.
            freed: parameters that each step unfreezes.

        Raises:
            ValueError: a group holds some of a step's parameters and others too.
        """
        groups = optimizer.param_groups
        if self.of == EVERYTHING or not self.epochs:
            self._groups = [list(range(len(groups))) for _ in freed]
            return
        self._groups = []
        for index, params in enumerate(freed):
            wanted = {id(param) for param in params}
            counts = [sum(id(p) in wanted for p in g['params']) for g in groups]
            sizes = [len(group['params']) for group in groups]
            if any(0 < n < size for n, size in zip(counts, sizes, strict=True)):
                raise ValueError(
                    f"FreezeHook.warmup_of='unfrozen': what unfreeze[{index}] frees "
                    'shares a parameter group, and so its learning rate, with other '
                    "parameters. Set optim_wrapper.constructor='LayerWiseLR' and "
                    "unfreeze whole stages, or warmup_of='all'"
                )
            self._groups.append([i for i, count in enumerate(counts) if count])

    def lower(self, runner: Runner, made_at: Sequence[int]) -> None:
        """Lower the rates of the groups in a warmup.

        Args:
            runner: the runner.
            made_at: iteration at which each step was made.
        """
        length = self.epochs * len(runner.train_dataloader)
        factors: dict[int, float] = {}
        for start, indices in zip(made_at, self._groups, strict=False):
            factor = (runner.iter - start + 1) / length if length else 1.0
            if factor < 1:
                # a later step starts everything anew
                factors.update(dict.fromkeys(indices, factor))
        if not factors:
            return
        groups = runner.optim_wrapper.optimizer.param_groups
        self._rates = [group['lr'] for group in groups]
        for index, factor in factors.items():
            groups[index]['lr'] *= factor

    def restore(self, runner: Runner) -> None:
        """Put the rates back.

        Args:
            runner: the runner.
        """
        if self._rates is None:
            return
        groups = runner.optim_wrapper.optimizer.param_groups
        for group, rate in zip(groups, self._rates, strict=True):
            group['lr'] = rate
        self._rates = None
