"""The stages of a model, from the image to the decision, and patterns for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from torch import nn

ALL = 'all'
HEAD, MARGIN = 'head', 'margin'
_SLICE = re.compile(r'(?P<name>[\w.]+)\[(?P<start>-?\d*):(?P<stop>-?\d*)\]')


def parameter_stages(model: nn.Module) -> dict[str, list[str]]:
    """Sort the parameters of a model by stage.

    A backbone names its stages with ``stage_modules()``, as ``stem`` and ``blocks.0``;
    one without is a single stage, ``backbone``. A margin of the head is a stage of
    its own.

    Args:
        model: with ``backbone`` and ``head``; other parts are stages by their names.

    Returns:
        Stage to names of parameters, the stage nearest to the image first, the head
        and its margin last; each parameter is in one of them, no stage is empty.
    """
    of_backbone = backbone_stages(model)
    found: dict[str, list[str]] = {stage: [] for stage in of_backbone}
    owners = _owners(model)
    last: dict[str, list[str]] = {HEAD: [], MARGIN: []}
    for name, param in model.named_parameters():
        part = name.split('.')[0]
        if part == 'backbone':
            stage = owners.get(id(param)) or _nearest_stage(name, of_backbone)
            found[stage].append(name)
        elif name.startswith('head.margin.'):
            last[MARGIN].append(name)
        elif part == 'head':
            last[HEAD].append(name)
        else:
            found.setdefault(part, []).append(name)
    return {stage: names for stage, names in {**found, **last}.items() if names}


def backbone_stages(model: nn.Module) -> list[str]:
    """Return the names of the backbone's stages, from the image on.

    Args:
        model: with or without a ``backbone``.

    Returns:
        What ``stage_modules()`` of the backbone names, else ``backbone``.
    """
    backbone = getattr(model, 'backbone', None)
    if backbone is None:
        return []
    if hasattr(backbone, 'stage_modules') and (stages := backbone.stage_modules()):
        return list(stages)
    return ['backbone']


def select_parameters(
    stages: dict[str, list[str]], patterns: str | Sequence[str], *, where: str
) -> set[str]:
    """Return the parameters that patterns name.

    A pattern is ``all``; a stage, ``stem``; several, ``blocks.*`` or, as Python cuts
    lists, ``blocks[-2:]``; a module, ``backbone`` or ``head.fc``; or parameters,
    ``*.bias``.

    Args:
        stages: of the model, see :func:`parameter_stages`.
        patterns: one or several.
        where: the setting they stand in, for the message.

    Returns:
        Names of parameters.

    Raises:
        ValueError: a pattern matches nothing.
    """
    chosen: set[str] = set()
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        matched = _matching(stages, pattern)
        if not matched:
            examples = [name for names in stages.values() for name in names][:2]
            raise ValueError(
                f'{where}: {pattern!r} matches nothing. The stages are '
                f'{", ".join(stages)}; parameters are called as {", ".join(examples)}'
            )
        chosen |= matched
    return chosen


def describe_stages(stages: dict[str, list[str]], names: set[str]) -> str:
    """Write which stages a set of parameters is.

    Args:
        stages: of the model, see :func:`parameter_stages`.
        names: of parameters.

    Returns:
        Names of stages; of one that is not complete, how many of its parameters.

    Example:
        >>> describe_stages({'stem': ['a', 'b'], 'head': ['c']}, {'a', 'c'})
        'stem (1 of 2 tensors), head'
    """
    words = []
    for stage, members in stages.items():
        count = len(names.intersection(members))
        if count == len(members):
            words.append(stage)
        elif count:
            words.append(f'{stage} ({count} of {len(members)} tensors)')
    return ', '.join(words)


def _owners(model: nn.Module) -> dict[int, str]:
    """Identity of each parameter that a stage of the backbone claims, to the stage."""
    backbone = getattr(model, 'backbone', None)
    if not hasattr(backbone, 'stage_modules'):
        return {}
    owners: dict[int, str] = {}
    for stage, modules in backbone.stage_modules().items():
        for module in modules:
            for param in module.parameters():
                owners.setdefault(id(param), stage)
    return owners


def _nearest_stage(name: str, stages: list[str]) -> str:
    """Stage of a backbone's parameter that none claims.

    What lies directly on a backbone belongs to its input (tokens, positions), a
    module to its end.
    """
    is_direct = name.count('.') == 1
    return stages[0] if is_direct else stages[-1]


def _matching(stages: dict[str, list[str]], pattern: str) -> set[str]:
    if pattern == ALL:
        return {name for names in stages.values() for name in names}
    if cut := _SLICE.fullmatch(pattern):
        numbered = [stage for stage in stages if stage.startswith(f'{cut["name"]}.')]
        start, stop = (int(cut[end]) if cut[end] else None for end in ('start', 'stop'))
        chosen = numbered[start:stop]
    else:
        chosen = [stage for stage in stages if fnmatchcase(stage, pattern)]
    if chosen:
        return {name for stage in chosen for name in stages[stage]}
    return {
        name
        for names in stages.values()
        for name in names
        if fnmatchcase(name, pattern) or name.startswith(f'{pattern}.')
    }
