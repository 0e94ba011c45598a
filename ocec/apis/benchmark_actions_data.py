"""Heatmaps and the reading of clips, timed without a network.

Shapes: N clips, P persons, T frames, K joints.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn

from ocec.apis.benchmark_actions_heatmaps import heatmaps_by_loop
from ocec.apis.benchmark_actions_step import (
    build_loader,
    clock,
    load_config,
    time_call,
)
from ocec.apis.benchmark_setup import BenchmarkSetup
from ocec.functional.heatmap import HeatmapMemory, skeleton_heatmaps
from ocec.functional.keypoints import blank_missing, map_points
from ocec.models.data_preprocessors.action_batch import num_persons
from ocec.registry import MODELS

LOOP, KEPT, FRESH = 'loop', 'kept memory', 'new memory'
#: the loop takes that many times as long, so it is run less often
RUNS_OF_OURS = 5


def measure_heatmaps(
    setup: BenchmarkSetup, batch_size: int
) -> dict[str, dict[str, list[float]]]:
    """Time the heatmaps of a batch against loops over its joints, in turns.

    Args:
        setup: of the benchmark; ``epochs`` turns. On a GPU the loop stays on the CPU.
        batch_size: clips.

    Returns:
        ``joints`` and, where the layout has some, ``limbs``, to ``loop``, ``kept
        memory`` and ``new memory``, the seconds of each turn (of ours the least of
        five), and ``difference``, the largest of a pixel.
    """
    cfg = load_config(setup)
    preprocessor = MODELS.build(cfg.model.data_preprocessor)
    loader = build_loader(cfg, batch_size=batch_size, num_workers=0)
    inputs = next(iter(loader))['inputs']
    point_NPTK2, score_NPTK = _points(inputs, preprocessor)
    kinds = {'joints': {'with_kp': True}}
    if preprocessor.layout.limbs:
        kinds['limbs'] = {'with_kp': False, 'limbs': preprocessor.layout.limbs}
    size = preprocessor.heatmap_sizes[1]
    found = {}
    for kind, what in kinds.items():
        settings = {'sigma': preprocessor.sigma, **what}
        found[kind] = _time_heatmaps(setup, point_NPTK2, score_NPTK, size, settings)
    return found


def measure_reading(setup: BenchmarkSetup, batch_size: int) -> dict:
    """Read batches as a worker does, in this process.

    Args:
        setup: of the benchmark; ``epochs`` batches are timed, after one that is not.
        batch_size: clips.

    Returns:
        ``bytes_per_clip`` that a worker hands over, and ``clips_per_second``, one
        figure a batch.
    """
    cfg = load_config(setup)
    loader = build_loader(cfg, batch_size=batch_size, num_workers=0)
    order = [index for batch in loader.batch_sampler for index in batch]
    now, rates = clock(setup), []
    for turn in range(1 + setup.epochs):
        first = turn * batch_size
        indices = [order[(first + i) % len(order)] for i in range(batch_size)]
        begin = now()
        batch = loader.dataset.__getitems__(indices)
        spent = now() - begin
        if turn > 0:
            rates.append(len(batch['data_samples'].label_B) / spent)
    num_clips = len(batch['data_samples'].label_B)
    num_bytes = sum(x.numel() * x.element_size() for x in batch['inputs'].values())
    return {'bytes_per_clip': num_bytes / num_clips, 'clips_per_second': rates}


def _points(inputs: dict[str, Tensor], preprocessor: nn.Module) -> tuple:
    """Joints in pixels of the heatmap, and their scores, without augmentation."""
    count = num_persons(inputs['score'])
    keypoint, score = inputs['keypoint'][:, :, :count], inputs['score'][:, :, :count]
    point_NPTK2, score_NPTK = blank_missing(keypoint.flatten(0, 1), score.flatten(0, 1))
    size = preprocessor.heatmap_sizes[1]
    return map_points(point_NPTK2, inputs['box'], size), score_NPTK


def _time_heatmaps(
    setup: BenchmarkSetup,
    point_NPTK2: Tensor,
    score_NPTK: Tensor,
    size: tuple[int, int],
    settings: dict,
) -> dict[str, list[float]]:
    arrays = point_NPTK2.numpy(), score_NPTK.numpy()
    tensors = point_NPTK2.to(setup.device), score_NPTK.to(setup.device)
    memory, results = HeatmapMemory(), {}

    def run_loop() -> None:
        results[LOOP] = heatmaps_by_loop(*arrays, size, **settings)

    def run_ours(memory: HeatmapMemory | None) -> None:
        results[KEPT] = skeleton_heatmaps(*tensors, size, memory=memory, **settings)

    on_host = BenchmarkSetup(**{**vars(setup), 'device': 'cpu'})
    seconds: dict[str, list[float]] = {LOOP: [], KEPT: [], FRESH: []}
    run_ours(memory)
    for _ in range(setup.epochs):
        seconds[LOOP].append(time_call(run_loop, on_host))
        for name, kept in ((FRESH, None), (KEPT, memory)):
            runs = [
                time_call(lambda kept=kept: run_ours(kept), setup)
                for _ in range(RUNS_OF_OURS)
            ]
            seconds[name].append(min(runs))
    difference = np.abs(results[KEPT].cpu().numpy() - results[LOOP]).max()
    return {**seconds, 'difference': float(difference)}
