"""A checkpoint, opened for export: the network, its card and its images."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mmengine.model import is_model_wrapper
from torch import nn
from torch.utils.data import DataLoader

from ocec.apis.errors import ConfigError
from ocec.apis.export_onnx_images import ExportImages, collect_images
from ocec.apis.export_onnx_settings import ExportSettings
from ocec.apis.score_checkpoint import open_test_runner
from ocec.apis.threshold_report import metric_threshold, thresholds_for
from ocec.datasets.mixed_eyes import source_configs
from ocec.engine.checkpoint_io import file_sha256
from ocec.engine.runner import Runner
from ocec.export.onnx_metadata import ModelCard
from ocec.models.classifiers import ImageClassifier
from ocec.version import __version__

NAMED_THRESHOLDS = ('best_f1', 'precision', 'false_alarm')
_STAMP = re.compile(r'_\d{8}_\d{6}(_\d+)?$')


@dataclass(frozen=True)
class ExportSource:
    """What an export starts from.

    Args:
        model: in evaluation mode on the CPU.
        card: of a float32 file, without metrics.
        images: to compare on; None without a parity gate.
    """

    model: nn.Module
    card: ModelCard
    images: ExportImages | None


@contextmanager
def open_source(
    checkpoint: str | Path,
    settings: ExportSettings,
    *,
    config: str | Path | None = None,
    data: str | Path | Sequence[str] | None = None,
    split: str = 'val',
    cfg_options: Sequence[str] = (),
    trust_checkpoint: bool = False,
) -> Iterator[ExportSource]:
    """Load a checkpoint and the images of a split.

    Args:
        checkpoint: weights; of a run with EMA, the averaged ones.
        settings: of the export.
        config: the config file; by default the config that the checkpoint holds.
        data: file, folder or pattern in place of the data of the config.
        split: of the images.
        cfg_options: ``KEY=VALUE`` texts.
        trust_checkpoint: unpickle anything when loading.

    Yields:
        What the export starts from.

    Raises:
        ConfigError: the model is no eye classifier, was trained with another resize
            than the graph has, there is no such threshold, or the data are missing.
    """
    with open_test_runner(
        checkpoint,
        config=config,
        data=data,
        split=split,
        cfg_options=cfg_options,
        trust_checkpoint=trust_checkpoint,
    ) as (runner, content):
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        _check_model(model, checkpoint)
        _check_resize(runner, settings)
        model = model.cpu().eval()
        images = None
        if settings.parity:
            images = collect_images(
                model,
                _open_loader(runner),
                split=split,
                max_images=settings.max_images,
                with_pictures=settings.input == 'raw',
            )
        card = _card(runner, content, model, settings, images)
        names = {
            'config': _config_name(checkpoint, content, config),
            'git': _git_of(checkpoint),
            'checkpoint_sha256': file_sha256(checkpoint),
        }
        yield ExportSource(model, ModelCard(**card, **names), images)


def _check_model(model: nn.Module, checkpoint: str | Path) -> None:
    if not isinstance(model, ImageClassifier):
        raise ConfigError(
            f'{checkpoint} holds a {type(model).__name__}; what is exported is an '
            'ImageClassifier of open and closed eyes'
        )
    if model.input_size is None:
        raise ConfigError(
            f'{checkpoint}: the config does not tell the size of the images: add '
            '--cfg-options model.input_size=32x64'
        )


def _check_resize(runner: Runner, settings: ExportSettings) -> None:
    dataset = _dataset_config(runner)
    if settings.input != 'raw':
        return
    kind = dataset.get('interpolation', 'bilinear')
    if kind != 'bilinear':
        raise ConfigError(
            f'trained on pictures resized with interpolation={kind!r}; the graph of '
            '--input raw has bilinear only, and would give the network other pixels. '
            'Export with --input resized and resize as the training did '
            '(cv2.INTER_AREA), or train with interpolation="bilinear"'
        )
    if dataset.get('pipeline') is not None:
        raise ConfigError(
            'trained with a pipeline of its own, which the graph of --input raw does '
            'not have: export with --input resized and prepare the images as it does'
        )


def _open_loader(runner: Runner) -> DataLoader:
    try:
        return runner.test_dataloader
    except FileNotFoundError as error:
        raise ConfigError(
            f'{error}\nThe export is compared with the checkpoint on real images. Name '
            'yours with --data FILE.parquet (and --split), or export without the '
            'comparison with --no-parity; the file then says that it was not checked'
        ) from error


def _card(runner, content: dict, model, settings: ExportSettings, images) -> dict:
    preprocessor = model.data_preprocessor
    fingerprint = None if images is None else images.fingerprint
    thresholds = thresholds_for(content.get('thresholds'), fingerprint)
    return {
        'input': settings.input,
        'dtype': settings.input_dtype,
        'layout': 'NHWC' if settings.input == 'raw' else 'NCHW',
        'image_size': model.input_size,
        'normalized_inside': settings.normalize == 'inside',
        'mean': preprocessor.mean.flatten().tolist(),
        'std': preprocessor.std.flatten().tolist(),
        'interpolation': _dataset_config(runner).get('interpolation', 'bilinear'),
        'pipeline': bool(_dataset_config(runner).get('pipeline')),
        'threshold': _threshold(settings, thresholds, runner),
        'thresholds': _plain(thresholds),
        'temperature': (thresholds or {}).get('temperature'),
        'embedding': settings.embedding,
        'ocec_version': __version__,
        'data': fingerprint,
    }


def _threshold(settings: ExportSettings, thresholds, runner: Runner) -> float:
    wanted = settings.threshold
    if wanted is None:
        # as EyeClassifier and the reports decide with a checkpoint
        stored = (thresholds or {}).get('best_f1')
        if stored is not None and math.isfinite(stored):
            return float(stored)
        return metric_threshold(runner.cfg.test_evaluator)
    try:
        value = float(wanted)
    except ValueError:
        stored = {name: (thresholds or {}).get(name) for name in NAMED_THRESHOLDS}
        stored = {name: at for name, at in stored.items() if at is not None}
        if wanted not in stored:
            raise ConfigError(
                f'--threshold {wanted}: the checkpoint holds '
                f'{", ".join(stored) or "none"}; or give a number in [0, 1]'
            ) from None
        return float(stored[wanted])
    if not 0 <= value <= 1:
        raise ConfigError(f'--threshold must be in [0, 1], got {wanted}')
    return value


def _plain(thresholds) -> dict | None:
    """Return the thresholds without the places of the files they were chosen on."""
    if thresholds is None:
        return None
    return {name: value for name, value in thresholds.items() if name != 'data'}


def _dataset_config(runner: Runner) -> dict:
    dataset = (runner.cfg.get('test_dataloader') or {}).get('dataset') or {}
    # what the sources of a mix do with pictures is told by the first, as in inference
    return next(iter(source_configs(dataset).values()), {})


def _config_name(checkpoint: str | Path, content: dict, config) -> str:
    if config is not None:
        return Path(config).name
    beside = sorted(Path(checkpoint).parent.glob('*.py'))
    if len(beside) == 1:
        return beside[0].name
    name = (content.get('meta') or {}).get('experiment_name') or Path(checkpoint).stem
    return f'{_STAMP.sub("", name)}.py'


def _git_of(checkpoint: str | Path) -> dict | None:
    file = Path(checkpoint).parent / 'provenance.json'
    if not file.is_file():
        return None
    sessions = json.loads(file.read_text(encoding='utf-8')).get('sessions') or [{}]
    return sessions[-1].get('git')
