"""The settings of a sweep, read from a config file and checked before any work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from ocec.apis.errors import ConfigError
from ocec.apis.run_config import read_config
from ocec.engine.metric_rule import rule_of
from ocec.search import (
    Parameter,
    build_pruner,
    check_sampler,
    list_grid,
    read_space,
)
from ocec.search.parameters import suggest

#: what is measured besides the metrics of val_evaluator; less of it is better
MODEL_OBJECTIVES = {
    'params': 'parameters of the model',
    'macs': 'multiply-accumulates of one image',
    'latency_ms': 'one image through the model, one thread, eager, median',
    'train_minutes': 'training and validation, all epochs',
}
DIRECTIONS = {'greater': 'maximize', 'less': 'minimize'}
EPOCHS = ('best', 'last')
BASE = 'base'


@dataclass(frozen=True)
class Objective:
    """What is to be high or low.

    Args:
        metric: of ``val_evaluator``, as ``eye/f1``, or a key of ``MODEL_OBJECTIVES``.
        direction: ``maximize`` or ``minimize``.
    """

    metric: str
    direction: str

    @property
    def is_of_model(self) -> bool:
        """Whether no validation is needed for it."""
        return self.metric in MODEL_OBJECTIVES


@dataclass(frozen=True)
class Variant:
    """One of several configs that are compared.

    Args:
        base: its config file.
        settings: key to value, in place of those of the file.
    """

    base: Path
    settings: dict


@dataclass(frozen=True)
class SweepConfig:
    """A sweep.

    Args:
        base: the config that is varied.
        space: key to what it may be; empty for a comparison of variants.
        variants: name to config; one, called ``base``, with a space.
        fixed: key to value of settings that all trials share.
        sampler: ``grid``, ``random``, ``tpe`` or ``cmaes``.
        objectives: at least one; the first metric chooses the epoch.
        pruner: settings of a pruner; None for none.
        num_trials: of a search; None for all cells of a grid.
        seed: of sampler and folds, >= 0.
        seeds: of the trainings; empty keeps that of the config.
        folds: of a cross-validation over groups; 0 for the split of the data.
        epoch: whose metrics count: ``best`` (as the first metric says) or ``last``.
        name: of the study.
        data: of every dataset; None keeps those of the config.
        file: the config file of the sweep.
    """

    base: Path
    space: dict[str, Parameter]
    variants: dict[str, Variant]
    fixed: dict
    sampler: str
    objectives: tuple[Objective, ...]
    pruner: str | dict | None
    num_trials: int | None
    seed: int
    seeds: tuple[int, ...]
    folds: int
    epoch: str
    name: str
    data: str | None
    file: Path

    @property
    def is_repeated(self) -> bool:
        """Whether a config is trained more than once."""
        return bool(self.seeds) or self.folds > 0

    @property
    def repeats(self) -> list[tuple[int | None, int | None]]:
        """Seed and fold of each training of one config; None as the config says."""
        folds = range(1, self.folds + 1) if self.folds else [None]
        return [(seed, fold) for seed in self.seeds or [None] for fold in folds]


NOT_KEYS = ('file',)
KEYS = (
    *(field.name for field in fields(SweepConfig) if field.name not in NOT_KEYS),
    'metric',
    'direction',
)


def read_sweep_config(
    config: str | Path,
    *,
    data: str | None = None,
    num_trials: int | None = None,
    fixed: Mapping | None = None,
) -> SweepConfig:
    """Read a config of a sweep; the base config is not looked at.

    Args:
        config: a Python config with the keys of :class:`SweepConfig`; ``metric`` and
            ``direction`` may stand for a list of one objective.
        data: in place of that of the config.
        num_trials: in place of that of the config.
        fixed: added to those of the config.

    Returns:
        The settings.

    Raises:
        ConfigError: a key is unknown, missing or wrong; the message names it.
    """
    cfg = read_config(config).to_dict()
    for key in cfg:
        if key not in KEYS:
            raise ConfigError(
                f'{key}: no key of the config of a sweep{suggest(key, KEYS)}; there '
                f'are {", ".join(KEYS)}'
            )
    if not isinstance(cfg.get('base'), str):
        raise ConfigError(f'{config}: base is missing: the config to vary')
    try:
        return _read(cfg, Path(config), data, num_trials, dict(fixed or {}))
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f'{config}: {error}') from error


def _read(
    cfg: dict, file: Path, data: str | None, num_trials: int | None, fixed: dict
) -> SweepConfig:
    base = _find_config(cfg['base'], file)
    space = read_space(cfg.get('space') or {})
    objectives = _read_objectives(cfg)
    sampler = cfg.get('sampler', 'tpe')
    check_sampler(sampler, space, num_objectives=len(objectives))
    seeds, folds = _read_seeds(cfg.get('seeds')), cfg.get('folds') or 0
    if not _is_whole(folds) or folds < 0 or folds == 1:
        raise ValueError(f'folds must be a whole number >= 2, got {folds!r}')
    number = cfg.get('num_trials') if num_trials is None else num_trials
    config = SweepConfig(
        base=base,
        space=space,
        variants=_read_variants(cfg.get('variants'), base, file),
        fixed={**_dict(cfg, 'fixed'), **fixed},
        sampler=sampler,
        objectives=objectives,
        pruner=cfg.get('pruner'),
        num_trials=_at_least('num_trials', number, 1, optional=True),
        seed=_at_least('seed', cfg.get('seed', 0), 0),
        seeds=seeds,
        folds=folds,
        epoch=cfg.get('epoch', 'best'),
        name=cfg.get('name', 'sweep'),
        data=data if data is not None else cfg.get('data'),
        file=file,
    )
    _check_together(config)
    return config


def _check_together(config: SweepConfig) -> None:
    """Refuse what does not fit together."""
    if config.epoch not in EPOCHS:
        raise ValueError(f'epoch must be one of {EPOCHS}, got {config.epoch!r}')
    if not isinstance(config.name, str) or not config.name:
        raise ValueError(f'name must be a text, got {config.name!r}')
    if not config.space and not config.is_repeated:
        raise ValueError('nothing to do: give space, seeds or folds')
    if config.space and len(config.variants) > 1:
        raise ValueError('space and variants exclude each other')
    if twice := sorted(set(config.space) & set(config.fixed)):
        raise ValueError(f'{twice[0]} is in space and in fixed')
    if config.space and config.sampler == 'grid':
        list_grid(config.space)  # refuses ranges without steps
    elif config.space and config.num_trials is None:
        raise ValueError(f'num_trials is missing: {config.sampler} has no end')
    if config.pruner is None:
        return
    build_pruner(config.pruner, max_epochs=1)
    if len(config.objectives) > 1:
        raise ValueError('a pruner needs one objective, there are several')
    if config.objectives[0].is_of_model:
        raise ValueError(f'{config.objectives[0].metric} has no value in each epoch')
    if config.is_repeated:
        raise ValueError('a pruner would end repeats of different luck: leave it out')


def _read_objectives(cfg: Mapping) -> tuple[Objective, ...]:
    entries = cfg.get('objectives')
    if entries is None:
        if 'metric' not in cfg:
            raise ValueError('metric is missing, as eye/f1')
        entries = [{k: cfg[k] for k in ('metric', 'direction') if k in cfg}]
    elif 'metric' in cfg or 'direction' in cfg:
        raise ValueError('give either metric or objectives')
    if not isinstance(entries, list | tuple) or not entries:
        raise ValueError(f'objectives must be a list of dicts, got {entries!r}')
    objectives = tuple(_read_objective(entry) for entry in entries)
    names = [objective.metric for objective in objectives]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f'objectives: {twice[0]} is there twice')
    if len(objectives) == 1 and objectives[0].is_of_model:
        raise ValueError(f'{names[0]} alone needs no training: add a metric')
    return objectives


def _read_objective(entry: object) -> Objective:
    if not isinstance(entry, Mapping) or not set(entry) <= {'metric', 'direction'}:
        raise ValueError(
            f'an objective is dict(metric=..., direction=...), got {entry!r}'
        )
    metric = entry.get('metric')
    if not isinstance(metric, str) or not metric:
        raise ValueError(f'metric must be a name as eye/f1, got {metric!r}')
    rule = 'less' if metric in MODEL_OBJECTIVES else rule_of(metric)
    direction = entry.get('direction', DIRECTIONS[rule])
    if direction not in DIRECTIONS.values():
        raise ValueError(
            f'direction must be maximize or minimize, got {direction!r}'
            f'{suggest(direction, list(DIRECTIONS.values()))}'
        )
    if direction != DIRECTIONS[rule]:
        raise ValueError(f'direction={direction!r}: of {metric} {rule} is better')
    return Objective(metric, direction)


def _read_seeds(seeds: object) -> tuple[int, ...]:
    if seeds is None:
        return ()
    if not isinstance(seeds, list | tuple) or not all(
        _is_whole(seed) and seed >= 0 for seed in seeds
    ):
        raise ValueError(f'seeds must be a list of whole numbers >= 0, got {seeds!r}')
    if twice := [seed for seed in seeds if seeds.count(seed) > 1]:
        raise ValueError(f'seeds: {twice[0]} is there twice: it would count double')
    return tuple(seeds)


def _read_variants(entries: object, base: Path, file: Path) -> dict[str, Variant]:
    if entries is None:
        return {BASE: Variant(base, {})}
    if not isinstance(entries, Mapping) or len(entries) < 2:
        raise ValueError(
            'variants must be a dict of two configs or more, name to dict of settings, '
            f'got {entries!r}'
        )
    variants = {}
    for name, settings in entries.items():
        if not isinstance(settings, Mapping):
            raise ValueError(f'variants: {name} must be a dict, got {settings!r}')
        settings = dict(settings)
        own = settings.pop('base', None)
        path = base if own is None else _find_config(own, file)
        variants[str(name)] = Variant(path, settings)
    names = list(variants)
    for index, name in enumerate(names):
        for other in names[:index]:
            if variants[name] == variants[other]:
                raise ValueError(f'variants: {other} and {name} are the same config')
    return variants


def _find_config(name: object, file: Path) -> Path:
    """Find a config by its path from the sweep's own folder, or from here."""
    if not isinstance(name, str):
        raise ValueError(f'base must be the path of a config, got {name!r}')
    # its own folder first: a best.py that lies here is that of another sweep
    places = [file.parent / name, Path(name)]
    for place in places:
        if place.is_file():
            return place.resolve()
    raise ValueError(f'base: {name}: no such config file, here or in {file.parent}')


def _dict(cfg: Mapping, key: str) -> dict:
    value = cfg.get(key) or {}
    if not isinstance(value, Mapping):
        raise ValueError(f'{key} must be a dict of settings, got {value!r}')
    return dict(value)


def _at_least(name: str, value: object, least: int, *, optional: bool = False):
    if value is None and optional:
        return None
    if not _is_whole(value) or value < least:
        raise ValueError(f'{name} must be a whole number >= {least}, got {value!r}')
    return value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def as_option(key: str, value: object) -> str:
    """Return the ``KEY=VALUE`` text of a setting for ``--cfg-options``."""
    return f'{key}={value!r}'


def as_options(settings: Mapping) -> list[str]:
    """Return the ``KEY=VALUE`` texts of settings."""
    return [as_option(key, value) for key, value in settings.items()]


def option_values(values: Sequence[Mapping]) -> dict:
    """Join settings; later ones win."""
    return {key: value for part in values for key, value in part.items()}
