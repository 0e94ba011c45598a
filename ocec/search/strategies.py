"""How a sweep chooses its next values, and which trials it gives up early."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ocec.search.parameters import Parameter, suggest

if TYPE_CHECKING:
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

SAMPLERS = ('grid', 'random', 'tpe', 'cmaes')
PRUNERS = ('median', 'hyperband')


def import_optuna() -> Any:
    """Return Optuna, quiet about every single trial.

    Returns:
        The module.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise ImportError('a sweep needs optuna: pip install "ocec[search]"') from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def check_sampler(
    name: str, space: Mapping[str, Parameter], *, num_objectives: int
) -> None:
    """Refuse a sampler that cannot work on a space.

    Args:
        name: of ``SAMPLERS``.
        space: key to parameter.
        num_objectives: that are optimised at once.

    Raises:
        ValueError: there is no such sampler, or it cannot.
    """
    if name not in SAMPLERS:
        raise ValueError(
            f'sampler must be one of {", ".join(SAMPLERS)}, got {name!r}'
            f'{suggest(name, SAMPLERS)}'
        )
    if name != 'cmaes':
        return
    lists = [key for key, p in space.items() if p.type == 'categorical']
    if lists:
        raise ValueError(
            f'cmaes needs ranges, but {lists[0]} is a list of choices: take tpe, or '
            'give low and high'
        )
    if len(space) < 2:
        raise ValueError('cmaes needs two settings or more: take tpe for one')
    if num_objectives > 1:
        raise ValueError('cmaes has one objective: take tpe for several')


def build_sampler(name: str, seed: int) -> BaseSampler:
    """Build the sampler of one trial.

    A sampler for each trial, seeded by its number, makes the choice depend on what is
    stored and on nothing else: not on how many processes ask, nor on a restart.

    Args:
        name: ``random``, ``tpe`` or ``cmaes``.
        seed: of this trial.

    Returns:
        The sampler.

    Raises:
        ImportError: ``cmaes`` is not installed.
    """
    samplers = import_optuna().samplers
    if name == 'random':
        return samplers.RandomSampler(seed=seed)
    if name == 'tpe':
        # trials that still run count as bad, so that workers do not crowd
        return samplers.TPESampler(seed=seed, constant_liar=True)
    try:
        import cmaes  # noqa: F401
    except ImportError as error:
        raise ImportError(
            'sampler=\'cmaes\' needs cmaes: pip install "ocec[search]"'
        ) from error
    return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)


def build_pruner(settings: str | Mapping | None, *, max_epochs: int) -> BasePruner:
    """Build a pruner.

    Args:
        settings: ``median``, ``hyperband``, ``dict(type='median', ...)`` with arguments
            of Optuna's class, or None for none.
        max_epochs: of a training, >= 1.

    Returns:
        The pruner; ``hyperband`` has brackets from 1 to ``max_epochs``.

    Raises:
        ValueError: there is no such pruner, or it has no such argument.
    """
    pruners = import_optuna().pruners
    if settings is None:
        return pruners.NopPruner()
    settings = {'type': settings} if isinstance(settings, str) else dict(settings)
    name = settings.pop('type', None)
    if name not in PRUNERS:
        raise ValueError(
            f'pruner must be None or one of {", ".join(PRUNERS)}, got {name!r}'
            f'{suggest(name, PRUNERS)}'
        )
    kind = pruners.MedianPruner if name == 'median' else pruners.HyperbandPruner
    arguments = [n for n in inspect.signature(kind).parameters if n != 'kwargs']
    for argument in settings:
        if argument not in arguments:
            raise ValueError(
                f'pruner: {kind.__name__} takes no {argument!r}'
                f'{suggest(argument, arguments)}; there are {", ".join(arguments)}'
            )
    if name == 'hyperband':
        settings = {'min_resource': 1, 'max_resource': max_epochs, **settings}
    return kind(**settings)
