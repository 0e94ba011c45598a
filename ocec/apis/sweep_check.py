"""Whether a base config has the settings that a sweep varies."""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config

from ocec.apis.cfg_options import apply_cfg_options, parse_cfg_options
from ocec.apis.config_check import check_config
from ocec.apis.errors import ConfigError
from ocec.apis.run_config import LOADERS, load_run_config
from ocec.apis.sweep_config import SweepConfig, Variant, as_options
from ocec.datasets.eye_table import NO_GROUP, SPLITS, find_parquet_files, read_eye_table
from ocec.search.parameters import suggest

SAVE_BEST = 'default_hooks.checkpoint.save_best'
# those that read eyes from parquet files, and know folds
EYE_DATASETS = ('EyeParquet', 'EyeParquetStream')


def check_sweep(config: SweepConfig) -> dict[str, Config]:
    """Check every setting of a sweep against its configs.

    Each choice, and both ends of each range, are written into the config in turn, and
    the result is checked as before a training.

    Args:
        config: of the sweep.

    Returns:
        Name of each variant to its config, without what is varied.

    Raises:
        ConfigError: a key or a value does not fit, there is no such metric, or there
            are more folds than groups.
    """
    found = {}
    for name, variant in config.variants.items():
        cfg = _load(config, variant, {})
        settings = {**config.fixed, **variant.settings}
        raw = _load_raw(variant.base)
        _check_settings(settings, raw, 'fixed' if name == 'base' else f'variant {name}')
        found[name] = cfg
    cfg = next(iter(found.values()))
    for key, parameter in config.space.items():
        for value in parameter.extremes:
            _check_settings({key: value}, cfg, 'space', type_of_range=parameter.type)
    for name, variant in config.variants.items():
        _check_metrics(config, found[name], variant)
        if config.folds:
            _check_folds(config, found[name])
    return found


def settings_of_training(
    config: SweepConfig, variant: Variant, values: Mapping, fold: int | None = None
) -> dict:
    """Return the settings that a trial has in place of those of its config.

    Args:
        config: of the sweep.
        variant: that is trained.
        values: key to value, chosen by the sampler.
        fold: of the cross-validation, from 1; None for the split of the data.

    Returns:
        Key to value. The best checkpoint is chosen by the first metric.
    """
    settings = {**config.fixed, **variant.settings, **values}
    metrics = [o.metric for o in config.objectives if not o.is_of_model]
    if metrics and SAVE_BEST not in settings:
        settings[SAVE_BEST] = metrics[0]
    if fold is not None:
        for loader in LOADERS:
            settings[f'{loader}.dataset.fold'] = [fold, config.folds]
            settings[f'{loader}.dataset.split_seed'] = config.seed
    return settings


def _load(config: SweepConfig, variant: Variant, values: Mapping) -> Config:
    """Load a config as a trial has it, quietly."""
    with contextlib.redirect_stdout(io.StringIO()):
        return load_run_config(
            variant.base,
            cfg_options=as_options({**config.fixed, **variant.settings, **values}),
            data=config.data,
            no_check=True,
        )


def _load_raw(base: Path) -> Config:
    with contextlib.redirect_stdout(io.StringIO()):
        return load_run_config(base)


def _check_settings(
    settings: Mapping, cfg: Config, where: str, *, type_of_range: str = ''
) -> None:
    """Write settings into a config, in turn, and look for what is wrong."""
    for key, value in settings.items():
        options = _parse(key, value, where)
        changed = copy.deepcopy(cfg)
        old, is_there = look_up(cfg, key)
        try:
            apply_cfg_options(changed, options)
        except ValueError as error:
            raise ConfigError(f'{where}: {error}') from error
        if not is_there:
            _check_new_key(key, cfg, changed, where)
        elif (problem := mismatch(old, value, type_of_range)) is not None:
            raise ConfigError(f'{where}: {key}: {problem}')
        _check_errors(cfg, changed, f'{where}: {key}={value!r}')


def _parse(key: str, value: object, where: str) -> list:
    [text] = as_options({key: value})
    try:
        options = parse_cfg_options([text])
    except ValueError as error:
        raise ConfigError(f'{where}: {error}') from error
    if options[0].value != value and list(options[0].value or ()) != value:
        raise ConfigError(f'{where}: {key}: {value!r} is no plain value')
    return options


def look_up(cfg: Config, key: str) -> tuple[object, bool]:
    """Look for a setting.

    Args:
        cfg: a config.
        key: dotted, with list indices, as ``param_scheduler.0.end``.

    Returns:
        Its value and whether there is one.
    """
    node: object = cfg._cfg_dict
    for step in key.replace('[', '.').replace(']', '').split('.'):
        if isinstance(node, Mapping) and step in node:
            node = node[step]
        elif isinstance(node, list | tuple) and step.lstrip('-').isdigit():
            if not -len(node) <= int(step) < len(node):
                return None, False
            node = node[int(step)]
        elif isinstance(node, list | tuple) and step.startswith('type='):
            found = [n for n in node if n.get('type') == step.removeprefix('type=')]
            if not found:
                return None, False
            node = found[0]
        else:
            return None, False
    return node, True


