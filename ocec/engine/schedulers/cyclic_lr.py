"""A learning rate that rises and falls between two bounds, step by step."""

from __future__ import annotations

from typing import Any

from mmengine.optim import BaseOptimWrapper, _ParamScheduler
from mmengine.optim.scheduler.param_scheduler import INF
from torch.optim import Optimizer

from ocec.registry import PARAM_SCHEDULERS

MODES = ('triangular', 'triangular2', 'exp_range')
# the rest of the state is settings, and those come from the config
COUNTERS = ('last_step', '_global_step', '_last_value')


@PARAM_SCHEDULERS.register_module()
class CyclicLR(_ParamScheduler):
    """Let the learning rate run up from ``base_lr`` to ``max_lr`` and down again.

    The bounds hold for the ``lr`` of the optimizer's config. A parameter group whose
    rate is a multiple of that (``lr_mult``, ``auto_scale_lr``) gets the same multiple
    of the cycle.

    Args:
        optimizer: optimizer or optim wrapper.
        base_lr: lower bound, where a cycle starts, >= 0.
        max_lr: upper bound, > ``base_lr``.
        step_size_up: iterations of the rise, > 0; 2 to 10 epochs in the paper.
        step_size_down: iterations of the fall, > 0; by default as many.
        mode: ``triangular``: all cycles are equal; ``triangular2``: the height is
            halved after each cycle; ``exp_range``: it is multiplied by ``gamma`` after
            each iteration.
        gamma: of ``exp_range``, in (0, 1].
        begin: first iteration of the first cycle.
        end: iteration before which the cycles stop; the run's last unless given.
        by_epoch: must be written as False: mmengine counts ``end`` in epochs else.
            With ``convert_to_iter_based=True`` it is True, and ``step_size_up``,
            ``step_size_down``, ``begin`` and ``end`` are given in epochs.

    Raises:
        ValueError: an argument is out of range.

    Source:
        Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017,
        section 3, arXiv:1506.01186.
    """

    def __init__(
        self,
        optimizer: Optimizer | BaseOptimWrapper,
        base_lr: float,
        max_lr: float,
        *,
        step_size_up: float = 2000,
        step_size_down: float | None = None,
        mode: str = 'triangular',
        gamma: float = 1.0,
        begin: int = 0,
        end: int = INF,
        by_epoch: bool = True,
    ) -> None:
        if by_epoch:
            raise ValueError(
                'CyclicLR counts iterations: write by_epoch=False, or add '
                'convert_to_iter_based=True and give its lengths in epochs'
            )
        self.base_lr, self.max_lr = base_lr, max_lr
        self.step_size_up = step_size_up
        self.step_size_down = step_size_up if step_size_down is None else step_size_down
        self.mode, self.gamma = mode, gamma
        self._check()
        self.nominal_lr = _nominal_lr(optimizer)
        super().__init__(optimizer, 'lr', begin=begin, end=end, by_epoch=False)

    @classmethod
    def build_iter_from_epoch(
        cls,
        *args: Any,
        epoch_length: int,
        step_size_up: float = 2000,
        step_size_down: float | None = None,
        begin: int = 0,
        end: int = INF,
        by_epoch: bool = True,
        **kwargs: Any,
    ) -> CyclicLR:
        """Build from lengths in epochs; mmengine calls it for convert_to_iter_based.

        Args:
            *args: passed to the constructor.
            epoch_length: iterations of an epoch, > 0.
            step_size_up: epochs of the rise, > 0; fractions are allowed.
            step_size_down: epochs of the fall, > 0.
            begin: epoch in which the first cycle starts.
            end: epoch before which the cycles stop.
            by_epoch: not used: mmengine asks that it is True.
            **kwargs: passed to the constructor.

        Returns:
            The scheduler, which counts iterations.
        """
        if step_size_down is not None:
            step_size_down *= epoch_length
        return cls(
            *args,
            step_size_up=step_size_up * epoch_length,
            step_size_down=step_size_down,
            begin=begin * epoch_length,
            end=end if end == INF else end * epoch_length,
            by_epoch=False,
            **kwargs,
        )

    def state_dict(self) -> dict:
        """Return how far it is; a resumed run takes the settings from its config."""
        return {name: getattr(self, name) for name in COUNTERS}

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from there.

        Args:
            state_dict: what ``state_dict`` returned.
        """
        for name in COUNTERS:
            setattr(self, name, state_dict[name])

    def _get_value(self) -> list[float]:
        """Compute the rate of each parameter group."""
        rate = self.base_lr + (self.max_lr - self.base_lr) * self._height()
        return [rate * (value / self.nominal_lr) for value in self.base_values]

    def _height(self) -> float:
        """Where the rate is between its bounds, in [0, 1]."""
        period = self.step_size_up + self.step_size_down
        # not last_step: that stands still at the end, which a resumed run may move
        step = self._global_step - self.begin
        cycle, position = divmod(step, period)
        height = min(
            position / self.step_size_up, (period - position) / self.step_size_down
        )
        if self.mode == 'triangular2':
            return height / 2**cycle
        if self.mode == 'exp_range':
            return height * self.gamma**step
        return height

    def _check(self) -> None:
        if not 0 <= self.base_lr < self.max_lr:
            raise ValueError(
                'base_lr must be >= 0 and less than max_lr, got '
                f'base_lr={self.base_lr}, max_lr={self.max_lr}'
            )
        for name in ('step_size_up', 'step_size_down'):
            if not getattr(self, name) > 0:
                raise ValueError(f'{name} must be > 0, got {getattr(self, name)}')
        if self.mode not in MODES:
            raise ValueError(f'mode must be one of {MODES}, got {self.mode!r}')
        if not 0 < self.gamma <= 1:
            raise ValueError(f'gamma must be in (0, 1], got {self.gamma}')
        if self.gamma != 1 and self.mode != 'exp_range':
            raise ValueError(
                f"gamma={self.gamma} is for mode 'exp_range' only, got {self.mode!r}"
            )


def _nominal_lr(optimizer: Optimizer | BaseOptimWrapper) -> float:
    """Return the rate of the optimizer's config, before any multiple of a group."""
    if isinstance(optimizer, BaseOptimWrapper):
        optimizer = optimizer.optimizer
    lr = optimizer.defaults['lr']
    if not lr > 0:
        raise ValueError(f'CyclicLR needs an optimizer with lr > 0, got {lr}')
    return lr
