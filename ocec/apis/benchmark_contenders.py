"""Who is measured against whom: each runs in a process of its own.

A contender is a function of the setup that returns images per second, one figure per
epoch or per stretch of steps. They train the same backbone on the same pictures with
the same strength of augmentation; CLAHE, which the others lack, is left to ours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from mmengine.registry import DefaultScope
from mmengine.runner import Runner as MMEngineRunner
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ocec.apis.benchmark_setup import (
    WORKERS,
    BenchmarkSetup,
    EpochClock,
    build_runner,
)
from ocec.compat import check_torchvision
from ocec.functional.probability import CLASS_NAMES
from ocec.registry import MODELS
from ocec.structures import BatchTargets

# steps of one timed stretch of a loop without epochs
STEPS = 30
WARMUP_STEPS = 10


def train_ours(setup: BenchmarkSetup) -> list[float]:
    """Train the config, all its hooks at work.

    Args:
        setup: of the benchmark.

    Returns:
        Images per second of each epoch.
    """
    runner = build_runner(setup, epochs=setup.epochs + 1, validate=False)
    clock = EpochClock(setup.synchronize)
    runner.register_hook(clock)
    runner.train()
    num_images = len(runner.train_dataloader.dataset)
    return [num_images / seconds for seconds in clock.seconds()]


def train_resident(setup: BenchmarkSetup) -> list[float]:
    """Train the bare network on one normalised batch: pure compute.

    Args:
        setup: of the benchmark.

    Returns:
        Images per second of each stretch of steps.
    """
    runner, batch = build_with_batch(setup)
    model, optim_wrapper = runner.model, runner.optim_wrapper
    ready = model.data_preprocessor(batch, False)

    def step() -> None:
        with optim_wrapper.optim_context(model):
            loss = model(**ready, mode='loss')['loss']
        optim_wrapper.update_params(loss)

    return _rates(setup, step, len(batch['inputs']))


def train_resident_augmented(setup: BenchmarkSetup) -> list[float]:
    """Train on one uint8 batch that is augmented at every step.

    Args:
        setup: of the benchmark.

    Returns:
        Images per second of each stretch of steps.
    """
    runner, batch = build_with_batch(setup)
    model = runner.model
    return _rates(
        setup,
        lambda: model.train_step(batch, runner.optim_wrapper),
        len(batch['inputs']),
    )


def train_mmpretrain(setup: BenchmarkSetup) -> list[float]:
    """Train by mmpretrain's own classifier, pipeline, hooks and mmengine's Runner.

    On a CPU in float32, as mmengine's mixed precision asks for a GPU.

    Args:
        setup: of the benchmark.

    Returns:
        Images per second of each epoch.
    """
    check_torchvision()
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        runner = MMEngineRunner.from_cfg(_mmpretrain_config(setup))
        clock = EpochClock(setup.synchronize)
        runner.register_hook(clock)
        runner.train()
    num_images = len(runner.train_dataloader.dataset)
    return [num_images / seconds for seconds in clock.seconds()]


def train_plain(setup: BenchmarkSetup) -> list[float]:
    """Train by a plain loop: DataLoader, torchvision transforms, float32.

    Args:
        setup: of the benchmark.

    Returns:
        Images per second of each epoch.
    """
    return _train_plain(setup, mixed_precision=setup.device == 'cuda')


def train_plain_amp(setup: BenchmarkSetup) -> list[float]:
    """Train by the plain loop in channels-last bfloat16, as ours does.

    Args:
        setup: of the benchmark.

    Returns:
        Images per second of each epoch.
    """
    return _train_plain(setup, mixed_precision=True)


def read_ours(setup: BenchmarkSetup) -> list[float]:
    """Read and augment batches, nothing else.

    Args:
        setup: of the benchmark.

    Returns:
        Images per second of each pass.
    """
    runner = build_runner(setup, epochs=1, validate=False)
    loader = runner.build_train_loop(runner._train_loop).dataloader
    preprocessor = runner.model.data_preprocessor
    num_images = len(loader.dataset)
    batches = list(loader.batch_sampler)

    def read_all() -> None:
        for indices in batches:
            preprocessor(loader.dataset.__getitems__(indices), True)
        setup.synchronize()

    return _passes(setup, read_all, num_images)


def read_mmpretrain(setup: BenchmarkSetup) -> list[float]:
    """Read and augment picture by picture as mmpretrain does, in this process.

    Args:
        setup: of the benchmark.

    Returns:
        Images per second of each pass.
    """
    check_torchvision()
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        config = _mmpretrain_config(setup)
        config['train_dataloader'] |= {'num_workers': 0, 'persistent_workers': False}
        loader = MMEngineRunner.build_dataloader(config['train_dataloader'], seed=0)
        preprocessor = MODELS.build(
            {'type': 'mmpretrain.ClsDataPreprocessor', **config['data_preprocessor']}
        )

        def read_all() -> None:
            for batch in loader:
                preprocessor(batch, True)

        return _passes(setup, read_all, len(loader.dataset))


CONTENDERS: dict[str, Callable[[BenchmarkSetup], list[float]]] = {
    'ours': train_ours,
    'resident': train_resident,
    'resident_augmented': train_resident_augmented,
    'mmpretrain': train_mmpretrain,
    'plain': train_plain,
    'plain_amp': train_plain_amp,
    'read_ours': read_ours,
    'read_mmpretrain': read_mmpretrain,
}


def build_with_batch(setup: BenchmarkSetup) -> tuple[MMEngineRunner, dict]:
    """Build a run, ready to step, and one batch of it.

    Args:
        setup: of the benchmark.

    Returns:
        The runner with model and optim wrapper, and a batch on the device.
    """
    runner = build_runner(setup, epochs=1, validate=False)
    loader = runner.build_train_loop(runner._train_loop).dataloader
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.model.train()
    batch = loader.dataset.__getitems__(next(iter(loader.batch_sampler)))
    device = setup.device
    return runner, {name: value.to(device) for name, value in batch.items()}


class PictureFolder(Dataset):
    """Pictures of a folder, decoded and transformed one by one.

    Args:
        folder: with a folder per class.
        transform: of one PIL image.
    """

    def __init__(self, folder: Path, transform: Callable) -> None:
        self.items = [
            (path, label)
            for label, name in enumerate(CLASS_NAMES)
            for path in sorted((folder / name).iterdir())
        ]
        self.transform = transform

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Return one picture, (3, H, W) float32, and its label."""
        from PIL import Image

        path, label = self.items[index]
        with Image.open(path) as image:
            return self.transform(image.convert('RGB')), label


