"""A checkpoint to hand out: averaged weights, a digest in the name, a model card."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from torch import Tensor

from ocec.apis.errors import ConfigError
from ocec.apis.publish_model_card import card_text
from ocec.apis.publish_model_facts import (
    describe_model,
    find_metrics,
    read_training,
    score_model,
    without_folders,
)
from ocec.apis.run_config import read_config, set_input_size
from ocec.apis.stored_config import write_stored_config
from ocec.engine.checkpoint_io import (
    digest_path,
    file_sha256,
    load_safely,
    save_atomically,
    write_text_atomically,
)
from ocec.engine.original_checkpoint import is_original
from ocec.engine.start_weights import read_weights
from ocec.version import __version__

FORMATS = ('pth', 'safetensors')
DIGEST_DIGITS = 8
KEPT_META = ('epoch', 'iter', 'seed', 'dataset_meta', 'imported', 'average')
_START_TIME = re.compile(r'_\d{8}_\d{6}$')


def publish_model(
    checkpoint: str | Path,
    out_dir: str | Path,
    *,
    name: str | None = None,
    config: str | Path | None = None,
    data: str | None = None,
    split: str | None = None,
    formats: Sequence[str] = FORMATS[:1],
    license_name: str | None = None,
    trust_checkpoint: bool = False,
) -> list[Path]:
    """Write ``NAME-1a2b3c4d.pth`` and a card beside it, as Markdown and JSON.

    Kept are the weights (of a run with EMA the averaged ones), the config without the
    folders of this machine, the classes and the thresholds; not the optimizer, the
    schedule and the log. One checkpoint gives one file, byte by byte.

    Args:
        checkpoint: of a training, or imported.
        out_dir: folder to write.
        name: of the files; by default that of the run.
        config: the config file, where the checkpoint holds none.
        data: parquet file, folder or pattern to score the published file on; without
            it the card has the numbers that lie beside the checkpoint, and says so.
        split: of ``data``; by default that of the test loader.
        formats: of ``FORMATS``.
        license_name: of the weights, for the card, as ``Apache-2.0``.
        trust_checkpoint: unpickle anything when loading.

    Returns:
        The files: the model in each format, then the two of the card.

    Raises:
        ConfigError: an argument is wrong, or there is no config.
        ImportError: a format needs safetensors, which is not installed.
        ValueError: the checkpoint is damaged or not trusted.
    """
    formats = list(dict.fromkeys(formats))
    if not formats or not set(formats) <= set(FORMATS):
        raise ConfigError(f'--format must be of {FORMATS}, got {formats}')
    if split is not None and data is None:
        raise ConfigError('--split is of --data, which is not given')
    if not Path(checkpoint).is_file():
        raise ConfigError(f'{checkpoint}: no such checkpoint')
    content = load_safely(checkpoint, trust=trust_checkpoint)
    if isinstance(content, Mapping) and is_original(content):
        raise ConfigError(
            f'{checkpoint} is one of the original OCEC trainer: import it first with '
            'tools/model_converters/import_original.py'
        )
    weights = read_weights(content, str(checkpoint))
    meta = content.get('meta') or {}
    name = _choose_name(name, meta, Path(checkpoint))
    cfg = _read_config(content, checkpoint, config, trust_checkpoint)
    published = _published(content, weights.state, cfg, Path(checkpoint))

    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out_dir, prefix='.publish-') as folder:
        files = [_write(published, Path(folder) / f'{name}.{kind}') for kind in formats]
        training = read_training(Path(checkpoint), content)
        if data is not None:
            scores = score_model(files[0], data, split, training['data'].get('train'))
        else:
            scores = find_metrics(Path(checkpoint), content)
        card: dict[str, Any] = {
            'name': name,
            'files': [_identify(file) for file in files],
            'ocec': __version__,
            'weights': weights.kind,
            **describe_model(cfg, published),
            'training': training,
            'scores': scores,
            'thresholds': published.get('thresholds'),
            'license': license_name,
        }
        texts = {
            'md': card_text(card),
            'json': json.dumps(card, indent=2, allow_nan=False) + '\n',
        }
        stem = files[0].stem
        cards = [Path(folder) / f'{stem}.{ending}' for ending in texts]
        for file, text in zip(cards, texts.values(), strict=True):
            file.write_text(text, encoding='utf-8')
        done = [out_dir / file.name for file in (*files, *cards)]
        for file in (*map(digest_path, files), *files, *cards):
            os.replace(file, out_dir / file.name)
    print('\n'.join(map(str, done)))
    if data is None:
        print(
            f'not scored anew: {scores["source"]}; --data FILE scores what is written'
        )
    return done


def _choose_name(name: str | None, meta: Mapping, checkpoint: Path) -> str:
    if name is None:
        run = meta.get('experiment_name') or checkpoint.resolve().parent.name
        return _START_TIME.sub('', run)
    if not re.fullmatch(r'\w[\w.+-]*', name):
        raise ConfigError(
            f'--name is the beginning of a file name: letters, digits and . _ + -, '
            f'got {name!r}'
        )
    return name


def _read_config(
    content: Mapping, checkpoint: str | Path, config: str | Path | None, trust: bool
) -> Config:
    """Return the config without what belongs to one machine or one run."""
    with tempfile.TemporaryDirectory(prefix='ocec-publish-') as folder:
        file = config
        if file is None:
            file = Path(folder) / 'stored.py'
            write_stored_config(content, checkpoint, file, trust=trust)
        cfg = read_config(file)
    set_input_size(cfg)
    settings = without_folders(cfg.to_dict())
    settings.pop('work_dir', None)
    settings |= {'load_from': None, 'resume': False}
    return Config(settings)


def _published(
    content: Mapping, state: Mapping[str, Tensor], cfg: Config, checkpoint: Path
) -> dict[str, Any]:
    meta = content.get('meta') or {}
    published = {
        'meta': {
            'cfg': cfg.pretty_text,
            **{key: without_folders(meta[key]) for key in KEPT_META if key in meta},
            'published_from': file_sha256(checkpoint),
        },
        # copies: one that is part of a larger tensor would bring that along
        'state_dict': {name: x.contiguous().clone() for name, x in state.items()},
    }
    if content.get('thresholds'):
        published['thresholds'] = without_folders(content['thresholds'])
    return published


def _write(published: Mapping, file: Path) -> Path:
    """Write a model and put the digest into its name."""
    digest = save_atomically(published, file)
    named = file.with_name(f'{file.stem}-{digest[:DIGEST_DIGITS]}{file.suffix}')
    os.replace(file, named)
    digest_path(file).unlink()
    write_text_atomically(f'{digest}  {named.name}\n', digest_path(named))
    return named


def _identify(file: Path) -> dict[str, Any]:
    return {
        'file': file.name,
        'bytes': file.stat().st_size,
        'sha256': file_sha256(file),
    }
