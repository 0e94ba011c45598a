"""Learning-rate range test: train with a rising rate and watch the loss."""

from __future__ import annotations

import contextlib
import copy
import itertools
import math
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from torch import nn
from torch.utils.data import DataLoader

from ocec.apis.errors import ConfigError
from ocec.apis.lr_curve import SMOOTHING, LRCurve, LRSuggestion, suggest_lr
from ocec.apis.lr_plot import draw_lr_curve
from ocec.apis.progress import track
from ocec.apis.run_config import load_run_config, set_randomness
from ocec.compat import check_torchvision
from ocec.engine.runner import Runner

DIVERGED = 4.0
"""The test ends when the smoothed loss exceeds its lowest value by this factor."""


def find_lr(
    config: str | Path,
    *,
    data: str | None = None,
    min_lr: float = 1e-6,
    max_lr: float = 1.0,
    num_iters: int = 200,
    out_dir: str | Path | None = None,
    cfg_options: Sequence[str] = (),
    seed: int | None = None,
    no_check: bool = False,
) -> LRSuggestion:
    """Suggest a learning rate for a config on some data.

    Trains with the config's own model, data, augmentation, optimizer, precision and
    clipping, without its schedulers and hooks, and throws the weights away. Nothing
    is written into the work_dir of the config.

    Args:
        config: the config file.
        data: parquet file, folder or pattern for every dataset.
        min_lr: first learning rate, > 0.
        max_lr: last learning rate, above ``min_lr``.
        num_iters: steps between them, evenly spaced by log lr, >= 20.
        out_dir: folder for ``lr_curve.png``, ``.json`` and ``.csv``; by default
            ``work_dirs/<config name>_lr``.
        cfg_options: ``KEY=VALUE`` texts.
        seed: of all random numbers.
        no_check: do not refuse a config with findings.

    Returns:
        The suggestion, also printed.

    Raises:
        ConfigError: something is wrong with the config or the arguments.
        FloatingPointError: the loss is not finite at the first step.
        ValueError: the loss did not fall; the curve is written all the same.
    """
    check_torchvision()
    _check_range(min_lr, max_lr, num_iters)
    out_dir = Path(out_dir or Path('work_dirs') / f'{Path(config).stem}_lr')
    with tempfile.TemporaryDirectory(prefix='lr_finder_') as folder:
        cfg = load_run_config(
            config,
            work_dir=folder,
            cfg_options=cfg_options,
            data=data,
            no_check=no_check,
        )
        set_randomness(cfg, seed, deterministic=False)
        runner = _prepare_runner(cfg)
        curve = run_range_test(
            runner.model,
            runner.optim_wrapper,
            runner.train_dataloader,
            lrs=np.geomspace(min_lr, max_lr, num_iters).tolist(),
        )
    settings = {
        'config': str(config),
        'data': cfg.train_dataloader.dataset.get('data'),
        'batch_size': cfg.train_dataloader.get('batch_size'),
        'min_lr': min_lr,
        'max_lr': max_lr,
        'num_iters': num_iters,
        'seed': runner.seed,
    }
    return _report(curve, out_dir, settings)


def run_range_test(
    model: nn.Module,
    optim_wrapper: OptimWrapper,
    loader: DataLoader,
    *,
    lrs: Sequence[float],
    smoothing: float = SMOOTHING,
) -> LRCurve:
    """Train one step at each learning rate; leave model and optimizer as they were.

    With accumulation a step takes several batches, and its loss is their mean.
    Parameter groups keep their ratios to the optimizer's own rate.

    Args:
        model: has ``train_step``, as mmengine's models.
        optim_wrapper: of its parameters.
        loader: of training batches; begun anew when it ends.
        lrs: ascending, > 0.
        smoothing: weight of the past in the running mean, in [0, 1).

    Returns:
        The curve; it ends early when the smoothed loss exceeds four times its lowest
        value or the loss is not finite.

    Raises:
        FloatingPointError: the loss is not finite at the first step.
        ValueError: the optimizer's own rate is not positive.
    """
    groups = optim_wrapper.optimizer.param_groups
    own_lr = optim_wrapper.optimizer.defaults['lr']
    if own_lr <= 0:
        raise ValueError(f'optim_wrapper.optimizer.lr must be > 0, got {own_lr}')
    ratios = [group['lr'] / own_lr for group in groups]
    accumulation = optim_wrapper._accumulative_counts
    batches = _endless(loader)
    curve = LRCurve(smoothing)
    with _restored(model, optim_wrapper):
        model.train()
        optim_wrapper.initialize_count_status(model, 0, len(lrs) * accumulation)
        for lr in track(lrs, total=len(lrs), what='steps of the range test'):
            for group, ratio in zip(groups, ratios, strict=True):
                group['lr'] = lr * ratio
            losses = [
                model.train_step(next(batches), optim_wrapper)['loss'].item()
                for _ in range(accumulation)
            ]
            loss = math.fsum(losses) / accumulation
            if not math.isfinite(loss):
                break
            curve.add(lr, loss)
            if curve.smoothed[-1] > DIVERGED * min(curve.smoothed):
                break
    if not len(curve):
        raise FloatingPointError(
            f'the loss is {loss} at the first step, before any learning: look for '
            'missing values in the data, a std of 0 in the data_preprocessor, or '
            'weights that were loaded from a diverged run'
        )
    return curve