def plain_loader(setup: BenchmarkSetup, split: str) -> DataLoader:
    """Return the loader that a plain loop has.

    Args:
        setup: of the benchmark.
        split: ``train``, with augmentation, or ``val``.

    Returns:
        Batches of ((B, 3, H, W) float32 normalised, (B,) int64).
    """
    from torchvision.transforms import v2

    cfg = setup.load_config()
    settings = cfg.model.data_preprocessor
    mean, std = ([x / 255 for x in settings[key]] for key in ('mean', 'std'))
    augments = [v2.RandomHorizontalFlip(), v2.RandomPhotometricDistort()]
    transform = v2.Compose(
        [
            v2.ToImage(),
            v2.Resize(tuple(cfg.train_dataloader.dataset.image_size), antialias=True),
            *(augments if split == 'train' else []),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(mean, std),
        ]
    )
    return DataLoader(
        PictureFolder(Path(setup.pictures) / split, transform),
        batch_size=cfg.train_dataloader.batch_size,
        shuffle=split == 'train',
        num_workers=WORKERS[setup.device],
        persistent_workers=True,
        pin_memory=setup.device == 'cuda',
    )


def plain_steps(
    model: nn.Module,
    loader: DataLoader,
    optimizer: torch.optim.Optimizer,
    *,
    device: str,
    mixed_precision: bool,
    max_norm: float,
) -> Iterator[Tensor]:
    """Train one epoch as everybody writes it.

    Args:
        model: an ImageClassifier.
        loader: from :func:`plain_loader`.
        optimizer: of the model.
        device: where to.
        mixed_precision: bfloat16 and channels-last.
        max_norm: of the gradient.

    Yields:
        the loss of each step.
    """
    layout = torch.channels_last if mixed_precision else torch.contiguous_format
    for images_BCHW, label_B in loader:
        images_BCHW = images_BCHW.to(device, memory_format=layout, non_blocking=True)
        label_B = label_B.to(device, non_blocking=True)
        targets = BatchTargets(label_B, label_B, label_B)
        optimizer.zero_grad()
        with torch.autocast(device, torch.bfloat16, enabled=mixed_precision):
            loss = model(images_BCHW, targets, mode='loss')['loss']
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        yield loss.detach()


def build_plain_model(setup: BenchmarkSetup, *, mixed_precision: bool) -> nn.Module:
    """Build the model of the config for the plain loop.

    Args:
        setup: of the benchmark.
        mixed_precision: lay it out channels-last.

    Returns:
        The model in training mode on the device.
    """
    cfg = setup.load_config().model
    cfg.head.loss.pos_weight = 1.0  # a plain loop does not count classes
    model = MODELS.build(cfg)
    model.init_weights()
    if mixed_precision:
        model = model.to(memory_format=torch.channels_last)
    return model.to(setup.device).train()


