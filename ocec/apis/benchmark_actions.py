"""Measure the training of action networks against the ways others go."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ocec.apis.benchmark import in_own_process
from ocec.apis.benchmark_actions_data import (
    FRESH,
    KEPT,
    LOOP,
    measure_heatmaps,
    measure_reading,
)
from ocec.apis.benchmark_actions_step import (
    FORM_2D,
    FORM_3D,
    load_config,
    measure_peak,
    measure_step,
    measure_training,
)
from ocec.apis.benchmark_report import Ratio
from ocec.apis.benchmark_setup import BenchmarkSetup, describe_machine
from ocec.apis.errors import ConfigError
from ocec.apis.progress import track
from ocec.engine.checkpoint_io import write_text_atomically

PARTS = ('step', 'heatmaps', 'reading', 'training')
MIN_STEP, MIN_HEATMAPS = 3.0, 20.0
MAX_BYTES, MAX_WAIT = 2.5e6, 0.05
NAMES = {FORM_2D: '2D network on frames', FORM_3D: 'the same with Conv3d'}


def benchmark_actions(
    config: str | Path,
    data: str,
    *,
    device: str = 'cpu',
    parts: Sequence[str] = PARTS,
    repeats: int = 5,
    batch_size: int = 2,
    train_batch_size: int = 8,
    workers: int = 2,
    threads: int = 1,
    json_file: str | Path | None = None,
    cfg_options: Sequence[str] = (),
) -> dict[str, Any]:
    """Print how the training of an action network compares.

    Contenders take turns in one process; each part has a process of its own. Those of
    one thread are timed by the processor's time, which other programs hardly lengthen.

    Args:
        config: config of a training of an ActionRecognizer on RGBPose.
        data: folder or pickle of skeletons and videos.
        device: ``cpu`` or ``cuda``.
        parts: some of ``PARTS``: ``step`` in 2D against Conv3d; ``heatmaps`` against
            loops; ``reading`` by a worker; ``training`` with workers.
        repeats: turns, timed steps and batches of each part, >= 1.
        batch_size: clips of the compared steps, >= 1.
        train_batch_size: clips of the other parts, >= 1.
        workers: of the loader in ``training``, >= 1.
        threads: of torch, >= 1.
        json_file: file for all figures.
        cfg_options: ``KEY=VALUE`` texts.

    Returns:
        What the file holds.

    Raises:
        ConfigError: something is wrong with the config or the arguments.
    """
    _check_arguments(device, parts)
    _check_counts(
        {
            'repeats': repeats,
            'batch-size': batch_size,
            'train-batch-size': train_batch_size,
            'workers': workers,
            'threads': threads,
        }
    )
    if device == 'cpu':  # processes that are started from here see no GPU
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
    with tempfile.TemporaryDirectory(prefix='ocec-benchmark-') as folder:
        setup = BenchmarkSetup(
            config=str(config),
            data=str(data),
            pictures='',
            work_dir=folder,
            cfg_options=tuple(cfg_options),
            device=device,
            threads=threads,
            epochs=repeats,
        )
        load_config(setup)
        measure = {
            'step': lambda: _measure_step(setup, batch_size),
            'heatmaps': lambda: _run(measure_heatmaps, setup, train_batch_size),
            'reading': lambda: _run(measure_reading, setup, train_batch_size),
            'training': lambda: _measure_training(setup, train_batch_size, workers),
        }
        found = {
            'machine': describe_machine(device) | {'threads': threads},
            'config': str(config),
            'cfg_options': list(cfg_options),
            'device': device,
        }
        chosen = [part for part in PARTS if part in parts]
        for part in track(chosen, total=len(chosen), what='benchmark'):
            found[part] = measure[part]()
    print(format_actions(found))
    if json_file is not None:
        Path(json_file).parent.mkdir(parents=True, exist_ok=True)
        write_text_atomically(json.dumps(found, indent=2) + '\n', Path(json_file))
    return found


def list_ratios(found: dict[str, Any]) -> list[Ratio]:
    """Compare what was measured.

    Args:
        found: of :func:`benchmark_actions`.

    Returns:
        The ratios with their targets.
    """
    ratios = []
    if 'step' in found:
        seconds = found['step']['seconds']
        ratios.append(
            _at_least(
                f'{NAMES[FORM_2D]} / {NAMES[FORM_3D]}, clips/s of a step',
                np.divide(seconds[FORM_3D], seconds[FORM_2D]),
                MIN_STEP,
            )
        )
    for kind, seconds in found.get('heatmaps', {}).items():
        for memory in (KEPT, FRESH):
            turns = np.divide(seconds[LOOP], seconds[memory])
            what = f'heatmaps of {kind}, {memory} / loop of numpy'
            ratios.append(_at_least(what, turns, MIN_HEATMAPS))
    if 'training' in found:
        waits = np.array(found['training']['wait'])
        turns = waits / (waits + found['training']['step'])
        what = f'waiting for data, share of a step, {found["training"]["workers"]}'
        ratios.append(_below(f'{what} workers', turns, MAX_WAIT))
    return ratios


def format_actions(found: dict[str, Any]) -> str:
    """Write the figures as Markdown.

    Args:
        found: of :func:`benchmark_actions`.

    Returns:
        The text; ratios first.
    """
    machine = ', '.join(f'{name} {value}' for name, value in found['machine'].items())
    lines = [f'Measured on: {machine}.', f'Config: {found["config"]}.', '']
    if ratios := list_ratios(found):
        lines += ['| ratio | median | lowest, highest | target |', '|---|---|---|---|']
        lines += [_ratio_row(ratio) for ratio in ratios] + ['']
    rows = [*_step_rows(found), *_training_rows(found)]
    if rows:
        lines += [
            '| what | clips/s | ms a batch (lowest) | peak memory, MB |',
            '|---|---|---|---|',
            *rows,
            '',
        ]
    for kind, seconds in found.get('heatmaps', {}).items():
        times = ', '.join(
            f'{name} {1e3 * min(seconds[name]):.2f} ms' for name in (LOOP, KEPT, FRESH)
        )
        lines.append(
            f'Heatmaps of {kind}, one batch, lowest: {times}; largest difference '
            f'{seconds["difference"]:.1e}.'
        )
    if 'reading' in found:
        size = found['reading']['bytes_per_clip']
        verdict = 'met' if size <= MAX_BYTES else '**not met**'
        rate = np.median(found['reading']['clips_per_second'])
        lines.append(
            f'A worker reads {rate:.1f} clips/s and hands over {size / 1e6:.3f} MB a '
            f'clip (target <= {MAX_BYTES / 1e6:g}, {verdict}).'
        )
    return '\n'.join(lines).rstrip()


def _measure_step(setup: BenchmarkSetup, batch_size: int) -> dict:
    peaks = {}
    for form in (FORM_2D, FORM_3D):
        on_gpu, of_process = in_own_process(measure_peak, setup, batch_size, form)
        peaks[form] = on_gpu if setup.device == 'cuda' else of_process
    seconds = _run(measure_step, setup, batch_size)
    return {'batch_size': batch_size, 'seconds': seconds, 'peak_mb': peaks}


def _measure_training(setup: BenchmarkSetup, batch_size: int, workers: int) -> dict:
    found, peak_mb = in_own_process(measure_training, setup, batch_size, workers)
    peak_mb = peak_mb if setup.device == 'cpu' else None
    return {**found, 'batch_size': batch_size, 'workers': workers, 'peak_mb': peak_mb}


def _run(function, setup: BenchmarkSetup, *args) -> Any:
    return in_own_process(function, setup, *args)[0]


def _at_least(what: str, turns: np.ndarray, target: float) -> Ratio:
    value = float(np.median(turns))
    is_met = value >= target
    return Ratio(
        what, value, float(min(turns)), float(max(turns)), f'>= {target:g}', is_met
    )


def _below(what: str, turns: np.ndarray, target: float) -> Ratio:
    value = float(np.median(turns))
    is_met = value < target
    return Ratio(
        what, value, float(min(turns)), float(max(turns)), f'< {target:g}', is_met
    )


def _ratio_row(ratio: Ratio) -> str:
    verdict = 'met' if ratio.is_met else '**not met**'
    return (
        f'| {ratio.what} | {ratio.value:.3g} | {ratio.low:.3g}, {ratio.high:.3g} '
        f'| {ratio.target}, {verdict} |'
    )


def _step_rows(found: dict[str, Any]) -> list[str]:
    if 'step' not in found:
        return []
    step = found['step']
    return [
        _rate_row(
            f'step, {NAMES[form]}, batch {step["batch_size"]}',
            step['batch_size'],
            seconds,
            step['peak_mb'][form],
        )
        for form, seconds in step['seconds'].items()
    ]


def _training_rows(found: dict[str, Any]) -> list[str]:
    if 'training' not in found:
        return []
    run = found['training']
    seconds = np.add(run['wait'], run['step']).tolist()
    what = f'training with {run["workers"]} workers, batch {run["batch_size"]}'
    return [_rate_row(what, run['batch_size'], seconds, run['peak_mb'])]


def _rate_row(
    what: str, batch_size: int, seconds: list[float], peak_mb: float | None
) -> str:
    rate = batch_size / np.median(seconds)
    peak = '' if peak_mb is None else f'{peak_mb:,.0f}'
    return f'| {what} | {rate:.2f} | {1e3 * min(seconds):,.0f} | {peak} |'


def _check_arguments(device: str, parts: Sequence[str]) -> None:
    if device not in ('cpu', 'cuda'):
        raise ConfigError(f"--device must be 'cpu' or 'cuda', got {device!r}")
    if device == 'cuda' and not torch.cuda.is_available():
        raise ConfigError('--device cuda: torch finds no GPU here')
    if unknown := sorted(set(parts) - set(PARTS)):
        raise ConfigError(f'--parts: unknown {unknown}, choose of {list(PARTS)}')


def _check_counts(counts: dict[str, int]) -> None:
    for name, value in counts.items():
        if value < 1:
            raise ConfigError(f'--{name} must be >= 1, got {value}')
