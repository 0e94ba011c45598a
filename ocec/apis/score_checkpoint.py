"""Score a split with a checkpoint; leaves nothing behind on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmengine.config import Config
from mmengine.model import is_model_wrapper
from torch import nn
from torch.utils.data import Dataset

from ocec.apis.action_data import is_action_dataset
from ocec.apis.errors import ConfigError
from ocec.apis.run_config import load_run_config
from ocec.apis.stored_config import write_stored_config
from ocec.compat import check_torchvision
from ocec.engine.checkpoint_io import load_safely
from ocec.engine.runner import Runner

# mmengine adds those of its own that are not named
NO_HOOKS = (
    'runtime_info',
    'timer',
    'sampler_seed',
    'logger',
    'param_scheduler',
    'checkpoint',
)
# where a dataset finds its images: these follow the split
SOURCE_KEYS = ('data', 'split_ratios', 'fold', 'split_seed', 'group_by', 'labels')


@dataclass(frozen=True)
class ScoredSplit:
    """What a checkpoint says of a split.

    Args:
        scores: fields of :class:`ocec.structures.BatchScores` as arrays, sorted by
            sample id: ``prob_B``, ``loss_B``, ``label_B``, ``sample_id_B``,
            ``group_id_B``, and ``embedding_BD`` where the model tells it.
        dataset: the images.
        cfg: the config that was run.
        thresholds: those chosen in training, where the checkpoint holds some.
    """

    scores: dict[str, np.ndarray]
    dataset: Dataset
    cfg: Config
    thresholds: dict | None = None


def score_checkpoint(
    checkpoint: str | Path,
    *,
    config: str | Path | None = None,
    data: str | Path | Sequence[str] | None = None,
    split: str | None = None,
    cfg_options: Sequence[str] = (),
    trust_checkpoint: bool = False,
    batch_size: int | None = None,
) -> ScoredSplit:
    """Score a split as a test does, without a work_dir and without hooks.

    Args:
        checkpoint: weights; of a run with EMA, the averaged ones.
        config: the config file; by default the config that the checkpoint holds.
        data: file, folder or pattern in place of the data of the config.
        split: ``train``, ``val``... in place of that of the test loader; the images of
            ``train`` are read as those of the test are, in order and unchanged.
        cfg_options: ``KEY=VALUE`` texts.
        trust_checkpoint: unpickle anything when loading.
        batch_size: images in a batch, in place of that of the config.

    Returns:
        The scores and what they are of.

    Raises:
        ConfigError: something is wrong with the config or the arguments, or the
            checkpoint is one of another model, or of actions.
        ValueError: the checkpoint is damaged or not trusted.
    """
    with open_test_runner(
        checkpoint,
        config=config,
        data=data,
        split=split,
        cfg_options=cfg_options,
        trust_checkpoint=trust_checkpoint,
        batch_size=batch_size,
    ) as (runner, content):
        if is_action_dataset(runner.cfg.test_dataloader.dataset):
            raise ConfigError(
                f'{checkpoint}: a model of actions, which only tools/test.py scores: '
                'tools/test.py CONFIG CHECKPOINT --out FILE.csv'
            )
        runner.test()
    return ScoredSplit(
        scores=_last_scores(runner),
        dataset=runner.test_dataloader.dataset,
        cfg=runner.cfg,
        thresholds=content.get('thresholds'),
    )


@contextmanager
def open_test_runner(
    checkpoint: str | Path,
    *,
    config: str | Path | None = None,
    data: str | Path | Sequence[str] | None = None,
    split: str | None = None,
    cfg_options: Sequence[str] = (),
    trust_checkpoint: bool = False,
    batch_size: int | None = None,
) -> Iterator[tuple[Runner, dict]]:
    """Build what scores a split, with the weights loaded; ``test()`` scores.

    Args:
        checkpoint: as in :func:`score_checkpoint`.
        config: as there.
        data: as there.
        split: as there.
        cfg_options: as there.
        trust_checkpoint: as there.
        batch_size: as there.

    Yields:
        The runner, whose work_dir is gone afterwards, and the checkpoint.

    Raises:
        ConfigError: as in :func:`score_checkpoint`.
    """
    check_torchvision()
    if not Path(checkpoint).is_file():
        raise ConfigError(f'{checkpoint}: no such checkpoint')
    content = load_safely(checkpoint, trust=trust_checkpoint)
    with tempfile.TemporaryDirectory(prefix='ocec-score-') as folder:
        file = Path(config) if config is not None else Path(folder) / 'stored.py'
        if config is None:
            write_stored_config(content, checkpoint, file, trust=trust_checkpoint)
        cfg = load_run_config(
            file,
            work_dir=folder,
            cfg_options=cfg_options,
            data=data,
            no_check=config is None,  # a run was trained with it
            for_test=True,
        )
        cfg.load_from, cfg.resume = str(checkpoint), False
        cfg.trust_checkpoint = trust_checkpoint
        _leave_only_the_test(cfg, split, batch_size)
        runner = Runner.from_cfg(cfg)
        _check_weights(runner.model, content, checkpoint)
        runner.load_or_resume()
        yield runner, content


def _leave_only_the_test(cfg: Config, split: str | None, batch_size) -> None:
    """Turn a training config into one that scores one split."""
    prefix = 'test' if cfg.get('test_dataloader') is not None else 'val'
    loader = cfg.get(f'{prefix}_dataloader')
    if loader is None:
        raise ConfigError('there is neither a test_dataloader nor a val_dataloader')
    if split is not None:
        _choose_split(cfg, loader, split)
    if batch_size is not None:
        loader['batch_size'] = batch_size
    cfg.test_dataloader = loader
    cfg.test_evaluator = cfg[f'{prefix}_evaluator']
    cfg.test_cfg = cfg.get('test_cfg') or {}
    cfg.train_cfg = cfg.train_dataloader = cfg.optim_wrapper = None
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.param_scheduler = cfg.visualizer = None
    cfg.default_hooks = dict.fromkeys(NO_HOOKS)
    cfg.custom_hooks, cfg.launcher, cfg.compile = [], 'none', False
    # of a run that leaves nothing behind only what is wrong matters
    cfg.log_level = 'WARNING'


def _choose_split(cfg: Config, loader: dict, split: str) -> None:
    """Point a loader at a split, where the config has it."""
    dataset = loader['dataset']
    if 'split' not in dataset:
        raise ConfigError(f'{dataset["type"]} has no argument split to set to {split}')
    for name in ('test', 'val', 'train'):
        source = (cfg.get(f'{name}_dataloader') or {}).get('dataset') or {}
        if source.get('split') == split and source['type'] == dataset['type']:
            dataset.update({key: source[key] for key in SOURCE_KEYS if key in source})
            break
    dataset['split'] = split


def _check_weights(model: nn.Module, content: dict, checkpoint: str | Path) -> None:
    """Refuse weights of another model: mmengine would score with random ones."""
    model = model.module if is_model_wrapper(model) else model
    weights = content.get('state_dict', content)
    found = {name.removeprefix('module.'): x for name, x in weights.items()}
    unlike = [
        name
        for name, parameter in model.named_parameters()
        if name not in found or found[name].shape != parameter.shape
    ]
    if unlike:
        raise ConfigError(
            f'{checkpoint} is no checkpoint of this model: {len(unlike)} of its '
            f'weights are missing or of another shape, as {unlike[0]}. Name the config '
            'of its run, or none to use the one that the checkpoint holds'
        )


def _last_scores(runner: Runner) -> dict[str, np.ndarray]:
    for metric in runner.test_evaluator.metrics:
        if getattr(metric, 'last_scores', None) is not None:
            return metric.last_scores
    raise ConfigError(
        'no metric of the evaluator keeps the scores: use BinaryMetric as '
        'test_evaluator'
    )