def _train_plain(setup: BenchmarkSetup, *, mixed_precision: bool) -> list[float]:
    loader = plain_loader(setup, 'train')
    model = build_plain_model(setup, mixed_precision=mixed_precision)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

    def one_epoch() -> None:
        for _ in plain_steps(
            model,
            loader,
            optimizer,
            device=setup.device,
            mixed_precision=mixed_precision,
            max_norm=5.0,
        ):
            pass
        setup.synchronize()

    return _passes(setup, one_epoch, len(loader.dataset))


def _mmpretrain_config(setup: BenchmarkSetup) -> dict:
    """Return the run that a user of mmpretrain would write for these data."""
    cfg = setup.load_config()
    height, width = cfg.train_dataloader.dataset.image_size
    backbone = {**cfg.model.backbone, 'type': f'ocec.{cfg.model.backbone.type}'}
    channels = MODELS.build(backbone).out_channels
    optimizer = {k: v for k, v in cfg.optim_wrapper.optimizer.items() if k != 'fused'}
    jitters = [
        {'type': 'ColorJitter', 'brightness': 0.125},
        {'type': 'ColorJitter', 'contrast': 0.5},
        {'type': 'ColorJitter', 'saturation': 0.5},
        {'type': 'ColorJitter', 'hue': 0.05},
    ]
    pipeline = [
        {'type': 'LoadImageFromFile'},
        {'type': 'Resize', 'scale': (width, height)},
        {'type': 'RandomFlip', 'prob': 0.5},
        *({'type': 'RandomApply', 'transforms': [j], 'prob': 0.5} for j in jitters),
        {'type': 'PackInputs'},
    ]
    workers = WORKERS[setup.device]
    settings = cfg.model.data_preprocessor
    preprocessor = {
        'num_classes': 2,
        'mean': list(settings.mean),
        'std': list(settings.std),
        'to_rgb': True,
    }
    amp = 'AmpOptimWrapper' if setup.device == 'cuda' else 'OptimWrapper'
    return {
        'default_scope': 'mmpretrain',
        'work_dir': f'{setup.work_dir}/mmpretrain',
        'log_level': 'WARNING',
        'data_preprocessor': preprocessor,
        'model': {
            'type': 'ImageClassifier',
            'backbone': backbone,
            'neck': {'type': 'GlobalAveragePooling'},
            'head': {
                'type': 'LinearClsHead',
                'num_classes': 2,
                'in_channels': channels,
                'loss': {'type': 'CrossEntropyLoss'},
            },
        },
        'train_dataloader': {
            'batch_size': cfg.train_dataloader.batch_size,
            'num_workers': workers,
            'persistent_workers': True,
            'sampler': {'type': 'DefaultSampler', 'shuffle': True},
            'collate_fn': {'type': 'default_collate'},
            'dataset': {
                'type': 'CustomDataset',
                'data_root': setup.pictures,
                'data_prefix': 'train',
                'pipeline': pipeline,
            },
        },
        'train_cfg': {'by_epoch': True, 'max_epochs': setup.epochs + 1},
        'optim_wrapper': {
            'type': amp,
            'optimizer': optimizer,
            'clip_grad': {'max_norm': 5.0},
        },
        'default_hooks': {
            'runtime_info': {'type': 'RuntimeInfoHook'},
            'timer': {'type': 'IterTimerHook'},
            'logger': {'type': 'LoggerHook', 'interval': 50},
            'param_scheduler': {'type': 'ParamSchedulerHook'},
            'checkpoint': {'type': 'CheckpointHook', 'interval': 1},
            'sampler_seed': {'type': 'DistSamplerSeedHook'},
        },
        'custom_hooks': [{'type': 'EMAHook', 'momentum': 0.001}],
    }


def _rates(setup: BenchmarkSetup, step: Callable[[], object], batch: int) -> list:
    for _ in range(WARMUP_STEPS):
        step()
    rates = []
    for _ in range(setup.epochs):
        setup.synchronize()
        start = time.perf_counter()
        for _ in range(STEPS):
            step()
        setup.synchronize()
        rates.append(batch * STEPS / (time.perf_counter() - start))
    return rates


def _passes(setup: BenchmarkSetup, run: Callable[[], None], num_images: int) -> list:
    run()  # workers start, memory is taken, kernels are chosen
    rates = []
    for _ in range(setup.epochs):
        start = time.perf_counter()
        run()
        rates.append(num_images / (time.perf_counter() - start))
    return rates
