"""Clips of actions as a model sees them, with its answers; no display is needed."""

from __future__ import annotations

import base64
import random
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ocec.apis.action_data import check_action_files, is_action_dataset
from ocec.apis.browse_actions_clips import ShownClip, delivered_clip, raw_clip
from ocec.apis.browse_actions_pictures import answer_text, draw_animation, draw_sheet
from ocec.apis.errors import ConfigError
from ocec.apis.html_page import inline_png, render_template
from ocec.apis.infer_action_model import (
    check_action_model,
    class_names,
    load_action_weights,
)
from ocec.apis.progress import track
from ocec.apis.run_config import load_run_config
from ocec.datasets.action_split import shown_names
from ocec.datasets.rgb_pose import RGBPose
from ocec.engine.checkpoint_io import load_safely, write_text_atomically
from ocec.models.data_preprocessors.action_preprocessor import ActionPreprocessor
from ocec.registry import DATASETS, MODELS

TEMPLATE = 'browse_actions_page.html.j2'
PAGE, TITLE = 'index.html', b'<title>Clips of actions</title>'
FORMATS = {'gif': draw_animation, 'png': draw_sheet}
_NOT_IN_NAMES = re.compile(r'[^\w.-]+')


def browse_actions(
    config: str | Path,
    *,
    out_dir: str | Path,
    checkpoint: str | Path | None = None,
    data: str | None = None,
    split: str = 'train',
    clips: Sequence[str] = (),
    num: int = 6,
    form: str = 'gif',
    raw: bool = False,
    seed: int = 0,
    cfg_options: Sequence[str] = (),
    no_check: bool = False,
    trust_checkpoint: bool = False,
) -> list[Path]:
    """Write pictures of clips, as the dataset and the preprocessor deliver them.

    Each clip is shown with its skeletons, its heatmaps, and, with a checkpoint of a
    model that has one, its attention. Clips of ``train`` are augmented. The seeds of
    random, numpy and torch are set for each clip, so that a clip looks the same
    whichever others are shown.

    Args:
        config: the config file.
        out_dir: folder for ``NUMBER_NAME.gif`` or ``.png`` and ``index.html``, which
            needs no other file; those of an earlier call are removed.
        checkpoint: weights of the config's model, for its answers.
        data: pickle or folder of actions in place of those of the config.
        split: ``train``, ``val`` or ``test``: whose loader.
        clips: names of the clips; none chooses ``num`` at random.
        num: clips to choose, >= 1; all if there are fewer.
        form: ``gif``, animations, or ``png``, contact sheets.
        raw: whole frames as in the files, before sampling, crops and augmentation.
        seed: of choice and augmentation, >= 0.
        cfg_options: ``KEY=VALUE`` texts.
        no_check: do not refuse a config with findings.
        trust_checkpoint: unpickle anything when loading.

    Returns:
        The files written, the page last.

    Raises:
        ConfigError: something is wrong with the config or the checkpoint, or the
            config is not one of actions.
        FileNotFoundError: the checkpoint is not there.
        ImportError: jinja2 is not installed.
        ValueError: the data are damaged, there is no clip of such a name, or an
            argument is out of range.
    """
    if num < 1:
        raise ValueError(f'num must be >= 1, got {num}')
    if seed < 0:
        raise ValueError(f'seed must be >= 0, got {seed}')
    if form not in FORMATS:
        raise ValueError(f'format must be one of {[*FORMATS]}, got {form!r}')
    cfg = load_run_config(config, data=data, cfg_options=cfg_options, no_check=no_check)
    init_default_scope(cfg.get('default_scope') or 'ocec')
    check_action_model(cfg, config)
    dataset = _build_dataset(cfg, split)
    indices = choose_clips(dataset.ids, clips, num, seed=seed)
    network, classes = None, dataset.metainfo['classes']
    if checkpoint is not None:
        content = load_safely(checkpoint, trust=trust_checkpoint)
        network = load_action_weights(cfg, content, checkpoint)
        classes = _shared_names(class_names(content, len(classes)), classes)
    preprocessor = _preprocessor(cfg, network)
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    _remove_old(out_dir)
    written, shown = [], []
    for number, index in enumerate(track(indices, total=len(indices), what='clips')):
        _set_seeds(seed + index)
        if raw:
            clip = raw_clip(dataset, index, preprocessor, network=network)
        else:
            clip = delivered_clip(
                dataset,
                index,
                preprocessor,
                training=split == 'train',
                network=network,
            )
        picture = FORMATS[form](clip, preprocessor.layout, classes)
        name = _NOT_IN_NAMES.sub('_', clip.name)[:120]
        written.append(out_dir / f'{number:03d}_{name}.{form}')
        written[-1].write_bytes(picture)
        shown.append(_row(clip, classes, picture, form))
    page = render_template(
        TEMPLATE,
        config=str(config),
        dataset=str(dataset),
        checkpoint=None if checkpoint is None else str(checkpoint),
        has_attention=any(row['has_attention'] for row in shown),
        is_train=split == 'train',
        raw=raw,
        seed=seed,
        shown=shown,
    )
    written.append(out_dir / PAGE)
    write_text_atomically(page, written[-1])
    print(f'{len(shown)} clips of {dataset}')
    if network is not None:
        num_right = sum(row['is_right'] for row in shown)
        print(f'{num_right} of {len(shown)} recognised by {checkpoint}')
    print(f'written: {written[-1]} and {len(written) - 1} {form} files')
    return written


