"""Contact sheets of what a model sees in training; no display is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ocec.apis.browse_dataset_sections import Section, SectionMaker, make_sections
from ocec.apis.errors import ConfigError
from ocec.apis.html_page import inline_png, render_template
from ocec.apis.progress import track
from ocec.apis.run_config import load_run_config
from ocec.datasets.eye_parquet import EyeParquet
from ocec.engine.checkpoint_io import write_text_atomically
from ocec.functional.probability import CLASS_NAMES
from ocec.models.data_preprocessors.image_preprocessor import ImagePreprocessor
from ocec.preparation.contact_sheet import draw_contact_sheet, encode_png
from ocec.registry import DATASETS, MODELS

TEMPLATE = 'browse_dataset_page.html.j2'
BOTH = 'both'
COLUMNS = 6


def browse_dataset(
    config: str | Path,
    *,
    out_dir: str | Path,
    data: str | None = None,
    split: str = 'train',
    num: int = 12,
    classes: str = BOTH,
    seed: int = 0,
    cfg_options: Sequence[str] = (),
    no_check: bool = False,
) -> list[Path]:
    """Write contact sheets of pictures before and after each augmentation.

    Pictures are those of the config's dataset (its decoded cache or its per-image
    ``pipeline``). Each entry of ``batch_augments`` is shown alone, with probability 1,
    then the whole list several times, then ``mix_augments``. Pixels are shown before
    normalisation; the range after it is told. The seeds of random, numpy and torch
    are set.

    Args:
        config: the config file.
        out_dir: folder for ``index.html``, which needs no other file, and the sheets
            as ``NN_step_class.png``; sheets of an earlier call are removed.
        data: parquet file, folder or pattern in place of that of the config.
        split: ``train``, ``val`` or ``test``; augmentations are shown on each, but
            only training has them.
        num: pictures of each class, >= 1.
        classes: ``open``, ``closed`` or ``both``.
        seed: of the choice of pictures and of the augmentations, >= 0.
        cfg_options: ``KEY=VALUE`` texts.
        no_check: do not refuse a config with findings.

    Returns:
        The files written, the page last.

    Raises:
        ConfigError: something is wrong with the config, or it has no EyeParquet or
            ImagePreprocessor.
        FileNotFoundError: the data are not there.
        ImportError: jinja2 is not installed.
        ValueError: the data are damaged, there is no picture of the class, or an
            argument is out of range.
    """
    if num < 1:
        raise ValueError(f'num must be >= 1, got {num}')
    if classes not in (*CLASS_NAMES, BOTH):
        names = [*CLASS_NAMES, BOTH]
        raise ValueError(f'classes must be one of {names}, got {classes!r}')
    cfg = load_run_config(config, data=data, cfg_options=cfg_options, no_check=no_check)
    init_default_scope(cfg.get('default_scope') or 'ocec')
    preprocessor = _build_preprocessor(cfg)
    dataset = _build_dataset(cfg, split)
    indices = choose_pictures(dataset.labels, num, classes, seed=seed)
    maker = SectionMaker(
        dataset,
        preprocessor,
        indices,
        seed=seed,
        allow_outside=cfg[f'{split}_dataloader'].dataset.get('allow_outside', False),
    )
    settings = cfg.model.data_preprocessor
    augments = settings.get('batch_augments') or ()
    mix = settings.get('mix_augments')
    sections = make_sections(maker, augments, mix)
    total = 1 + len(augments) + bool(augments) + (mix is not None)
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    _remove_old_sheets(out_dir)
    written, shown = [], []
    for section in track(sections, total=total, what='steps shown'):
        sheets = dict(draw_sheets(section))
        for label, png in sheets.items():
            written.append(out_dir / f'{section.name}_{label}.png')
            written[-1].write_bytes(png)
        inlined = {label: inline_png(png) for label, png in sheets.items()}
        shown.append((section, inlined))
    page = render_template(
        TEMPLATE,
        config=str(config),
        dataset=str(dataset),
        is_train=split == 'train',
        image_size=dataset.image_size,
        mean=preprocessor.mean.flatten().tolist(),
        std=preprocessor.std.flatten().tolist(),
        seed=seed,
        num_shown=len(indices),
        shown=shown,
    )
    written.append(out_dir / 'index.html')
    write_text_atomically(page, written[-1])
    print(f'{len(indices)} pictures of {dataset}')
    for section, _ in shown:
        low, high = section.normalised
        print(f'  {section.name}: normalised {low:.2f} to {high:.2f}')
    print(f'written: {written[-1]} and {len(written) - 1} sheets')
    return written


def choose_pictures(
    label_N: np.ndarray, num: int, classes: str, *, seed: int
) -> list[int]:
    """Choose pictures of each class at random.

    Args:
        label_N: (N,) 1 open, 0 closed.
        num: pictures of each class, at most.
        classes: ``open``, ``closed`` or ``both``.
        seed: the same seed chooses the same pictures.

    Returns:
        Their numbers, ascending within a class, closed before open.

    Raises:
        ValueError: there is no picture of the class.
    """
    rng = np.random.default_rng(seed)
    chosen = []
    for code, name in enumerate(CLASS_NAMES):
        # drawn for both, so that one class shows the same pictures alone
        rows = rng.permutation(np.flatnonzero(label_N == code))[:num]
        if classes in (name, BOTH):
            chosen += sorted(rows.tolist())
    if not chosen:
        raise ValueError(f'there is no picture of class {classes!r} to show')
    return chosen


def draw_sheets(section: Section) -> Iterator[tuple[str, bytes]]:
    """Draw one sheet per class.

    Args:
        section: what to draw.

    Yields:
        name of the class, and the sheet as PNG.
    """
    for code, label in enumerate(CLASS_NAMES):
        numbers = np.flatnonzero(section.label_B == code)
        if len(numbers):
            sets = [section.sets[number] for number in numbers]
            yield label, encode_png(draw_contact_sheet(sets, columns=COLUMNS))


def _build_dataset(cfg: Config, split: str) -> EyeParquet:
    loader = cfg.get(f'{split}_dataloader')
    if loader is None:
        raise ConfigError(f'the config has no {split}_dataloader')
    kind = loader.dataset.get('type')
    if kind != 'EyeParquet':
        raise ConfigError(
            f'{split}_dataloader.dataset must be an EyeParquet to be shown, got {kind}'
        )
    # a few pictures are wanted, on the CPU
    return DATASETS.build({**loader.dataset, 'split': split, 'resident': None})


def _build_preprocessor(cfg: Config) -> ImagePreprocessor:
    settings = cfg.model.get('data_preprocessor') or {'type': None}
    if settings['type'] != 'ImagePreprocessor':
        raise ConfigError(
            'model.data_preprocessor must be an ImagePreprocessor to be shown, '
            f'got {settings["type"]}'
        )
    return MODELS.build(settings)


def _remove_old_sheets(folder: Path) -> None:
    """Remove sheets of an earlier call: of other augmentations they would mislead."""
    for path in folder.glob('*.png'):
        if re.fullmatch(rf'\d\d_\w+_({"|".join(CLASS_NAMES)})\.png', path.name):
            path.unlink()
