"""The training step of action networks: in 2D, with Conv3d, and with a loader."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from torch import nn
from torch.utils.data import DataLoader

from ocec.apis.benchmark_actions_conv3d import as_conv3d
from ocec.apis.benchmark_setup import BenchmarkSetup
from ocec.apis.errors import ConfigError
from ocec.engine.runner import Runner
from ocec.registry import MODELS

FORM_2D, FORM_3D = '2d', 'conv3d'
WARMUP = 1


def load_config(setup: BenchmarkSetup) -> Config:
    """Return the config that runs.

    Args:
        setup: of the benchmark.

    Returns:
        The config, on the data of the benchmark.

    Raises:
        ConfigError: it trains no recogniser of actions.
    """
    cfg = setup.load_config()
    if (cfg.get('model') or {}).get('type') != 'ActionRecognizer':
        raise ConfigError(
            f'{setup.config}: model.type must be ActionRecognizer to be measured here; '
            'images have tools/analysis_tools/benchmark.py'
        )
    init_default_scope(cfg.get('default_scope') or 'ocec')
    return cfg


def build_model(cfg: Config, device: str) -> nn.Module:
    """Build the recogniser as a training does.

    Args:
        cfg: of a run.
        device: ``cpu`` or ``cuda``.

    Returns:
        It, in training mode and channels-last memory on the device.
    """
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model.to(device, memory_format=torch.channels_last).train()


def build_loader(
    cfg: Config, *, batch_size: int, num_workers: int, pin_memory: bool = False
) -> DataLoader:
    """Build the training loader with another batch and other workers.

    Args:
        cfg: of a run; left untouched.
        batch_size: clips of a batch.
        num_workers: processes that read.
        pin_memory: for copies to a GPU.

    Returns:
        The loader.
    """
    settings = {**cfg.train_dataloader, 'batch_size': batch_size}
    settings |= {'num_workers': num_workers, 'pin_memory': pin_memory}
    settings['persistent_workers'] = False
    return Runner.build_dataloader(settings, seed=0)


def measure_step(setup: BenchmarkSetup, batch_size: int) -> dict[str, list[float]]:
    """Time the network's step on one batch in memory, both forms in turns.

    Args:
        setup: of the benchmark; ``epochs`` turns.
        batch_size: clips.

    Returns:
        ``2d``, ``conv3d`` to the seconds of each turn.

    Raises:
        ConfigError: the training split has no whole batch.
    """
    cfg = load_config(setup)
    model = build_model(cfg, setup.device)
    ready = _prepared(cfg, model, batch_size)
    steps = {
        FORM_2D: _stepper(cfg, model, ready),
        FORM_3D: _stepper(cfg, as_conv3d(model), ready),
    }
    seconds: dict[str, list[float]] = {form: [] for form in steps}
    for turn in range(WARMUP + setup.epochs):
        for form, step in steps.items():
            spent = time_call(step, setup)
            if turn >= WARMUP:
                seconds[form].append(spent)
    return seconds


def measure_peak(setup: BenchmarkSetup, batch_size: int, form: str) -> float | None:
    """Take two steps of one form, in a process that does nothing else.

    Args:
        setup: of the benchmark.
        batch_size: clips.
        form: ``2d`` or ``conv3d``.

    Returns:
        Peak of the memory on a GPU in MB; None on a CPU, where that of the process is
        what is asked for.

    Raises:
        ConfigError: the training split has no whole batch.
    """
    cfg = load_config(setup)
    model = build_model(cfg, setup.device)
    ready = _prepared(cfg, model, batch_size)
    if form == FORM_3D:
        model = as_conv3d(model)
    step = _stepper(cfg, model, ready)
    for _ in range(2):
        step()
    setup.synchronize()
    on_gpu = setup.device == 'cuda'
    return torch.cuda.max_memory_allocated() / 2**20 if on_gpu else None


def measure_training(
    setup: BenchmarkSetup, batch_size: int, num_workers: int
) -> dict[str, list[float]]:
    """Train with a loader and note how long each step waits for its batch.

    Args:
        setup: of the benchmark; ``epochs`` steps are timed, after two that are not.
        batch_size: clips.
        num_workers: processes that read.

    Returns:
        ``wait`` and ``step`` to seconds by the clock, one a step; the step holds
        crop, heatmaps and normalisation.

    Raises:
        ConfigError: the training split has no whole batch.
    """
    cfg = load_config(setup)
    model = build_model(cfg, setup.device)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    loader = build_loader(
        cfg,
        batch_size=batch_size,
        num_workers=num_workers,
        pin_memory=setup.device == 'cuda',
    )
    seconds: dict[str, list[float]] = {'wait': [], 'step': []}
    batches = _endless(loader)
    for number in range(2 + setup.epochs):
        times = [time.perf_counter()]
        batch = next(batches)
        times.append(time.perf_counter())
        model.train_step(batch, wrapper)
        setup.synchronize()
        times.append(time.perf_counter())
        if number >= 2:
            seconds['wait'].append(times[1] - times[0])
            seconds['step'].append(times[2] - times[1])
    return seconds


def time_call(call: Callable[[], object], setup: BenchmarkSetup) -> float:
    """Time a call: by the GPU, or by :func:`clock`.

    Args:
        call: what is timed.
        setup: of the benchmark.

    Returns:
        Seconds.
    """
    if setup.device == 'cuda':
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        setup.synchronize()
        start.record()
        call()
        end.record()
        setup.synchronize()
        return start.elapsed_time(end) / 1e3
    now = clock(setup)
    begin = now()
    call()
    return now() - begin


def clock(setup: BenchmarkSetup) -> Callable[[], float]:
    """Return the clock of calls on a CPU.

    Args:
        setup: of the benchmark.

    Returns:
        The processor's time for one thread, which other programs on the machine
        hardly lengthen; the wall clock for more, whose times would be added up.
    """
    return time.process_time if setup.threads == 1 else time.perf_counter


def _prepared(cfg: Config, model: nn.Module, batch_size: int) -> dict:
    """One batch as the network takes it."""
    loader = build_loader(cfg, batch_size=batch_size, num_workers=0)
    return model.data_preprocessor(next(_endless(loader)), True)


def _endless(loader: DataLoader):
    """Batches of the loader's size, epoch after epoch."""
    batch_size = loader.batch_sampler.batch_size
    if len(loader.dataset) < batch_size:
        raise ConfigError(
            f'the training split has {len(loader.dataset)} clips, a batch of '
            f'{batch_size} needs more'
        )
    while True:
        for batch in loader:
            if len(batch['data_samples'].label_B) == batch_size:
                yield batch


def _stepper(cfg: Config, model: nn.Module, ready: Mapping) -> Callable[[], None]:
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)

    def step() -> None:
        with wrapper.optim_context(model):
            loss, _ = model.parse_losses(model(**ready, mode='loss'))
        wrapper.update_params(loss)

    return step
