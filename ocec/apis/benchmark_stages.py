"""The stages of a training step, one by one, and what surrounds the steps."""

from __future__ import annotations

import itertools
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.runner import Runner

from ocec.apis.benchmark_contenders import build_with_batch
from ocec.apis.benchmark_setup import (
    BenchmarkSetup,
    build_runner,
    peak_memory_mb,
    reset_peak_memory,
)
from ocec.datasets.cache import open_decoded_cache
from ocec.datasets.eye_table import read_eye_table
from ocec.datasets.picture_reader import PictureReader
from ocec.engine.ramped_ema import RampedEMA

REPEATS = 40
WARMUP = 10


def measure_stages(setup: BenchmarkSetup) -> dict[str, dict[str, float]]:
    """Time every stage of a step in turn, as they follow each other in a training.

    Args:
        setup: of the benchmark.

    Returns:
        Name of the stage to ``ms`` (median of a batch), ``low`` and ``high``
        (quartiles) and ``peak_mb`` (highest memory of the process in the stage).
    """
    runner, _ = build_with_batch(setup)
    model, optim_wrapper = runner.model, runner.optim_wrapper
    loader = runner.train_dataloader
    ema = RampedEMA(model)
    preprocessor = model.data_preprocessor
    batches = itertools.cycle(list(loader.batch_sampler))
    clock = _StageClock(setup)
    for _ in range(WARMUP + REPEATS):
        clock.start()
        batch = loader.dataset.__getitems__(next(batches))
        clock.lap('read')
        pixels, targets = batch['inputs'], batch['data_samples']
        if setup.device == 'cuda' and not pixels.is_cuda:
            pixels = pixels.pin_memory()
            clock.lap('pin')
        pixels = source = pixels.to(setup.device, non_blocking=True)
        targets = targets.to(setup.device, non_blocking=True)
        clock.lap('copy to the device')
        for augment in preprocessor.batch_augments:
            pixels = augment(pixels)
            clock.lap(f'augment: {type(augment).__name__}')
        inputs = preprocessor._normalized(pixels, source_BCHW=source)
        clock.lap('normalise')
        with optim_wrapper.optim_context(model):
            loss = model(inputs, targets, mode='loss')['loss']
        clock.lap('forward')
        optim_wrapper.backward(loss)
        clock.lap('backward')
        optim_wrapper.step()
        optim_wrapper.zero_grad()
        clock.lap('clip and optimizer')
        ema.update_parameters(model)
        clock.lap('EMA')
    return clock.figures()


def measure_hooks(setup: BenchmarkSetup) -> dict[str, dict[str, float]]:
    """Time hooks and logging of a real run, per step and per epoch.

    Args:
        setup: of the benchmark.

    Returns:
        ``step`` and ``hooks and logging`` (EMA apart) in ms per step, ``checkpoint``
        in ms per epoch; as in :func:`measure_stages`.
    """
    runner = build_runner(setup, epochs=setup.epochs + 1, validate=False)
    spent = {name: [0.0] for name in ('iter', 'ema', 'checkpoint')}
    for hook in runner._hooks:
        name = type(hook).__name__
        _time_method(hook, 'before_train_iter', spent['iter'])
        key = 'ema' if name == 'EMAHook' else 'iter'
        _time_method(hook, 'after_train_iter', spent[key])
        if name == 'CheckpointHook':
            _time_method(hook, 'after_train_epoch', spent['checkpoint'])
    loop = runner.build_train_loop(runner._train_loop)
    runner._train_loop = loop
    steps: list[float] = []
    run_iter = loop.run_iter

    def timed(*args) -> None:
        start = time.perf_counter()
        run_iter(*args)
        steps.append(1e3 * (time.perf_counter() - start))

    loop.run_iter = timed
    runner.train()
    per_step = spent['iter'][0] / len(steps)
    return {
        'step of a run': _spread(steps[min(WARMUP, len(steps) - 1) :]),
        'hooks and logging': {'ms': per_step},
        'EMA hook': {'ms': spent['ema'][0] / len(steps)},
        'checkpoint, each epoch': {'ms': spent['checkpoint'][0] / (setup.epochs + 1)},
    }


