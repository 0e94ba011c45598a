"""Measure the toolbox stage by stage and against others, on one machine in one run."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ocec.apis.benchmark_contenders import CONTENDERS
from ocec.apis.benchmark_growth import (
    free_port,
    measure_growth,
    train_as_rank,
    write_repeated,
)
from ocec.apis.benchmark_quality import time_ours, time_plain
from ocec.apis.benchmark_report import draw_benchmark, format_benchmark
from ocec.apis.benchmark_setup import (
    BenchmarkSetup,
    count_cores,
    describe_machine,
    peak_memory_mb,
    write_pictures,
    write_subset,
)
from ocec.apis.benchmark_stages import (
    measure_decoding,
    measure_hooks,
    measure_stages,
    measure_validation,
)
from ocec.apis.errors import ConfigError
from ocec.apis.progress import track
from ocec.engine.checkpoint_io import write_text_atomically
from ocec.engine.host_memory import keep_freed_memory

PARTS = ('stages', 'peers', 'quality', 'ranks', 'growth')
TRAINERS = (
    'ours',
    'resident',
    'resident_augmented',
    'mmpretrain',
    'plain',
    'plain_amp',
)
READERS = ('read_ours', 'read_mmpretrain')
NUM_VAL = 2500


def benchmark(
    config: str | Path,
    data: str,
    *,
    out: str | Path = 'benchmark',
    device: str = 'cpu',
    parts: Sequence[str] = PARTS,
    repeats: int = 3,
    epochs: int = 2,
    num_images: int = 6144,
    sizes: Sequence[int] = (10_000, 50_000, 200_000, 470_811),
    target_f1: float = 0.9,
    threads: int | None = None,
    cfg_options: Sequence[str] = (),
) -> dict[str, Any]:
    """Print what each stage takes and how the toolbox compares, and keep it in files.

    Every contender runs in a process of its own, in turns (A B C, A B C, ...), so that
    what else the machine does meets all of them; a ratio is taken within a turn. Data,
    pictures and decoded caches lie in a temporary folder, below ``$TMPDIR``.

    Args:
        config: config file of a training on EyeParquet.
        data: parquet file, folder or pattern with embedded pictures and a column
            ``split``.
        out: folder for ``benchmark.json``, ``benchmark.md`` and ``benchmark.png``.
        device: ``cpu`` or ``cuda``.
        parts: some of ``PARTS``.
        repeats: turns of the contenders, >= 1.
        epochs: timed in each turn, after one that is not, >= 1.
        num_images: of the train split that the contenders use, at most; >= 1.
        sizes: images of the growing data sets, >= 1.
        target_f1: validation F1 to be reached, in (0, 1].
        threads: of torch, >= 1; by default the cores.
        cfg_options: ``KEY=VALUE`` texts.

    Returns:
        What ``benchmark.json`` holds.

    Raises:
        ConfigError: something is wrong with the config or the arguments.
        ValueError: the data cannot be used.
        FileNotFoundError: no file matches ``data``.
        ChildProcessError: a measuring process was killed.
    """
    _check_arguments(device, parts, target_f1)
    counts = {'repeats': repeats, 'epochs': epochs, 'num-images': num_images}
    _check_counts(counts | {'sizes': min(sizes, default=0), 'threads': threads})
    if device == 'cpu':  # processes that are started from here see no GPU
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    threads = threads or count_cores()
    machine = describe_machine(device) | {'threads': threads}
    with tempfile.TemporaryDirectory(prefix='ocec-benchmark-') as folder:
        setup = BenchmarkSetup(
            config=str(config),
            data=f'{folder}/eyes.parquet',
            pictures=f'{folder}/pictures',
            work_dir=f'{folder}/run',
            cfg_options=tuple(cfg_options),
            device=device,
            threads=threads,
            epochs=epochs,
        )
        Path(setup.work_dir).mkdir()
        _check_config(setup)
        write_subset(data, num_images, NUM_VAL, Path(setup.data))
        write_pictures(Path(setup.data), Path(setup.pictures))
        measure = {
            'stages': lambda: _measure_stages(setup),
            'peers': lambda: _measure_peers(setup, repeats),
            'quality': lambda: _measure_quality(setup, data, target_f1),
            'ranks': lambda: _measure_ranks(setup, repeats),
            'growth': lambda: _measure_growth(setup, sizes),
        }
        found = {
            'machine': machine,
            'config': str(config),
            'cfg_options': list(cfg_options),
            'device': device,
            'images': num_images,
        }
        chosen = [part for part in PARTS if part in parts]
        for part in track(chosen, total=len(chosen), what='benchmark'):
            found[part] = measure[part]()
    text = format_benchmark(found)
    print(text)
    write_text_atomically(json.dumps(found, indent=2) + '\n', out / 'benchmark.json')
    write_text_atomically(text + '\n', out / 'benchmark.md')
    draw_benchmark(found, out / 'benchmark.png')
    return found


def in_own_process(function: Callable, setup: BenchmarkSetup, *args) -> Any:
    """Call a function of the setup in a fresh process.

    Args:
        function: importable by name.
        setup: its first argument.
        *args: the others.

    Returns:
        ``(result, peak_mb)``; None where the system does not tell the peak.

    Raises:
        ChildProcessError: the process was killed.
    """
    try:
        with _process() as pool:
            return pool.submit(_call, function, setup, args).result()
    except BrokenProcessPool as error:
        log = _log_file(setup)
        lines = log.read_text().splitlines()[-10:] if log.exists() else []
        raise ChildProcessError(
            f'{function.__name__}: its process was killed; the system may lack memory. '
            'The end of its output:\n' + '\n'.join(lines)
        ) from error


def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context('spawn'))


def _call(function: Callable, setup: BenchmarkSetup, args: tuple) -> Any:
    torch.set_num_threads(setup.threads)
    # nothing else would remove the caches of data that are gone afterwards
    os.environ['OCEC_CACHE_DIR'] = str(Path(setup.work_dir) / 'cache')
    keep_freed_memory()  # for all contenders, also those that do not know of it
    with open(_log_file(setup), 'a') as log:
        os.dup2(log.fileno(), sys.stdout.fileno())
        os.dup2(log.fileno(), sys.stderr.fileno())
    return function(setup, *args), peak_memory_mb()


def _log_file(setup: BenchmarkSetup) -> Path:
    return Path(setup.work_dir) / 'output.log'


def _check_arguments(device: str, parts: Sequence[str], target_f1: float) -> None:
    if device not in ('cpu', 'cuda'):
        raise ConfigError(f"--device must be 'cpu' or 'cuda', got {device!r}")
    if device == 'cuda' and not torch.cuda.is_available():
        raise ConfigError('--device cuda: torch finds no GPU here')
    if unknown := sorted(set(parts) - set(PARTS)):
        raise ConfigError(f'--parts: unknown {unknown}, choose of {list(PARTS)}')
    if not 0 < target_f1 <= 1:
        raise ConfigError(f'--target-f1 must be in (0, 1], got {target_f1}')


def _check_counts(counts: dict[str, int | None]) -> None:
    for name, value in counts.items():
        if value is not None and value < 1:
            raise ConfigError(f'--{name} must be >= 1, got {value}')


def _check_config(setup: BenchmarkSetup) -> None:
    """Refuse a config that the others cannot be compared on."""
    dataset = setup.load_config().train_dataloader.dataset
    if dataset.get('type') != 'EyeParquet':
        raise ConfigError(
            'the benchmark reads pictures from parquet: train_dataloader.dataset must '
            f'be an EyeParquet, got {dataset.get("type")}'
        )
    for name in ('split_ratios', 'pipeline'):
        if dataset.get(name) is not None:
            raise ConfigError(
                f'train_dataloader.dataset.{name}: the others would be measured on '
                'other data; leave it out'
            )


def _measure_stages(setup: BenchmarkSetup) -> dict:
    return {
        'step': in_own_process(measure_stages, setup)[0],
        'run': in_own_process(measure_hooks, setup)[0],
        'validation': in_own_process(measure_validation, setup)[0],
        'decoding': in_own_process(measure_decoding, setup)[0],
    }


def _measure_peers(setup: BenchmarkSetup, repeats: int) -> dict:
    rates: dict[str, list[float]] = {name: [] for name in (*TRAINERS, *READERS)}
    peaks: dict[str, float] = {}
    single = replace(setup, threads=1)
    for _ in range(repeats):
        for name in rates:
            used = single if name in READERS else setup
            found, peak = in_own_process(CONTENDERS[name], used)
            rates[name].append(sorted(found)[len(found) // 2])
            if peak is not None:
                peaks[name] = max(peak, peaks.get(name, 0.0))
    return {'images_per_second': rates, 'peak_mb': peaks}


def _measure_quality(setup: BenchmarkSetup, data: str, target_f1: float) -> dict:
    whole = replace(
        setup,
        data=f'{setup.work_dir}/whole.parquet',
        pictures=f'{setup.work_dir}/whole',
    )
    everything = 1 << 40
    write_subset(data, everything, everything, Path(whole.data))
    write_pictures(Path(whole.data), Path(whole.pictures))
    return {
        'target_f1': target_f1,
        'ours': in_own_process(time_ours, whole, target_f1)[0],
        'plain': in_own_process(time_plain, whole, target_f1)[0],
    }


def _measure_ranks(setup: BenchmarkSetup, repeats: int) -> dict:
    rates: dict[str, list[float]] = {'one process': [], 'ranks of one thread': []}
    for _ in range(repeats):
        found, _ = in_own_process(CONTENDERS['ours'], setup)
        rates['one process'].append(max(found))
        rates['ranks of one thread'].append(max(_run_ranks(train_as_rank, setup)[0]))
    return {'num_ranks': setup.threads, 'images_per_second': rates}


def _run_ranks(function: Callable, setup: BenchmarkSetup) -> list:
    """Call a function as as many ranks of one thread as there are threads."""
    single, port = replace(setup, threads=1), free_port()
    with ExitStack() as stack:
        ranks = [
            stack.enter_context(_process()).submit(
                _call, function, single, (rank, setup.threads, port)
            )
            for rank in range(setup.threads)
        ]
        return [rank.result()[0] for rank in ranks]


def _measure_growth(setup: BenchmarkSetup, sizes: Sequence[int]) -> list[dict]:
    figures = []
    for size in track(sorted(sizes), total=len(sizes), what='growing data sets'):
        folder = Path(setup.work_dir) / f'grown-{size}'
        folder.mkdir()
        grown = replace(setup, data=f'{folder}/eyes.parquet', work_dir=str(folder))
        write_repeated(Path(setup.data), size, Path(grown.data))
        figures.append(in_own_process(measure_growth, grown)[0])
        if setup.device == 'cpu' and setup.threads > 1:
            ranks = _run_ranks(measure_growth, grown)
            figures[-1]['ranks'] = {
                'num_ranks': len(ranks),
                'epoch_seconds': max(rank['epoch_seconds'] for rank in ranks),
                'peak_mb': max(rank['peak_mb'] or 0.0 for rank in ranks) or None,
            }
        shutil.rmtree(folder)  # each has gigabytes
    return figures
