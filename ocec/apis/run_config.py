"""From command-line settings to the config of a run. Nothing is changed silently."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.config.utils import MODULE2PACKAGE

from ocec.apis.action_data import is_action_dataset, point_at_actions
from ocec.apis.cfg_options import apply_cfg_options, parse_cfg_options
from ocec.apis.config_check import ensure_config
from ocec.apis.errors import ConfigError
from ocec.datasets.eye_parquet import parse_image_size
from ocec.datasets.mixed_eyes import is_mix, source_configs

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
# of a dataset: which rows are in its split
SPLIT_KEYS = ('split_ratios', 'fold', 'split_seed', 'group_by')


def load_run_config(
    config: str | Path,
    *,
    work_dir: str | Path | None = None,
    cfg_options: Sequence[str] = (),
    data: str | Path | Sequence[str] | None = None,
    val_data: str | Path | Sequence[str] | None = None,
    no_check: bool = False,
    for_test: bool = False,
) -> Config:
    """Load a config, apply the settings of a command line, check the result.

    Args:
        config: the config file.
        work_dir: folder of the run; by default that of the config, else
            ``work_dirs/<config name>``.
        cfg_options: ``KEY=VALUE`` texts.
        data: parquet file, folder or pattern for every dataset of the config; of one
            with several sources ``NAME=FILE,NAME=FILE``.
        val_data: the same for validation and test only.
        no_check: do not refuse a config with findings.
        for_test: only what is tested counts: there ``data`` takes the place of all
            sources of a mix, which is refused otherwise.

    Returns:
        The config that runs; each change was printed as old -> new.

    Raises:
        ConfigError: the file is missing or cannot be read, an option is malformed, or
            the check found something.
    """
    cfg = read_config(config)
    try:
        changes = apply_cfg_options(cfg, parse_cfg_options(list(cfg_options)))
    except ValueError as error:
        raise ConfigError(f'--cfg-options: {error}') from error
    for name in LOADERS:
        source = data if name == 'train_dataloader' else (val_data or data)
        if source is not None and cfg.get(name) is not None:
            changes += _point_at(cfg, name, source, for_test)
    for change in changes:
        print(change)
    if work_dir is not None:
        cfg.work_dir = str(work_dir)
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(config).stem)
    set_input_size(cfg)
    ensure_config(cfg, no_check=no_check)
    _check_one_split(cfg)
    return cfg


def set_input_size(cfg: Config) -> None:
    """Tell the model the size of the images, which only the datasets know.

    Args:
        cfg: changed in place, where the model is an ImageClassifier.

    Raises:
        ConfigError: the datasets differ in size, or the model is made for another.
    """
    model = cfg.get('model')
    if not isinstance(model, dict) or model.get('type') != 'ImageClassifier':
        return
    sizes = {
        f'{name}.dataset.image_size': _parse_size(cfg[name]['dataset']['image_size'])
        for name in LOADERS
        if 'image_size' in ((cfg.get(name) or {}).get('dataset') or {})
    }
    if model.get('input_size') is not None:
        sizes['model.input_size'] = _parse_size(model['input_size'])
    if len(set(sizes.values())) > 1:
        listed = ''.join(f'\n  {key} = {size}' for key, size in sizes.items())
        raise ConfigError(f'images of different sizes:{listed}')
    if sizes:
        model['input_size'] = next(iter(sizes.values()))


def set_amp(cfg: Config) -> None:
    """Turn mixed precision on, as ``--amp`` asks.

    Args:
        cfg: changed in place.
    """
    old = cfg.optim_wrapper.get('type', 'OptimWrapper')
    cfg.optim_wrapper.type = 'AmpOptimWrapper'
    print(f'optim_wrapper.type: {old!r} -> {cfg.optim_wrapper.type!r}')


def set_randomness(cfg: Config, seed: int | None, deterministic: bool) -> None:
    """Set the seed, as ``--seed`` and ``--deterministic`` ask.

    Args:
        cfg: changed in place.
        seed: None keeps that of the config.
        deterministic: only deterministic kernels; slower on a GPU.
    """
    randomness = dict(cfg.get('randomness') or {})
    for name, value in (('seed', seed), ('deterministic', deterministic or None)):
        if value is not None:
            print(f'randomness.{name}: {randomness.get(name)} -> {value}')
            randomness[name] = value
    if randomness.get('deterministic'):
        # cuBLAS has no deterministic mode without it, and torch then refuses to run
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')
    cfg.randomness = randomness


def read_config(config: str | Path) -> Config:
    """Read a config file; ``_base_ = 'ocec::...'`` means a config of this package.

    Args:
        config: the config file.

    Returns:
        The config with its bases merged.

    Raises:
        ConfigError: the file is missing or cannot be read.
    """
    # mmengine refuses package names that are not in its own list
    MODULE2PACKAGE.setdefault('ocec', 'ocec')
    if not Path(config).is_file():
        raise ConfigError(f'{config}: no such config file')
    try:
        return Config.fromfile(config)
    except Exception as error:  # a config is a program: anything can go wrong in it
        raise ConfigError(f'{config}: {type(error).__name__}: {error}') from error


def _parse_size(size) -> tuple[int, int]:
    try:
        return parse_image_size(size)
    except (TypeError, ValueError) as error:
        raise ConfigError(str(error)) from error


def _point_at(cfg: Config, name: str, source, for_test: bool) -> list[str]:
    """Let a loader read a file; returns what that changes."""
    new = str(source) if isinstance(source, Path) else source
    dataset = cfg[name]['dataset']
    if is_action_dataset(dataset):
        return point_at_actions(dataset, name, new)
    if is_mix(dataset):
        if (files := _files_of_sources(new, dataset['sources'])) is not None:
            return _point_sources_at(dataset, name, files)
        return _replace_mix(cfg, name, new, for_test)
    old, dataset['data'] = dataset.get('data'), new
    return [] if new == old else [f'{name}.dataset.data: {old!r} -> {new!r}']


def _files_of_sources(data, sources: Mapping) -> dict[str, str] | None:
    """Read ``NAME=FILE,NAME=FILE``; None if it is the name of one data set."""
    parts = data.split(',') if isinstance(data, str) else []
    pairs = [part.partition('=')[::2] for part in parts]
    if not pairs or not all(name in sources and file for name, file in pairs):
        return None
    return dict(pairs)


def _point_sources_at(dataset: dict, name: str, files: Mapping[str, str]) -> list[str]:
    """Let sources of a mix read files; returns what that changes."""
    changes = []
    for source, new in files.items():
        part = dataset['sources'][source]
        old, part['data'] = part.get('data'), new
        if new != old:
            changes.append(f'{name}.dataset.sources.{source}.data: {old!r} -> {new!r}')
    return changes


def _replace_mix(cfg: Config, name: str, data, for_test: bool) -> list[str]:
    """Test one file in the place of all sources, with the metric of one."""
    mix = cfg[name]['dataset']
    sources = ', '.join(mix['sources'])
    if not for_test:
        raise ConfigError(
            f'{data!r} is one data set, {name} has the sources {sources}: name them '
            'with --data NAME=FILE,NAME=FILE'
        )
    tested = 'test' if cfg.get('test_dataloader') is not None else 'val'
    if name != f'{tested}_dataloader':
        return []
    # pictures are prepared as those of the first source, as in inference
    first = next(iter(source_configs(mix).values()))
    kept = ('split', 'image_size', 'interpolation', 'pipeline')
    shared = {key: first[key] for key in kept if key in first}
    cfg[name]['dataset'] = {'type': 'EyeParquet', 'data': data, **shared}
    changes = [f'{name}.dataset: the sources {sources} -> {data!r}']
    evaluator = f'{tested}_evaluator'
    if (cfg.get(evaluator) or {}).get('type') == 'SourceMetric':
        cfg[evaluator] = {'type': 'BinaryMetric'}
        changes.append(f"{evaluator}.type: 'SourceMetric' -> 'BinaryMetric'")
    return changes


def _check_one_split(cfg: Config) -> None:
    """Refuse datasets of one source that are split in different ways: they overlap."""
    ways: dict[str, dict[str, str]] = {}
    for name in LOADERS:
        dataset = (cfg.get(name) or {}).get('dataset') or {}
        for source, part in source_configs(dataset).items():
            way = {k: part.get(k) for k in SPLIT_KEYS}
            key = f'{name}.{source}' if source else name
            ways.setdefault(str(part.get('data')), {})[key] = str(way)
    for data, way_of in ways.items():
        if len(set(way_of.values())) > 1:
            listed = ''.join(f'\n  {name}: {way}' for name, way in way_of.items())
            raise ConfigError(
                f'{data} is split in different ways, so one image could be in training '
                f'and in validation:{listed}\nGive every dataset of it the same '
                f'{", ".join(SPLIT_KEYS[:-1])} and {SPLIT_KEYS[-1]}'
            )
