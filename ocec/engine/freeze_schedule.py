"""When frozen parts of a model are unfrozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from ocec.engine.metric_rule import RULES, rule_of
from ocec.engine.model_stages import select_parameters


@dataclass(frozen=True)
class UnfreezeStep:
    """One step from frozen to trained.

    Args:
        stages: patterns, see :func:`ocec.engine.model_stages.select_parameters`.
        epoch: trained epochs before which it is not made, >= 1.
        monitor: full name of a validation metric, as ``eye/f1``, that has to pass.
        value: that the metric has to reach.
        rule: ``greater`` or ``less`` is better; by default ``less`` for a loss or an
            error, else ``greater``.
        latest: trained epochs after which it is made whatever the metric says, >= 1.

    Raises:
        ValueError: nothing says when, or an argument is missing or out of range.
    """

    stages: str | Sequence[str]
    epoch: int | None = None
    monitor: str | None = None
    value: float | None = None
    rule: str | None = None
    latest: int | None = None

    def __post_init__(self) -> None:
        """Check the arguments."""
        if (self.monitor is None) != (self.value is None):
            raise ValueError(
                'unfreeze: monitor and value belong together, got '
                f'monitor={self.monitor!r} and value={self.value!r}'
            )
        if self.monitor is None and self.latest is not None:
            raise ValueError(
                'unfreeze: latest is for a metric that may never pass; without '
                f'monitor say epoch={self.latest}'
            )
        if self.epoch is None and self.monitor is None:
            raise ValueError(
                f'unfreeze of {self.stages!r}: say when, by epoch or by monitor and '
                'value'
            )
        for name in ('epoch', 'latest'):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ValueError(f'unfreeze: {name} must be >= 1, got {number}')
        if self.latest is not None and self.latest < (self.epoch or 1):
            raise ValueError(
                f'unfreeze: latest={self.latest} is before epoch={self.epoch}'
            )
        if self.rule is not None and self.rule not in RULES:
            raise ValueError(f'rule must be one of {RULES}, got {self.rule!r}')

    def is_due(self, epoch: int, metrics: Mapping[str, float]) -> bool:
        """Whether the step is to be made.

        Args:
            epoch: epochs trained so far.
            metrics: of the last validation; empty if there was none since the step
                before.

        Returns:
            True from the first epoch on at which its conditions hold.
        """
        if self.latest is not None and epoch >= self.latest:
            return True
        if self.epoch is not None and epoch < self.epoch:
            return False
        if self.monitor is None:
            return True
        found = metrics.get(self.monitor)
        if found is None:
            return False
        rule = self.rule or rule_of(self.monitor)
        return found >= self.value if rule == 'greater' else found <= self.value


def parse_steps(unfreeze: Sequence[Mapping]) -> list[UnfreezeStep]:
    """Make steps of a config's dicts.

    Args:
        unfreeze: arguments of :class:`UnfreezeStep` each.

    Returns:
        The steps, in their order.

    Raises:
        ValueError: a dict has an unknown key, lacks ``stages``, or says nonsense.
    """
    known = [field.name for field in fields(UnfreezeStep)]
    steps = []
    for index, step in enumerate(unfreeze):
        unknown = [key for key in step if key not in known]
        if unknown or 'stages' not in step:
            problem = f'has no {unknown[0]!r}' if unknown else 'lacks stages'
            raise ValueError(
                f'unfreeze[{index}] {problem}; its keys are {", ".join(known)}'
            )
        steps.append(UnfreezeStep(**step))
    return steps


def plan_freezing(
    stages: dict[str, list[str]],
    freeze: str | Sequence[str],
    steps: Sequence[UnfreezeStep],
) -> tuple[set[str], list[set[str]]]:
    """Find the parameters that are frozen first and those that each step frees.

    Args:
        stages: of the model, see :func:`ocec.engine.model_stages.parameter_stages`.
        freeze: patterns of what is frozen at the start.
        steps: in their order.

    Returns:
        Names of the frozen parameters, and for each step those it unfreezes.

    Raises:
        ValueError: a pattern matches nothing, everything is frozen, or a step
            unfreezes nothing.
    """
    frozen = select_parameters(stages, freeze, where='FreezeHook.freeze')
    if all(name in frozen for names in stages.values() for name in names):
        raise ValueError(
            f'FreezeHook.freeze={freeze!r} freezes every parameter, so that nothing '
            f'would be trained. The stages are {", ".join(stages)}'
        )
    freed, left = [], set(frozen)
    for index, step in enumerate(steps):
        where = f'FreezeHook.unfreeze[{index}]'
        chosen = left & select_parameters(stages, step.stages, where=where)
        if not chosen:
            raise ValueError(
                f'{where}: nothing of {step.stages!r} is frozen by then, so it would '
                'unfreeze nothing'
            )
        freed.append(chosen)
        left -= chosen
    return frozen, freed