def measure_validation(setup: BenchmarkSetup) -> dict[str, float]:
    """Compare validation with the forward pass alone.

    Args:
        setup: of the benchmark.

    Returns:
        ``images_per_second`` of the validation loop with its metrics and
        ``forward_images_per_second`` of the network on a resident batch.
    """
    runner = build_runner(setup, epochs=1, validate=True)
    # the losses hear their class counts with the train loop
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    runner._val_loop = runner.build_val_loop(runner._val_loop)
    runner._hooks = []  # they would save checkpoints; metrics are the loop's own
    loader = runner.val_dataloader
    model = runner.model.eval()
    batch = loader.dataset.__getitems__(next(iter(loader.batch_sampler)))
    data = model.data_preprocessor(batch, False)

    @torch.no_grad()
    def forward() -> None:
        model(**data, mode='predict')

    # in turns, so that what else happens on the machine meets both
    rates = {'validation': [], 'forward': []}
    for repeat in range(2 + setup.epochs * 2):
        start = time.perf_counter()
        runner.val_loop.run()
        setup.synchronize()
        middle = time.perf_counter()
        for _ in range(len(loader)):
            forward()
        setup.synchronize()
        end = time.perf_counter()
        if repeat >= 2:
            rates['validation'].append(len(loader.dataset) / (middle - start))
            images = len(loader) * len(data['inputs'])
            rates['forward'].append(images / (end - middle))
    ratios = np.divide(rates['validation'], rates['forward'])
    return {
        'images_per_second': statistics.median(rates['validation']),
        'forward_images_per_second': statistics.median(rates['forward']),
        'ratio': float(np.median(ratios)),
        'ratio_low': float(ratios.min()),
        'ratio_high': float(ratios.max()),
    }


def measure_decoding(setup: BenchmarkSetup) -> dict[str, float]:
    """Compare building the decoded cache with a bare loop of OpenCV.

    Args:
        setup: of the benchmark.

    Returns:
        Pictures per second of the loop and of the cache on one core, their ratio, and
        pictures per second and core of the cache on all cores.
    """
    cfg = setup.load_config()
    height, width = cfg.train_dataloader.dataset.image_size
    table = read_eye_table([Path(setup.data)])
    reader = PictureReader(table)
    encoded = [reader.read_encoded(row) for row in range(len(table))]
    cv2.setNumThreads(1)

    def run_loop() -> None:
        for picture in encoded:
            image = cv2.imdecode(picture, cv2.IMREAD_COLOR_RGB)
            cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)

    def build_cache() -> None:
        root = Path(tempfile.mkdtemp(dir=setup.work_dir))
        open_decoded_cache(table, (height, width), root=root, log=lambda _: None)
        shutil.rmtree(root)

    rates: dict[str, list[float]] = {'loop': [], 'one core': [], 'all cores': []}
    cores = os.sched_getaffinity(0)
    for _ in range(setup.epochs + 1):
        rates['all cores'].append(_pictures_per_second(build_cache, len(encoded)))
        os.sched_setaffinity(0, {min(cores)})
        rates['loop'].append(_pictures_per_second(run_loop, len(encoded)))
        rates['one core'].append(_pictures_per_second(build_cache, len(encoded)))
        os.sched_setaffinity(0, cores)
    medians = {name: statistics.median(values) for name, values in rates.items()}
    return {
        'bare_loop_per_second': medians['loop'],
        'pictures_per_second_on_one_core': medians['one core'],
        'pictures_per_second_and_core_on_all': medians['all cores'] / len(cores),
        'cores': len(cores),
        'ratio': medians['one core'] / medians['loop'],
        'ratio_on_all_cores': medians['all cores'] / len(cores) / medians['loop'],
    }


class _StageClock:
    """Collects the time and the memory peak between two calls."""

    def __init__(self, setup: BenchmarkSetup) -> None:
        self.setup = setup
        self.milliseconds: dict[str, list[float]] = {}
        self.peaks: dict[str, float] = {}

    def start(self) -> None:
        self._knows_peaks = reset_peak_memory()
        self.setup.synchronize()
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        self.setup.synchronize()
        spent = time.perf_counter() - self._last
        self.milliseconds.setdefault(name, []).append(1e3 * spent)
        if self._knows_peaks and (peak := peak_memory_mb()) is not None:
            self.peaks[name] = max(peak, self.peaks.get(name, 0.0))
        reset_peak_memory()
        self._last = time.perf_counter()

    def figures(self) -> dict[str, dict[str, float]]:
        figures = {k: _spread(v[WARMUP:]) for k, v in self.milliseconds.items()}
        for name, peak in self.peaks.items():
            figures[name]['peak_mb'] = peak
        return figures


def _spread(values: list[float]) -> dict[str, float]:
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
    return {'ms': median, 'low': low, 'high': high}


def _time_method(hook, name: str, total: list[float]) -> None:
    """Add the time of every call of a hook's method, in ms."""
    method: Callable = getattr(hook, name)

    def timed(runner: Runner, *args, **kwargs):
        start = time.perf_counter()
        result = method(runner, *args, **kwargs)
        total[0] += 1e3 * (time.perf_counter() - start)
        return result

    setattr(hook, name, timed)


def _pictures_per_second(run: Callable[[], None], num_pictures: int) -> float:
    start = time.perf_counter()
    run()
    return num_pictures / (time.perf_counter() - start)
