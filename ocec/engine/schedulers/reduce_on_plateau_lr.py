"""A learning rate that is cut when a metric stops improving."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence

from mmengine.logging import print_log
from mmengine.optim import BaseOptimWrapper
from mmengine.optim import ReduceOnPlateauLR as MMEngineReduceOnPlateauLR
from mmengine.optim.scheduler.param_scheduler import INF
from torch.optim import Optimizer

from ocec.engine.metric_rule import RULES, rule_of
from ocec.registry import PARAM_SCHEDULERS

THRESHOLD_RULES = ('rel', 'abs')
# the rest of the state is settings, and those come from the config
COUNTERS = (
    'best',
    'num_bad_epochs',
    'cooldown_counter',
    'last_step',
    '_global_step',
    '_last_value',
)


@PARAM_SCHEDULERS.register_module()
class ReduceOnPlateauLR(MMEngineReduceOnPlateauLR):
    """Cut the learning rate when a metric has not improved for some validations.

    The arithmetic is that of torch's ``ReduceLROnPlateau``: the cut comes at the
    validation ``patience + 1`` in a row without improvement. mmengine's own counts
    its epochs from 1 where other schedulers count from 0, so that ``begin=5`` takes
    in the last epoch of a warmup with ``end=5`` and the last epoch of a run is left
    out; a resumed run keeps the settings, and the end, of its checkpoint.

    After a warmup, ``begin`` is the warmup's ``end``; earlier validations are not
    looked at::

        [dict(type='LinearLR', start_factor=0.2, end=5),
         dict(type='ReduceOnPlateauLR', monitor='eye/loss', begin=5)]

    Args:
        optimizer: optimizer or optim wrapper.
        monitor: full name of a validation metric, as ``eye/loss``.
        rule: ``greater`` or ``less`` is better; by default ``less`` for a loss or an
            error, else ``greater``.
        factor: what the rate is multiplied by, in (0, 1).
        patience: validations without improvement that are let pass, >= 0.
        threshold: smallest improvement that counts, >= 0.
        threshold_rule: ``rel``: a share of the best value, which must not be negative;
            ``abs``: a difference.
        cooldown: validations after a cut that are not counted as bad, >= 0.
        min_value: lower bound of the rate, or of that of each parameter group.
        eps: smallest cut that is made.
        begin: first epoch, from 0, whose validation counts.
        end: epoch before which counting stops; the run's last counts unless given.
        by_epoch: must be True.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        optimizer: Optimizer | BaseOptimWrapper,
        monitor: str,
        *,
        rule: str | None = None,
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_rule: str = 'rel',
        cooldown: int = 0,
        min_value: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
        begin: int = 0,
        end: int = INF,
        by_epoch: bool = True,
    ) -> None:
        if not by_epoch:
            raise ValueError('ReduceOnPlateauLR looks at validations: by_epoch=True')
        rule = rule_of(monitor) if rule is None else rule
        for name, value, allowed in (
            ('rule', rule, RULES),
            ('threshold_rule', threshold_rule, THRESHOLD_RULES),
        ):
            if value not in allowed:
                raise ValueError(f'{name} must be one of {allowed}, got {value!r}')
        if not 0 < factor < 1:
            raise ValueError(f'factor must be in (0, 1), got {factor}')
        for name, value in (
            ('patience', patience),
            ('threshold', threshold),
            ('cooldown', cooldown),
        ):
            if not value >= 0:
                raise ValueError(f'{name} must be >= 0, got {value}')
        if end <= begin:
            _warn(
                f'ReduceOnPlateauLR begins after {begin} epochs and ends after {end}, '
                'the length of the run unless given: it never cuts the rate'
            )
        super().__init__(
            optimizer,
            monitor=monitor,
            rule=rule,
            factor=factor,
            patience=patience,
            threshold=threshold,
            threshold_rule=threshold_rule,
            cooldown=cooldown,
            min_value=min_value,
            eps=eps,
            begin=begin,
            end=max(end, begin + 1),  # mmengine refuses an empty range
        )
        self.end = end
        self.best = math.inf if rule == 'less' else -math.inf
        self._warn_of_warmup()

    def step(self, metrics: Mapping[str, float] | None = None) -> None:
        """Count a trained epoch, or look at the validation after it.

        Args:
            metrics: of the validation; None after a trained epoch.

        Raises:
            KeyError: the metric of ``monitor`` is not among them.
        """
        if metrics is None:
            self._global_step += 1
            return
        # a run by iterations counts no epochs
        epoch = max(self._global_step - 1, 0)
        if not self.begin <= epoch < self.end:
            return
        if self.monitor not in metrics:
            raise KeyError(
                f'ReduceOnPlateauLR.monitor={self.monitor!r} is not a validation '
                f'metric; there are {sorted(metrics)}'
            )
        self.last_step += 1
        self._count(float(metrics[self.monitor]))
        if self.num_bad_epochs > self.patience:
            self._cut()
        self._last_value = [group['lr'] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict:
        """Return what it has seen; a resumed run takes the settings from its config."""
        return {name: getattr(self, name) for name in COUNTERS}

    def load_state_dict(self, state_dict: dict) -> None:
        """Go on from there.

        Args:
            state_dict: what ``state_dict`` returned, mmengine's or ours.
        """
        for name in COUNTERS:
            setattr(self, name, state_dict[name])

    def _count(self, value: float) -> None:
        if self._is_better(value, self.best):
            self.best = value
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0

    def _cut(self) -> None:
        before = self._rates()
        for group, value in zip(
            self.optimizer.param_groups, self._get_value(), strict=True
        ):
            if group['lr'] - value > self.eps:
                group['lr'] = value
        if (after := self._rates()) != before:
            print_log(
                f'{self.monitor} has not been better than {self.best:g} for '
                f'{self.num_bad_epochs} validations: lr {before} -> {after}',
                logger='current',
            )
        self.cooldown_counter = self.cooldown
        self.num_bad_epochs = 0

    def _rates(self) -> str:
        rates = {group['lr'] for group in self.optimizer.param_groups}
        return ', '.join(f'{rate:g}' for rate in sorted(rates))

    def _warn_of_warmup(self) -> None:
        """Say when validations will count while another scheduler warms up."""
        group = self.optimizer.param_groups[0]
        if self.begin == 0 and group['lr'] < group['initial_lr']:
            _warn(
                'ReduceOnPlateauLR counts from the first epoch on, while the rate is '
                f'still warmed up ({group["lr"]:g} of {group["initial_lr"]:g}): a cut '
                "would outlast the warmup. Give it begin=<the warmup's epochs>"
            )


def _warn(message: str) -> None:
    print_log(message, logger='current', level=logging.WARNING)