def choose_clips(
    name_S: np.ndarray, wanted: Sequence[str], num: int, *, seed: int
) -> list[int]:
    """Choose clips of a split.

    Args:
        name_S: (S,) names of all.
        wanted: names of those to show, in this order; none chooses at random.
        num: how many to choose then; all if there are fewer.
        seed: the same seed chooses the same clips.

    Returns:
        Their numbers; chosen ones ascending.

    Raises:
        ValueError: a name is not in the split.
    """
    names = name_S.tolist()
    number_of = {name: number for number, name in enumerate(names)}
    if unknown := [name for name in wanted if name not in number_of]:
        raise ValueError(
            f'no clip {", ".join(unknown)} in this split, which has '
            f'{shown_names(names)}'
        )
    if wanted:
        return [number_of[name] for name in wanted]
    drawn = np.random.default_rng(seed).permutation(len(names))[:num]
    return sorted(drawn.tolist())


def _build_dataset(cfg: Config, split: str) -> RGBPose:
    loader = cfg.get(f'{split}_dataloader')
    if loader is None:
        raise ConfigError(f'the config has no {split}_dataloader')
    if not is_action_dataset(loader.dataset):
        raise ConfigError(
            f'{split}_dataloader.dataset must be an RGBPose to be shown, got '
            f'{loader.dataset.get("type")}'
        )
    check_action_files({f'{split}_dataloader': loader})
    return DATASETS.build(loader.dataset)


def _preprocessor(cfg: Config, network: torch.nn.Module | None) -> ActionPreprocessor:
    if network is not None:
        return network.data_preprocessor
    settings = cfg.model.get('data_preprocessor') or {'type': None}
    if str(settings['type']).rsplit('.', 1)[-1] != 'ActionPreprocessor':
        raise ConfigError(
            'model.data_preprocessor must be an ActionPreprocessor to be shown, got '
            f'{settings["type"]}'
        )
    return MODELS.build(settings)


def _shared_names(stored: Sequence[str], own: Sequence[str]) -> tuple[str, ...]:
    """Names of the data, unless they are numbers."""
    is_numbered = all(name.isdecimal() for name in own)
    return tuple(stored if is_numbered else own)


def _set_seeds(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def _row(clip: ShownClip, classes: Sequence[str], picture: bytes, form: str) -> dict:
    source = inline_png(picture)
    if form == 'gif':
        source = 'data:image/gif;base64,' + base64.b64encode(picture).decode()
    return {
        'name': clip.name,
        'label': classes[clip.label],
        'facts': ', '.join(clip.facts),
        'answer': answer_text(clip, classes),
        'is_right': clip.prob_C is not None and clip.prob_C.argmax() == clip.label,
        'has_attention': clip.attention_Thw is not None,
        'source': source,
    }


def _remove_old(folder: Path) -> None:
    """Remove pictures of an earlier call: of other settings they would mislead."""
    page = folder / PAGE
    if not page.is_file():  # pictures that are numbered may be of anybody
        return
    with open(page, 'rb') as file:
        if TITLE not in file.read(1024):
            return
    for path in folder.iterdir():
        if re.fullmatch(r'\d{3}_.+\.(gif|png)', path.name):
            path.unlink()
