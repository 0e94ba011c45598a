"""From a checkpoint of the original OCEC trainer to one that every tool here reads."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import DefaultScope
from torch import Tensor

import ocec
from ocec.apis.errors import ConfigError
from ocec.apis.run_config import LOADERS, read_config
from ocec.datasets.eye_parquet import parse_image_size
from ocec.engine.checkpoint_io import file_sha256, load_safely, save_atomically
from ocec.engine.model_settings import settings_from_shapes
from ocec.engine.original_checkpoint import PIXEL_MAX, convert_original, is_original
from ocec.registry import MODELS

#: whose data, schedule and hooks the config in the checkpoint gets
CONFIG = 'ocec/ocec-baseline_1xb256-20e_eye-32x64.py'
# the first name that is found tells the head
HEAD_NAMES = {
    '.qkv': 'TransformerHead',
    '.token_mlp.': 'MLPMixerHead',
    'head.mlp.': 'AvgMaxMLPHead',
    'head.norm.': 'AvgHead',
}
TOKEN_HEADS = ('TransformerHead', 'MLPMixerHead')
CLASSES = ('closed', 'open')


def import_original(
    checkpoint: str | Path,
    out: str | Path,
    *,
    image_size: Sequence[int] | str | None = None,
    token_grid: Sequence[int] | str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    trust_checkpoint: bool = False,
) -> dict:
    """Write a checkpoint of the original as ours, with its config inside.

    P(open) stays the same for the same pixels. Optimizer and scheduler are left out;
    thresholds are not in the original's files.

    Args:
        checkpoint: ``.pt`` of the original trainer.
        out: file to write, ``.pth`` or ``.safetensors``.
        image_size: (H, W) in pixels where the checkpoint does not tell it.
        token_grid: (H, W) in cells of a head with tokens, where it is not told.
        mean: of R, G and B in [0, 1], where it is not told.
        std: of R, G and B in [0, 1], > 0, where it is not told.
        trust_checkpoint: unpickle anything when loading.

    Returns:
        The checkpoint.

    Raises:
        ConfigError: there is no such file, it is none of the original, or it leaves
            open what an argument must tell.
        ValueError: it is damaged or not trusted, its architecture has no equal here,
            or it holds no head that was trained.
    """
    if not Path(checkpoint).is_file():
        raise ConfigError(f'{checkpoint}: no such checkpoint')
    content = load_safely(checkpoint, trust=trust_checkpoint)
    if not isinstance(content, Mapping) or not is_original(content):
        raise ConfigError(
            f'{checkpoint} is no checkpoint of the original OCEC trainer, which has '
            'its weights under "model_state"'
        )
    content = _with_constants(content, mean, std, checkpoint)
    state, _, notes = convert_original(content, str(checkpoint))
    if not any(name.startswith('head.') for name in state):
        raise ValueError(
            f'{checkpoint}: no head is left: {"; ".join(notes)}. A training can start '
            'from its backbone: tools/train.py CONFIG --pretrain FILE'
        )
    _check_labels(content, checkpoint)
    size = _choose_size(content, image_size, checkpoint)
    model = _model_config(content, state, checkpoint)
    model['input_size'] = size
    if model['head']['type'] in TOKEN_HEADS:
        model['head'] |= _token_settings(content, state, token_grid, checkpoint)
    complete = _complete(state, model, checkpoint)
    epoch = content.get('epoch')
    imported = {
        'meta': {
            'cfg': _run_config(model, size).pretty_text,
            'dataset_meta': {'classes': CLASSES},
            **({'epoch': epoch} if isinstance(epoch, int) else {}),
            'imported': {
                'file': Path(checkpoint).name,
                'sha256': file_sha256(checkpoint),
                'notes': notes,
            },
        },
        'state_dict': complete,
    }
    digest = save_atomically(imported, out)
    names = f'{model["backbone"]["type"]}, {model["head"]["type"]}'
    print(f'{out}: {names}, {size[0]}x{size[1]}, SHA-256 {digest}')
    return imported


def _with_constants(
    content: Mapping, mean, std, file: str | Path
) -> dict[str, Mapping]:
    """Add what the command line tells of the normalisation."""
    told = dict(content.get('normalization') or {})
    for name, values in (('mean', mean), ('std', std)):
        if values is not None and name in told and list(told[name]) != list(values):
            raise ConfigError(
                f'--{name}: {file} holds another one, {list(told[name])}; leave it out'
            )
        told.setdefault(name, values)
        if told[name] is None:
            raise ConfigError(
                f'{file} does not tell the {name} of its normalisation: give it with '
                f'--{name} R G B, as shares of 1 (the first versions of the original '
                'had mean 0 0 0 and std 1 1 1)'
            )
    if min(told['std']) <= 0:
        raise ConfigError(f'--std must be > 0, got {list(told["std"])}')
    return {**content, 'normalization': told}


def _check_labels(content: Mapping, file: str | Path) -> None:
    labels = content.get('label_map')
    if isinstance(labels, Mapping) and labels.get('open', 1) != 1:
        raise ValueError(
            f'{file}: its label_map is {dict(labels)}, and 1 must stand for open'
        )


def _choose_size(content: Mapping, given, file: str | Path) -> tuple[int, int]:
    told = content['normalization'].get('image_size')
    size = None if told is None else parse_image_size(told)
    try:
        wanted = None if given is None else parse_image_size(given)
    except ValueError as error:
        raise ConfigError(f'--image-size: {error}') from error
    if size is None and wanted is None:
        raise ConfigError(
            f'{file} does not tell its image size: give it with --image-size HxW'
        )
    if None not in (size, wanted) and size != wanted:
        raise ConfigError(f'--image-size: {file} was trained with {size}')
    return wanted or size


def _model_config(
    content: Mapping, state: Mapping[str, Tensor], file: str | Path
) -> dict:
    """Return the model that the weights tell of."""
    backbone = settings_from_shapes(state)
    heads = [head for mark, head in HEAD_NAMES.items() if any(mark in n for n in state)]
    if backbone is None or not heads:
        raise ValueError(
            f'{file}: its model is none of baseline, inverted_se and convnext with a '
            'head of the original'
        )
    mean, std = (
        [PIXEL_MAX * share for share in content['normalization'][name]]
        for name in ('mean', 'std')
    )
    return {
        'type': 'ImageClassifier',
        'data_preprocessor': {'type': 'ImagePreprocessor', 'mean': mean, 'std': std},
        'backbone': backbone,
        'head': {
            'type': heads[0],
            'num_classes': 1,
            'dropout': (content.get('model_config') or {}).get('dropout', 0.3),
            # the original's files do not tell the weight of open
            'loss': {'type': 'BCELoss', 'pos_weight': 1.0},
        },
    }


def _token_settings(
    content: Mapping, state: Mapping[str, Tensor], given, file: str | Path
) -> dict:
    """Return what the weights of a head with tokens do not tell, and its depth."""
    told = (content.get('model_config') or {}).get('token_mixer_grid')
    if given is None and told is None:
        raise ConfigError(
            f'{file} does not tell the grid of its tokens, and its weights fit any: '
            'give that of its training with --token-grid HxW'
        )
    try:
        grid = parse_image_size(told if given is None else given)
    except ValueError as error:
        raise ConfigError(f'--token-grid: {error}') from error
    numbers = [int(m[1]) for n in state if (m := re.match(r'head\.layers\.(\d+)', n))]
    return {'token_grid': grid, 'num_layers': 1 + max(numbers)}


def _run_config(model: Mapping, size: tuple[int, int]) -> Config:
    """Return a config that tests the model and trains it on."""
    package = Path(ocec.__file__).parent
    places = [root / 'configs' / CONFIG for root in (package / '.mim', package.parent)]
    cfg = read_config(next((file for file in places if file.is_file()), places[0]))
    content = cfg.to_dict()
    content['model'] = dict(model)
    for name in LOADERS:
        content[name]['dataset']['image_size'] = size
    return Config(content)


def _complete(
    state: Mapping[str, Tensor], model: Mapping, file: str | Path
) -> dict[str, Tensor]:
    """Return every weight of the model; all but those of the loss must be there."""
    with DefaultScope.overwrite_default_scope('ocec'):
        own = MODELS.build(dict(model)).state_dict()
    free = {name for name in own if name.startswith('head.loss_module.')}
    wrong = sorted((set(state) ^ set(own)) - free)
    wrong += [n for n in state if n in own and state[n].shape != own[n].shape]
    if wrong:
        raise ValueError(
            f'{file}: {len(wrong)} of its weights have no place in the model, or lack '
            f'one, as {wrong[0]}'
        )
    return {name: state.get(name, value) for name, value in own.items()}
