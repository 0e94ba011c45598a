"""How long until a model is good: seconds to a validation F1, ours and a plain loop."""

from __future__ import annotations

import time

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from ocec.apis.benchmark_contenders import (
    build_plain_model,
    plain_loader,
    plain_steps,
)
from ocec.apis.benchmark_setup import BenchmarkSetup, build_runner
from ocec.functional import classification
from ocec.functional.probability import prob_open


class _F1Clock(Hook):
    """Notes the time and F1 of each validation; stops at the target."""

    priority = 'LOWEST'

    def __init__(self, target: float, start: float) -> None:
        self.target, self.start = target, start
        self.curve: list[tuple[float, float]] = []

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        f1 = metrics['eye/f1']
        self.curve.append((time.perf_counter() - self.start, f1))
        if f1 >= self.target:
            runner.train_loop.stop_training = True


def time_ours(setup: BenchmarkSetup, target: float) -> list[tuple[float, float]]:
    """Train the config until it is good.

    Args:
        setup: of the benchmark.
        target: validation F1 at which to stop, in [0, 1].

    Returns:
        (seconds, F1) after each epoch; the clock starts before the data are opened,
        and a decoded cache that is there already is used.
    """
    start = time.perf_counter()
    epochs = setup.load_config().train_cfg.max_epochs
    runner = build_runner(setup, epochs=epochs, validate=True)
    clock = _F1Clock(target, start)
    runner.register_hook(clock)
    runner.train()
    return clock.curve


def time_plain(setup: BenchmarkSetup, target: float) -> list[tuple[float, float]]:
    """Train by the plain loop with the same rate, warmup and cosine until it is good.

    Args:
        setup: of the benchmark.
        target: validation F1 at which to stop, in [0, 1].

    Returns:
        As :func:`time_ours`; weights are not averaged, as nobody's plain loop does.
    """
    start = time.perf_counter()
    cfg = setup.load_config()
    epochs = cfg.train_cfg.max_epochs
    torch.manual_seed(cfg.randomness.seed)
    train, val = (plain_loader(setup, split) for split in ('train', 'val'))
    amp = setup.device == 'cuda'
    model = build_plain_model(setup, mixed_precision=amp)
    settings = {k: cfg.optim_wrapper.optimizer[k] for k in ('lr', 'weight_decay')}
    optimizer = torch.optim.AdamW(model.parameters(), **settings)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        settings['lr'],
        total_steps=epochs * len(train),
        pct_start=1 / epochs,
        div_factor=10,
        cycle_momentum=False,
    )
    curve = []
    for _ in range(epochs):
        for _ in plain_steps(
            model,
            train,
            optimizer,
            device=setup.device,
            mixed_precision=amp,
            max_norm=5,
        ):
            schedule.step()
        curve.append((time.perf_counter() - start, _validate(model, val, setup)))
        if curve[-1][1] >= target:
            break
    return curve


@torch.no_grad()
def _validate(model, loader, setup: BenchmarkSetup) -> float:
    model.eval()
    scores = [
        (prob_open(model(images.to(setup.device), mode='tensor')).cpu(), labels)
        for images, labels in loader
    ]
    model.train()
    prob_N = np.concatenate([prob.numpy() for prob, _ in scores])
    label_N = np.concatenate([label.numpy() for _, label in scores])
    return classification.f1_score(classification.confusion_counts(prob_N, label_N))
