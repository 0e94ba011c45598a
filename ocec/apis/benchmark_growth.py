"""Does an epoch grow in proportion, and does memory stay: sizes and ranks."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ocec.apis.benchmark_setup import (
    BenchmarkSetup,
    EpochClock,
    build_runner,
    peak_memory_mb,
)
from ocec.engine.process_group import leave_process_group

ROWS_PER_GROUP = 4096


def write_repeated(data: Path, num_rows: int, out: Path) -> None:
    """Write a large parquet file whose train rows are drawn from a small one.

    Args:
        data: parquet file with embedded pictures.
        num_rows: of the train split; the val rows are copied once.
        out: file to write.
    """
    table = pq.read_table(data)
    split_N = table.column('split').to_numpy(zero_copy_only=False)
    train, val = (np.flatnonzero(split_N == name) for name in ('train', 'val'))
    rows = np.random.default_rng(0).choice(train, num_rows)
    with pq.ParquetWriter(out, table.schema) as writer:
        for start in range(0, num_rows, ROWS_PER_GROUP):
            writer.write_table(
                table.take(pa.array(rows[start : start + ROWS_PER_GROUP]))
            )
        writer.write_table(table.take(pa.array(val)))


def measure_growth(
    setup: BenchmarkSetup, rank: int = 0, world_size: int = 1, port: int = 0
) -> dict[str, float]:
    """Train one epoch on a data set whose cache may not be there yet.

    Args:
        setup: of the benchmark; its data decide on the size.
        rank: of this process.
        world_size: number of ranks, >= 1.
        port: where they meet, if there are several.

    Returns:
        ``images`` of all ranks, ``build_seconds`` (table and cache),
        ``epoch_seconds`` and ``peak_mb`` of the process.
    """
    start = time.perf_counter()
    if world_size > 1:
        _tell_rank(rank, world_size, port)
    runner = build_runner(setup, epochs=1, validate=False, distributed=world_size > 1)
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    built = time.perf_counter()
    clock = EpochClock(setup.synchronize)
    runner.register_hook(clock)
    runner.train()
    if world_size > 1:
        leave_process_group()
    return {
        'images': len(runner.train_dataloader.dataset),
        'build_seconds': built - start,
        'epoch_seconds': clock.starts[-1] - clock.starts[0],
        'peak_mb': peak_memory_mb(),
    }


def train_as_rank(setup: BenchmarkSetup, rank: int, world_size: int, port: int) -> list:
    """Train as one of several CPU ranks of one thread.

    Args:
        setup: of the benchmark.
        rank: of this process.
        world_size: number of ranks.
        port: where they meet.

    Returns:
        Images per second of all ranks together, of each epoch.
    """
    _tell_rank(rank, world_size, port)
    runner = build_runner(
        setup, epochs=setup.epochs + 1, validate=False, distributed=True
    )
    clock = EpochClock(setup.synchronize)
    runner.register_hook(clock)
    runner.train()
    num_images = len(runner.train_dataloader.dataset)
    leave_process_group()
    return [num_images / seconds for seconds in clock.seconds()]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]


def time_per_image_ratio(figures: Sequence[dict[str, float]]) -> float:
    """Compare the time per image of the largest set with that of the smallest.

    Args:
        figures: of :func:`measure_growth`, by rising size.

    Returns:
        1 where time grows in proportion; above, where it grows faster.
    """
    first, last = (
        entry['epoch_seconds'] / entry['images'] for entry in (figures[0], figures[-1])
    )
    return last / first


def _tell_rank(rank: int, world_size: int, port: int) -> None:
    """Tell torch.distributed which rank this process is, as its launcher does."""
    os.environ |= {
        'RANK': str(rank),
        'LOCAL_RANK': str(rank),
        'WORLD_SIZE': str(world_size),
        'LOCAL_WORLD_SIZE': str(world_size),
        'MASTER_ADDR': '127.0.0.1',
        'MASTER_PORT': str(port),
    }
