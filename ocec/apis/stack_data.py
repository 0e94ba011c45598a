"""The data sets of a member: what it was trained on, and what it is scored on."""

from __future__ import annotations

import inspect
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config
from torch.utils.data import Dataset

from ocec.apis.errors import ConfigError
from ocec.apis.run_config import read_config
from ocec.apis.score_checkpoint import SOURCE_KEYS
from ocec.apis.stack_config import DataConfig, MemberConfig
from ocec.apis.stored_config import write_stored_config
from ocec.engine.checkpoint_io import load_safely
from ocec.registry import DATASETS

LOADERS = ('test_dataloader', 'val_dataloader', 'train_dataloader')
PROVENANCE = 'provenance.json'
# where a file lies does not change what is in it
PLACES = ('file', 'labels')


def stored_config(member: MemberConfig, *, trust: bool = False) -> Config:
    """Read the config that a checkpoint was trained with.

    Args:
        member: whose checkpoint; its config file where the checkpoint holds none.
        trust: unpickle anything.

    Returns:
        The config.

    Raises:
        ConfigError: there is none.
        ValueError: the checkpoint is damaged or not trusted.
    """
    content = load_safely(member.checkpoint, trust=trust)
    has_none = not (content.get('meta') or {}).get('cfg')
    if has_none and member.config is not None:
        return read_config(member.config)
    with tempfile.TemporaryDirectory(prefix='ocec-stack-') as folder:
        file = Path(folder) / 'stored.py'
        write_stored_config(content, member.checkpoint, file, trust=trust)
        return read_config(file)


def scoring_config(member: MemberConfig, *, trust: bool = False) -> Config:
    """Read the config that a member is scored with.

    Args:
        member: its config file is taken first, then what its checkpoint holds.
        trust: unpickle anything.

    Returns:
        The config.
    """
    if member.config is not None:
        return read_config(member.config)
    return stored_config(member, trust=trust)


def scored_settings(cfg: Config, source: DataConfig) -> dict[str, object]:
    """Return the config of the data set that ``score_checkpoint`` will score.

    Args:
        cfg: of the member.
        source: data and split in place of those of its test loader.

    Returns:
        The config, for :func:`build_dataset`.

    Raises:
        ConfigError: the config has no loader to test on, or its data set no splits.
    """
    loaders = [cfg[name] for name in LOADERS if cfg.get(name) is not None]
    if not loaders or loaders[0] is cfg.get('train_dataloader'):
        raise ConfigError('there is neither a test_dataloader nor a val_dataloader')
    settings = dict(loaders[0]['dataset'])
    if source.split is not None:
        if 'split' not in settings:
            raise ConfigError(f'{settings["type"]} has no argument split')
        for loader in loaders:
            other = loader['dataset']
            same_type = other.get('type') == settings['type']
            if same_type and other.get('split') == source.split:
                settings |= {key: other[key] for key in SOURCE_KEYS if key in other}
                break
        settings['split'] = source.split
    if source.data is not None:
        settings['data'] = _plain(source.data)
    return settings


def build_dataset(settings: Mapping[str, object]) -> Dataset:
    """Build a data set without its per-image transforms, so that pixels are known.

    Args:
        settings: its config.

    Returns:
        The data set.
    """
    settings = dict(settings)
    if settings.get('pipeline') is not None:
        settings['pipeline'] = None
    return DATASETS.build(settings)


def without_labels(cfg: Config) -> dict[str, object]:
    """Return what makes the data set of a config do without labels.

    Args:
        cfg: of the member.

    Returns:
        Arguments of the data set; none where it must have labels.
    """
    loader = cfg.get('test_dataloader') or cfg.get('val_dataloader')
    if loader is None:
        return {}
    taken = inspect.signature(DATASETS.get(loader['dataset']['type'])).parameters
    return {'need_labels': False} if 'need_labels' in taken else {}


def changed_since_training(checkpoint: Path, part: str, dataset: Dataset) -> str | None:
    """Compare data with the record that their training left beside a checkpoint.

    Args:
        checkpoint: of the run.
        part: ``train`` or ``val``.
        dataset: as it can be read today.

    Returns:
        What differs, in words; None if nothing does, or nothing is on record.
    """
    file = checkpoint.parent / PROVENANCE
    if not file.is_file():
        return None
    try:
        recorded = json.loads(file.read_text())['sessions'][-1]['data'][part]
    except (KeyError, IndexError, TypeError, ValueError):
        return None  # a record of another kind tells nothing
    today = json.loads(json.dumps(dataset.fingerprint()))
    for key in sorted(set(recorded or {}) & set(today)):
        if _without_places(recorded[key], key) != _without_places(today[key], key):
            return f'{key} was {recorded[key]!r} in training and is {today[key]!r} now'
    return None


def _without_places(value: object, key: str) -> object:
    if isinstance(value, dict):
        return {k: _without_places(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [_without_places(item, '') for item in value]
    return None if key in PLACES else value


def _plain(data: object) -> object:
    return list(data) if isinstance(data, tuple) else data