def _check_range(min_lr: float, max_lr: float, num_iters: int) -> None:
    if not 0 < min_lr < max_lr < math.inf:
        raise ConfigError(
            f'--min-lr and --max-lr must be 0 < min < max, got {min_lr} and {max_lr}'
        )
    if num_iters < 20:
        raise ConfigError(f'--num-iters must be >= 20, got {num_iters}')


def _prepare_runner(cfg: Config) -> Runner:
    """Build what a training begins with: data, model and optimizer."""
    if cfg.get('train_dataloader') is None:
        raise ConfigError(f'{cfg.filename}: there is no train_dataloader to train on')
    for phase in ('val', 'test'):
        for part in ('cfg', 'dataloader', 'evaluator'):
            cfg[f'{phase}_{part}'] = None
    cfg.param_scheduler = cfg.visualizer = None
    cfg.custom_hooks = []
    cfg.resume, cfg.launcher = False, 'none'
    runner = Runner.from_cfg(cfg)
    # the order of Runner.train, so that the first weights are those of a training
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    if not isinstance(runner.optim_wrapper, OptimWrapper):
        raise ConfigError(f'{cfg.filename}: optim_wrapper must hold one optimizer')
    runner._init_model_weights()
    runner.load_or_resume()
    for module in runner.model.modules():
        if hasattr(module, 'set_epoch'):  # a margin is tested as it ends up
            module.set_epoch(math.inf)
    return runner


def _endless(loader: DataLoader) -> Iterator[dict]:
    for epoch in itertools.count():
        if hasattr(loader.sampler, 'set_epoch'):  # another order in every epoch
            loader.sampler.set_epoch(epoch)
        yield from loader


@contextlib.contextmanager
def _restored(model: nn.Module, optim_wrapper: OptimWrapper) -> Iterator[None]:
    """Put weights, buffers, gradients, mode and optimizer back at the end."""
    tensors = [*model.parameters(), *model.buffers()]
    values = [tensor.detach().clone() for tensor in tensors]
    modes = [(module, module.training) for module in model.modules()]
    optimizer_state = copy.deepcopy(optim_wrapper.state_dict())
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, value in zip(tensors, values, strict=True):
                tensor.copy_(value)
        for module, is_training in modes:
            module.training = is_training
        optim_wrapper.zero_grad()
        optim_wrapper.load_state_dict(optimizer_state)


def _report(curve: LRCurve, out_dir: Path, settings: dict) -> LRSuggestion:
    """Write the files, print the suggestion; without one, fail after writing."""
    out_dir.mkdir(parents=True, exist_ok=True)
    suggestion, problem = None, None
    try:
        suggestion = suggest_lr(curve)
    except ValueError as error:
        problem = error
    title = f'learning-rate range test, {Path(settings["config"]).stem}'
    draw_lr_curve(curve, suggestion, out_dir / 'lr_curve.png', title=title)
    curve.write_csv(out_dir / 'lr_curve.csv')
    curve.write_json(out_dir / 'lr_curve.json', suggestion, settings)
    if problem is not None:
        raise ValueError(f'{problem}. The curve: {out_dir / "lr_curve.png"}')
    print(f'{len(curve)} steps, lr {curve.lr[0]:.2g} to {curve.lr[-1]:.2g}')
    print(f'lowest loss at     {suggestion.lowest:.2g}')
    print(f'steepest fall at   {suggestion.steepest:.2g}')
    print(f'suggested (low/10) {suggestion.min_over_10:.2g}')
    if suggestion.lowest == curve.lr[-1] == settings['max_lr']:
        print(f'the loss still fell at {curve.lr[-1]:.2g}: raise --max-lr')
    print(f'curve: {out_dir / "lr_curve.png"}, .json, .csv')
    print(
        f'use it: --cfg-options optim_wrapper.optimizer.lr={suggestion.min_over_10:.2g}'
    )
    return suggestion
