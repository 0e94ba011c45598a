"""Test a checkpoint."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.dist import is_main_process
from mmengine.model import is_model_wrapper

from ocec.apis.action_data import check_action_files
from ocec.apis.action_predictions import write_action_predictions, write_confusion
from ocec.apis.action_report import action_report_text, report_actions
from ocec.apis.errors import ConfigError
from ocec.apis.run_config import load_run_config, set_randomness
from ocec.apis.threshold_report import (
    report_text,
    report_thresholds,
    thresholds_for,
)
from ocec.compat import check_torchvision
from ocec.engine.checkpoint_io import load_safely, write_text_atomically
from ocec.engine.last_scores import metric_with_scores
from ocec.engine.process_group import leave_process_group
from ocec.engine.runner import Runner
from ocec.engine.start_plan import OtherModelError


def test(
    config: str | Path,
    checkpoint: str | Path,
    *,
    work_dir: str | Path | None = None,
    data: str | None = None,
    val_data: str | None = None,
    out: str | Path | None = None,
    amp: bool = False,
    cfg_options: Sequence[str] = (),
    launcher: str = 'none',
    seed: int | None = None,
    deterministic: bool = False,
    no_check: bool = False,
    trust_checkpoint: bool = False,
) -> dict[str, float]:
    """Score the test split of a config with a checkpoint.

    ``test_metrics.json`` holds the metrics, and under ``report`` what the thresholds
    give that the checkpoint brings along, with intervals (see ``threshold_report.py``);
    of actions, under ``actions``, each stream and class (see ``action_report.py``), and
    ``test_confusion.csv`` their confusions.

    Args:
        config: the config file.
        checkpoint: weights; of a run with EMA, the averaged ones.
        work_dir: folder for the log and ``test_metrics.json``.
        data: parquet file, folder or pattern for the dataset.
        val_data: the same; wins over ``data``.
        out: CSV of predictions: sample_id, path, label, prob_open (of the second
            class of other data, as prob_left_larger).
        amp: mixed precision.
        cfg_options: ``KEY=VALUE`` texts.
        launcher: ``none``, ``pytorch`` or ``slurm``.
        seed: of all random numbers.
        deterministic: only deterministic kernels.
        no_check: do not refuse a config with findings.
        trust_checkpoint: unpickle anything when loading.

    Returns:
        Name to value of the metrics.

    Raises:
        ConfigError: something is wrong with the config or the arguments, or the
            checkpoint is one of another model.
    """
    check_torchvision()
    if not Path(checkpoint).is_file():
        raise ConfigError(f'{checkpoint}: no such checkpoint')
    cfg = load_run_config(
        config,
        work_dir=work_dir,
        cfg_options=cfg_options,
        data=data,
        val_data=val_data,
        no_check=no_check,
        for_test=True,
    )
    if cfg.get('test_dataloader') is None:
        raise ConfigError(f'{config}: there is no test_dataloader to test on')
    check_action_files(cfg)
    cfg.launcher = launcher
    cfg.load_from, cfg.resume = str(checkpoint), False
    if trust_checkpoint:
        cfg.trust_checkpoint = True
    if amp:
        cfg.test_cfg['fp16'] = True
    set_randomness(cfg, seed, deterministic)
    cfg.train_cfg = cfg.train_dataloader = cfg.optim_wrapper = None
    cfg.param_scheduler = None
    # the checkpoint holds the averaged weights already
    cfg.custom_hooks = [
        hook for hook in cfg.get('custom_hooks') or [] if hook['type'] != 'EMAHook'
    ]
    runner = Runner.from_cfg(cfg)
    try:
        metrics = runner.test()
    except OtherModelError as error:
        raise ConfigError(str(error)) from error
    if is_main_process():
        content = {'checkpoint': str(checkpoint), **metrics}
        scores = _action_scores(runner)
        if scores is None:
            stored = load_safely(checkpoint, trust=trust_checkpoint)
            content['report'] = _report(runner, stored)
        else:
            content['report'] = None  # of thresholds, which actions do not have
            content['actions'] = _report_actions(runner, scores, Path(cfg.work_dir))
        text = json.dumps(content, indent=2) + '\n'
        write_text_atomically(text, Path(cfg.work_dir) / 'test_metrics.json')
        if out is not None and scores is None:
            _write_predictions(runner, Path(out))
        elif out is not None:
            _write_action_predictions(runner, scores, Path(out))
    leave_process_group()
    return metrics


def _report(runner: Runner, checkpoint: dict) -> dict | None:
    """Apply the stored thresholds to the scores of the test; say what they give."""
    metric = metric_with_scores(runner.test_evaluator)
    if metric is None:
        return None
    dataset = runner.test_dataloader.dataset
    describe = getattr(dataset, 'fingerprint', None)
    data = describe() if describe else None
    report = report_thresholds(
        metric.last_scores,
        thresholds_for(checkpoint.get('thresholds'), data),
        threshold=metric.threshold,
        split=getattr(dataset, 'split', 'test'),
        data=data,
    )
    runner.logger.info(report_text(report))
    return report


def _action_scores(runner: Runner) -> dict[str, np.ndarray] | None:
    """Return the scores of the test of actions; None of other data."""
    for metric in runner.test_evaluator.metrics:
        if getattr(metric, 'last_action_scores', None) is not None:
            return metric.last_action_scores
    return None


def _report_actions(
    runner: Runner, scores: dict[str, np.ndarray], work_dir: Path
) -> dict:
    """Say what the test gives for each stream and class; write the confusions."""
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    dataset = runner.test_dataloader.dataset
    fusion = None
    if len(model.head.streams) > 1:
        fusion = {'of': model.head.fusion, 'weights': model.head.fusion_weights}
    report = report_actions(
        scores, dataset.metainfo['classes'], split=dataset.split, fusion=fusion
    )
    runner.logger.info(action_report_text(report))
    write_confusion(report, work_dir / 'test_confusion.csv')
    return report


def _write_action_predictions(
    runner: Runner, scores: dict[str, np.ndarray], out: Path
) -> None:
    dataset = runner.test_dataloader.dataset
    names = dataset.image_paths(scores['sample_id_B'])
    write_action_predictions(scores, names, dataset.metainfo['classes'], out)
    runner.logger.info(f'predictions of {len(names):,} clips: {out}')


def _write_predictions(runner: Runner, out: Path) -> None:
    """Write the CSV; the rows are sorted by sample id."""
    scores = next(
        metric.last_scores
        for metric in runner.test_evaluator.metrics
        if getattr(metric, 'last_scores', None) is not None
    )
    ids = scores['sample_id_B'].tolist()
    dataset = runner.test_dataloader.dataset
    names = dataset.metainfo['classes']
    # other data have no pictures with paths
    paths = dataset.image_paths(ids) if hasattr(dataset, 'image_paths') else ids
    # -1: not known
    labels = [names[y] if y >= 0 else '' for y in scores['label_B'].tolist()]
    out.parent.mkdir(parents=True, exist_ok=True)
    with open(out, 'w', newline='', encoding='utf-8') as stream:
        writer = csv.writer(stream)
        writer.writerow(['sample_id', 'path', 'label', f'prob_{names[1]}'])
        for row in zip(ids, paths, labels, scores['prob_B'].tolist(), strict=True):
            writer.writerow([*row[:3], f'{row[3]:.6f}'])
    runner.logger.info(f'predictions of {len(ids):,} images: {out}')
