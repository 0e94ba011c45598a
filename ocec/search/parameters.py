"""What a sweep varies: the values that each setting may take."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import Trial

KEYS = {
    'categorical': ('choices',),
    'int': ('low', 'high', 'step', 'log'),
    'float': ('low', 'high', 'step', 'log'),
}
# what a storage keeps as it is; other choices are kept as their text
PLAIN = (bool, int, float, str, type(None))


@dataclass(frozen=True)
class Parameter:
    """A setting and the values that it may take.

    Args:
        key: of the setting, as ``optim_wrapper.optimizer.lr``.
        type: ``categorical``, ``int`` or ``float``.
        choices: of a categorical one, all different.
        low: lowest value of a range.
        high: highest value of a range, > low.
        step: between values of a range; None: any value, of ``int`` 1.
        log: whether equal ratios are equally likely, rather than equal differences.
    """

    key: str
    type: str
    choices: tuple = ()
    low: float = 0
    high: float = 0
    step: float | None = None
    log: bool = False

    @property
    def extremes(self) -> tuple:
        """What to try a config with: every choice, or both ends of the range."""
        return self.choices or (self.low, self.high)

    def grid(self) -> list:
        """List all values.

        Returns:
            The choices, or the steps of the range from ``low`` on.

        Raises:
            ValueError: it is a range without steps.
        """
        if self.type == 'categorical':
            return list(self.choices)
        if self.log or (self.type == 'float' and self.step is None):
            kind = 'a log range' if self.log else 'a range of floats without step'
            raise ValueError(
                f'{self.key}: {kind} has no grid; give a list of values, or step='
            )
        step = self.step or 1
        # the small part lets rounding not lose the last one
        count = math.floor((self.high - self.low) / step + 1e-9) + 1
        values = [self.low + step * index for index in range(count)]
        return values if self.type == 'int' else [round_step(v) for v in values]

    def encode(self, value: Any) -> Any:
        """Return what a storage keeps for a value."""
        return value if isinstance(value, PLAIN) else repr(value)

    def decode(self, stored: Any) -> Any:
        """Return the value that a storage keeps as ``stored``."""
        if self.type == 'int':
            return int(stored)
        if self.type == 'float':
            return round_step(stored) if self.step else float(stored)
        for choice in self.choices:
            same_type = type(self.encode(choice)) is type(stored)
            if same_type and self.encode(choice) == stored:
                return choice
        return stored

    def distribution(self) -> BaseDistribution:
        """Return the distribution for Optuna."""
        from optuna import distributions

        if self.type == 'categorical':
            choices = tuple(self.encode(choice) for choice in self.choices)
            return distributions.CategoricalDistribution(choices)
        if self.type == 'int':
            return distributions.IntDistribution(
                int(self.low), int(self.high), log=self.log, step=int(self.step or 1)
            )
        return distributions.FloatDistribution(
            self.low, self.high, log=self.log, step=self.step
        )

    def suggest(self, trial: Trial) -> Any:
        """Let the sampler of a trial choose a value."""
        if self.type == 'categorical':
            encoded = [self.encode(choice) for choice in self.choices]
            return self.decode(trial.suggest_categorical(self.key, encoded))
        if self.type == 'int':
            step = int(self.step or 1)
            low, high = int(self.low), int(self.high)
            return trial.suggest_int(self.key, low, high, step=step, log=self.log)
        value = trial.suggest_float(
            self.key, self.low, self.high, step=self.step, log=self.log
        )
        return self.decode(value)


def read_space(settings: Mapping) -> dict[str, Parameter]:
    """Read what a sweep varies.

    Args:
        settings: key to a list of choices, or to ``dict(type=..., low=..., high=...)``
            with ``step`` or ``log``, or to ``dict(type='categorical', choices=[...])``.

    Returns:
        Key to parameter, in the given order.

    Raises:
        ValueError: one is malformed or empty; the message names its key.

    Example:
        >>> space = read_space({'lr': dict(type='float', low=0, high=1, step=0.5)})
        >>> space['lr'].grid()
        [0.0, 0.5, 1.0]
    """
    if not isinstance(settings, Mapping):
        raise ValueError(f'space must be a dict of settings, got {settings!r}')
    return {str(key): _read(str(key), value) for key, value in settings.items()}


def list_grid(space: Mapping[str, Parameter]) -> list[dict]:
    """List all combinations.

    Args:
        space: key to parameter.

    Returns:
        Key to value each; the last key changes fastest.

    Raises:
        ValueError: a parameter is a range without steps.
    """
    columns = [parameter.grid() for parameter in space.values()]
    return [dict(zip(space, values, strict=True)) for values in product(*columns)]


def _read(key: str, settings: Any) -> Parameter:
    if isinstance(settings, list | tuple):
        settings = {'type': 'categorical', 'choices': settings}
    if not isinstance(settings, Mapping):
        raise ValueError(
            f'{key}: must be a list of values or dict(type=...), got {settings!r}; one '
            'value alone belongs into fixed'
        )
    settings = dict(settings)
    kind = settings.pop('type', None)
    if kind not in KEYS:
        raise ValueError(
            f'{key}: type must be one of {", ".join(KEYS)}, got {kind!r}'
            f'{suggest(kind, KEYS)}'
        )
    for name in settings:
        if name not in KEYS[kind]:
            raise ValueError(
                f'{key}: {kind} takes no {name!r}{suggest(name, KEYS[kind])}; there '
                f'are {", ".join(KEYS[kind])}'
            )
    if kind == 'categorical':
        return Parameter(key, kind, choices=_read_choices(key, settings))
    return _read_range(key, kind, settings)


def _read_choices(key: str, settings: Mapping) -> tuple:
    choices = settings.get('choices')
    if not isinstance(choices, list | tuple) or not choices:
        raise ValueError(f'{key}: no choices: give a list of values')
    texts = [repr(choice) for choice in choices]
    if twice := [text for text in texts if texts.count(text) > 1]:
        raise ValueError(f'{key}: {twice[0]} is there twice')
    if len(choices) == 1:
        raise ValueError(f'{key}: the only choice is {texts[0]}: it belongs into fixed')
    return tuple(choices)


def _read_range(key: str, kind: str, settings: Mapping) -> Parameter:
    for name in ('low', 'high'):
        if name not in settings:
            raise ValueError(f'{key}: {name} is missing')
    low, high, step = (settings.get(name) for name in ('low', 'high', 'step'))
    log = settings.get('log', False)
    for name, value in (('low', low), ('high', high), ('step', step)):
        if value is not None or name != 'step':
            _check_number(f'{key}: {name}', value, kind)
    if not isinstance(log, bool):
        raise ValueError(f'{key}: log must be True or False, got {log!r}')
    if not low < high:
        raise ValueError(f'{key}: the range from {low} to {high} is empty')
    if step is not None and not 0 < step <= high - low:
        raise ValueError(f'{key}: step must be in (0, {high - low}], got {step}')
    if log and step is not None:
        raise ValueError(f'{key}: log and step exclude each other')
    if log and low <= 0:
        raise ValueError(f'{key}: a log range begins above 0, got {low}')
    if kind == 'float':
        low, high = float(low), float(high)
    return Parameter(key, kind, low=low, high=high, step=step, log=log)


def _check_number(where: str, value: Any, kind: str) -> None:
    types = (int,) if kind == 'int' else (int, float)
    is_number = isinstance(value, types) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        what = 'a whole number' if kind == 'int' else 'a finite number'
        raise ValueError(f'{where} must be {what}, got {value!r}')


def round_step(value: float) -> float:
    """Return 0.3 for 0.30000000000000004, which is three steps of 0.1."""
    return float(f'{value:.12g}')


def suggest(word: Any, known: Sequence[str] | Mapping) -> str:
    """Return ``; did you mean X?`` for a misspelt word, else nothing."""
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f'; did you mean {close[0]}?' if close else ''
