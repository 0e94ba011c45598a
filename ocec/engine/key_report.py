"""Which weights of a checkpoint fit a model, by module."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

STATES = ('loaded', 'missing', 'mismatched', 'left_out', 'unexpected')


@dataclass(frozen=True)
class KeyReport:
    """What becomes of every weight of a model and of a checkpoint.

    Args:
        state_of: name of a weight to one of ``STATES``: ``missing`` from the
            checkpoint; ``mismatched`` in shape; ``left_out`` though it would fit;
            ``unexpected``, only in the checkpoint.
        size_of: name to number of values; those of the model where it has the weight.
    """

    state_of: Mapping[str, str]
    size_of: Mapping[str, int]

    def names(self, *states: str) -> list[str]:
        """Return the names of the weights in one of the states."""
        return [name for name, state in self.state_of.items() if state in states]

    def share_loaded(self, names: Iterable[str] | None = None) -> float:
        """Return the share of the model's values that are loaded.

        Args:
            names: of weights; None takes all.

        Returns:
            In [0, 1]; 0 where the model has none of them.
        """
        names = list(self.state_of if names is None else names)
        own = [name for name in names if self.state_of[name] != 'unexpected']
        total = sum(self.size_of[name] for name in own)
        loaded = sum(self.size_of[n] for n in own if self.state_of[n] == 'loaded')
        return loaded / total if total else 0.0

    def by_module(self) -> dict[str, dict]:
        """Return, per module in order, the count of each state and ``share``."""
        modules: dict[str, list[str]] = {}
        for name in self.state_of:
            modules.setdefault(module_of(name), []).append(name)
        rows = {}
        for module, names in modules.items():
            counts = Counter(self.state_of[name] for name in names)
            rows[module] = {state: counts[state] for state in STATES}
            rows[module]['share'] = self.share_loaded(names)
        return rows

    def __str__(self) -> str:
        """Return a table: modules, counts, share of the values loaded."""
        rows = self.by_module()
        total = Counter(self.state_of.values())
        rows['all'] = {state: total[state] for state in STATES}
        rows['all']['share'] = self.share_loaded()
        shown = [s for s in STATES if s in ('loaded', 'missing') or total[s]]
        width = max(map(len, rows))
        head = [f'{state.replace("_", " "):>10}' for state in shown]
        lines = [f'{"module":<{width}}  values  ' + '  '.join(head)]
        for module, row in rows.items():
            counts = '  '.join(f'{row[state]:>10}' for state in shown)
            lines.append(f'{module:<{width}}  {row["share"]:>6.1%}  {counts}')
        return '\n'.join(lines)


def compare_keys(
    own: Mapping[str, Tensor],
    given: Mapping[str, Tensor],
    left_out: Collection[str] = (),
) -> KeyReport:
    """Compare the weights of a model with those of a checkpoint.

    Args:
        own: those of the model.
        given: those of the checkpoint.
        left_out: names that are not to be loaded even if they fit.

    Returns:
        The report, in the order of the model, unexpected ones last.
    """
    state_of = {}
    for name, tensor in own.items():
        if name not in given:
            state_of[name] = 'missing'
        elif given[name].shape != tensor.shape:
            state_of[name] = 'mismatched'
        else:
            state_of[name] = 'left_out' if name in left_out else 'loaded'
    state_of.update(dict.fromkeys([n for n in given if n not in own], 'unexpected'))
    size_of = {name: (own.get(name, given.get(name))).numel() for name in state_of}
    return KeyReport(state_of, size_of)


def module_of(name: str) -> str:
    """Return the part of a model that a weight belongs to.

    Args:
        name: of the weight.

    Returns:
        The first two levels of its name, without that of the weight itself.

    Example:
        >>> module_of('backbone.blocks.0.gamma'), module_of('data_preprocessor.mean')
        ('backbone.blocks', 'data_preprocessor')
    """
    levels = name.split('.')[:-1]
    return '.'.join(levels[:2]) or name