def mismatch(old: object, value: object, type_of_range: str = '') -> str | None:
    """Say in words why a value cannot stand where another one stands.

    Args:
        old: of the base config; anything may stand for None.
        value: in its place.
        type_of_range: ``float`` where fractions will follow.

    Returns:
        The reason, or None if it fits.
    """
    if old is None or value is None:
        return None
    numbers = (int, float)
    kinds = [
        ('True or False', lambda v: isinstance(v, bool)),
        ('a number', lambda v: isinstance(v, numbers) and not isinstance(v, bool)),
        ('a text', lambda v: isinstance(v, str)),
        ('a dict', lambda v: isinstance(v, Mapping)),
        ('a list', lambda v: isinstance(v, list | tuple)),
    ]
    for _, is_kind in kinds:
        if is_kind(old) != is_kind(value):
            was = next((name for name, is_it in kinds if is_it(old)), repr(old))
            return f'the base config has {old!r}, {was}; {value!r} is not'
    is_count = isinstance(old, int) and not isinstance(old, bool)
    has_fraction = isinstance(value, float) and not value.is_integer()
    if is_count and (has_fraction or type_of_range == 'float'):
        return (
            f'the base config has {old!r}, a whole number; take type="int" or whole '
            'choices, or make it a fraction in the base config'
        )
    return None


def _check_new_key(key: str, cfg: Config, changed: Config, where: str) -> None:
    """A key that the base config lacks has to be an argument of something."""
    errors = [f for f in check_config(changed) if not f.is_note]
    known = [f for f in check_config(cfg) if not f.is_note]
    path = tuple(key.split('.'))
    mine = [f for f in errors if f not in known and f.path == path[: len(f.path)]]
    if mine:
        hint = suggest(key, dotted_keys(cfg._cfg_dict))
        raise ConfigError(
            f'{where}: {key} is not in the base config: {mine[0].key}: '
            f'{mine[0].problem}{hint or suggest(mine[0].key, [])}'
        )
    parent, is_there = look_up(cfg, '.'.join(path[:-1]))
    is_known = path[:-1] and isinstance(parent, Mapping) and 'type' in parent
    if not is_there or not is_known:
        raise ConfigError(
            f'{where}: {key} is not in the base config'
            f'{suggest(key, dotted_keys(cfg._cfg_dict))}'
        )


def _check_errors(cfg: Config, changed: Config, what: str) -> None:
    """Refuse a change that makes a good config a bad one."""
    before = {str(finding) for finding in check_config(cfg)}
    errors = [
        finding
        for finding in check_config(changed)
        if not finding.is_note and str(finding) not in before
    ]
    if errors:
        raise ConfigError(f'{what}: {errors[0]}')


def _check_metrics(config: SweepConfig, cfg: Config, variant: Variant) -> None:
    for objective in config.objectives:
        if objective.is_of_model:
            continue
        changed = copy.deepcopy(cfg)
        option = f'{SAVE_BEST}={objective.metric}'
        apply_cfg_options(changed, parse_cfg_options([option]))
        path = tuple(SAVE_BEST.split('.'))
        for finding in check_config(changed):
            if finding.path == path:
                hint = finding.suggestion
                raise ConfigError(
                    f'objective {finding.problem}'
                    + (f'; did you mean {hint}?' if hint else '')
                )
    with contextlib.redirect_stdout(io.StringIO()):
        load_run_config(
            variant.base,
            cfg_options=as_options(settings_of_training(config, variant, {})),
            data=config.data,
        )


def _check_folds(config: SweepConfig, cfg: Config) -> None:
    dataset = cfg.train_dataloader.dataset
    if dataset.get('type') not in EYE_DATASETS:
        raise ConfigError(
            f'folds: {dataset.get("type")} has no folds, only '
            f'{" and ".join(EYE_DATASETS)} have'
        )
    if dataset.get('split_ratios') is not None:
        raise ConfigError('folds: the datasets are split by split_ratios; leave it out')
    try:
        table = read_eye_table(find_parquet_files(dataset.data))
    except (OSError, ValueError) as error:
        raise ConfigError(f'folds: {error}') from error
    rows_N = np.ones(len(table), bool)
    if not table.files_without_split:
        rows_N = table.split_N != SPLITS.index('test')
    if dataset.get('group_by', 'group') is None:  # every row stands alone
        if config.folds > rows_N.sum():
            raise ConfigError(
                f'folds={config.folds}: the data have only {rows_N.sum()} rows in '
                'train and val'
            )
        return
    if table.files_without_group:
        raise ConfigError(
            f'folds: {table.files_without_group[0]}: column "group" is missing, so a '
            'face could lie in several folds; add it, or accept that with '
            'train_dataloader.dataset.group_by=None, and the same for val and test'
        )
    groups = set(np.unique(table.group_N[rows_N])) - {NO_GROUP}
    if config.folds > len(groups):
        raise ConfigError(
            f'folds={config.folds}: the data have only {len(groups)} groups in train '
            'and val'
        )


def dotted_keys(node: object, path: str = '') -> list[str]:
    """Return every dotted key below a config, containers included."""
    if isinstance(node, Mapping):
        items: Sequence = list(node.items())
    elif isinstance(node, list | tuple):
        items = list(enumerate(node))
    else:
        return []
    found = []
    for key, value in items:
        name = f'{path}.{key}' if path else str(key)
        found += [name, *dotted_keys(value, name)]
    return found
