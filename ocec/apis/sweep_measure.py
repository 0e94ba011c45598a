"""The objectives of a sweep, measured on a finished training."""

from __future__ import annotations

import contextlib
import io
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from ocec.apis.errors import ConfigError
from ocec.apis.get_flops import count_macs, count_parameters
from ocec.apis.run_config import load_run_config
from ocec.apis.sweep_config import Objective
from ocec.datasets.eye_parquet import parse_image_size
from ocec.engine.metric_rule import is_better, rule_of
from ocec.registry import MODELS

WARM_UP, TIMED = 30, 200


def read_validations(folder: Path) -> list[dict]:
    """Read the validations of a run.

    Args:
        folder: its work_dir.

    Returns:
        A record each, with ``epoch`` and the metrics; a line that a crash has cut off
        is left out.
    """
    return [record for record in _read_log(folder) if record.get('phase') == 'val']


def metrics_of_run(
    folder: Path, objectives: Sequence[Objective], epoch: str
) -> tuple[dict[str, float], int]:
    """Return the metrics of the epoch that counts.

    Args:
        folder: work_dir of the run.
        objectives: those of the sweep; the first metric chooses the best epoch.
        epoch: ``best`` or ``last``.

    Returns:
        Metric to value, and the epoch.

    Raises:
        ValueError: nothing was validated, or a metric is missing or not finite.
    """
    metrics = [o.metric for o in objectives if not o.is_of_model]
    validations = read_validations(folder)
    if not validations:
        raise ValueError(f'{folder} was never validated')
    chosen, best = validations[-1], None
    for record in validations if epoch == 'best' else ():
        value = record.get(metrics[0])
        # JSON holds null for what is not finite
        if value is not None and is_better(value, best, rule_of(metrics[0])):
            chosen, best = record, value
    values = {name: chosen.get(name) for name in metrics}
    for name, value in values.items():
        if value is None:
            raise ValueError(f'{name} is not finite in epoch {chosen["epoch"]}')
    return values, chosen['epoch']


def minutes_of_run(folder: Path) -> float:
    """Return the minutes of all epochs and validations of a run, resumed or not."""
    phases = ('train_epoch', 'val')
    seconds = [r.get('seconds') or 0 for r in _read_log(folder) if r['phase'] in phases]
    return sum(seconds) / 60


def measure_model(cfg: Config, names: Sequence[str]) -> dict[str, float]:
    """Measure what the weights do not matter for.

    Args:
        cfg: of the training.
        names: some of ``params``, ``macs`` and ``latency_ms``.

    Returns:
        Name to value. The latency is the median of 200 forward passes of one image
        on one CPU thread, without compilation; other work on the machine adds to it.

    Raises:
        ConfigError: the images of the config have no size.
    """
    if not names:
        return {}
    init_default_scope(cfg.get('default_scope') or 'ocec')
    model = MODELS.build(cfg.model).eval()
    found = {'params': float(count_parameters(model))}
    if {'macs', 'latency_ms'} & set(names):
        size = cfg.train_dataloader.dataset.get('image_size')
        if size is None:
            raise ConfigError(
                'macs and latency_ms need train_dataloader.dataset.image_size'
            )
        image = torch.zeros(1, 3, *parse_image_size(size))
        if 'macs' in names:
            found['macs'] = float(count_macs(model, image))
        if 'latency_ms' in names:
            found['latency_ms'] = _median_milliseconds(model, image)
    return {name: found[name] for name in names}


def objectives_of_runs(
    folders: Sequence[Path],
    objectives: Sequence[Objective],
    *,
    epoch: str,
    base: Path,
    cfg_options: Sequence[str],
) -> tuple[list[float], list[dict[str, float]]]:
    """Measure the objectives of a trial.

    Args:
        folders: work_dirs of its runs, one for each seed and fold.
        objectives: those of the sweep.
        epoch: ``best`` or ``last``.
        base: its config file.
        cfg_options: its ``KEY=VALUE`` texts.

    Returns:
        Mean of each objective over the runs, and each run's own metrics with ``epoch``
        and ``minutes``.

    Raises:
        ValueError: nothing was validated, or a value is not finite.
    """
    runs = []
    for folder in folders:
        metrics, number = metrics_of_run(folder, objectives, epoch)
        minutes = minutes_of_run(folder)
        runs.append({**metrics, 'epoch': number, 'train_minutes': minutes})
    of_model = [o.metric for o in objectives if o.is_of_model]
    names = [name for name in of_model if name != 'train_minutes']
    with contextlib.redirect_stdout(io.StringIO()):
        cfg = load_run_config(base, cfg_options=cfg_options)
    model = measure_model(cfg, names)
    values = [
        model[o.metric] if o.metric in model else _mean([r[o.metric] for r in runs])
        for o in objectives
    ]
    return values, runs


def _median_milliseconds(model: torch.nn.Module, image: torch.Tensor) -> float:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    seconds = []
    try:
        with torch.inference_mode():
            for _ in range(WARM_UP + TIMED):
                began = time.perf_counter()
                model(image)
                seconds.append(time.perf_counter() - began)
    finally:
        torch.set_num_threads(threads)
    return float(1000 * np.median(seconds[WARM_UP:]))


def _mean(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    if not math.isfinite(mean):
        raise ValueError(f'an objective is not finite: {values}')
    return mean


def _read_log(folder: Path) -> list[dict]:
    log = folder / 'metrics.jsonl'
    if not log.exists():
        return []
    lines = log.read_text(encoding='utf-8').splitlines()
    records = []
    for index, line in enumerate(lines):
        try:
            records.append(json.loads(line))
        except ValueError:
            if index < len(lines) - 1:
                raise
    return records
