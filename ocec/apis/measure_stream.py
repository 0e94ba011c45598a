"""How fast data are streamed without a cache, and how much memory that takes."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from ocec.apis.measure_reading import read_memory
from ocec.datasets.eye_stream import EyeParquetStream
from ocec.datasets.shard_sampler import ShardBatchSampler, ShardSampler
from ocec.engine.checkpoint_io import write_text_atomically


@dataclass(frozen=True)
class StreamPoint:
    """What is known when so many images of an epoch have been read.

    Args:
        images: read and decoded so far.
        seconds: since the first batch was asked for.
        cpu_seconds: the same of the processor, which other programs do not lengthen.
        anon_mb: memory of the process's own, in MB (1e6 bytes).
        peak_mb: most memory so far, pages of files included.
    """

    images: int
    seconds: float
    cpu_seconds: float
    anon_mb: float
    peak_mb: float


def measure_stream(
    data: str | Path | Sequence[str],
    *,
    split: str = 'train',
    image_size: Sequence[int] | str = (32, 64),
    batch_size: int = 256,
    num_batches: int | None = None,
    buffer_rows: int = 65_536,
    lanes: int = 4,
    num_points: int = 5,
    json_file: str | Path | None = None,
) -> list[StreamPoint]:
    """Print how fast an epoch is streamed on one thread, and what memory it takes.

    Args:
        data: a parquet file, a folder of them, a pattern, or a list of those.
        split: ``train``, ``val`` or ``test``.
        image_size: (H, W) in pixels.
        batch_size: images of a batch, >= 1.
        num_batches: that are read, >= 1; by default a whole epoch.
        buffer_rows: as of the dataset.
        lanes: as of the dataset.
        num_points: times that something is printed, >= 1.
        json_file: file for all numbers.

    Returns:
        The points, at equal distances; the first one before anything is read.

    Raises:
        FileNotFoundError: no file matches ``data``.
        ValueError: the data cannot be used, or an argument is out of range.
    """
    for name, number in (
        ('batch_size', batch_size),
        ('num_batches', num_batches),
        ('num_points', num_points),
    ):
        if number is not None and number < 1:
            raise ValueError(f'{name} must be >= 1, got {number}')
    torch.set_num_threads(1)
    began = time.perf_counter()
    dataset = EyeParquetStream(
        data, split, image_size=image_size, buffer_rows=buffer_rows, lanes=lanes
    )
    print(
        f'{len(dataset):,} images of {len(dataset.chunks.files):,} files, table read '
        f'in {time.perf_counter() - began:.1f} s'
    )
    batches = ShardBatchSampler(ShardSampler(dataset, seed=0), batch_size)
    total = min(num_batches or len(batches), len(batches))
    points = []
    for point in _read(dataset, batches, total, max(total // num_points, 1)):
        points.append(point)
        print(_format(point))
    if json_file is not None:
        content = {
            'data': str(data),
            'image_size': list(dataset.image_size),
            'batch_size': batch_size,
            'buffer_rows': buffer_rows,
            'lanes': lanes,
            'points': [asdict(point) for point in points],
        }
        Path(json_file).parent.mkdir(parents=True, exist_ok=True)
        write_text_atomically(json.dumps(content, indent=2) + '\n', Path(json_file))
    return points


def _read(
    dataset: EyeParquetStream, batches: ShardBatchSampler, total: int, every: int
) -> Iterator[StreamPoint]:
    clock, processor, images = time.perf_counter(), time.process_time(), 0

    def look() -> StreamPoint:
        memory = read_memory()
        return StreamPoint(
            images,
            time.perf_counter() - clock,
            time.process_time() - processor,
            memory['anon_mb'],
            memory['peak_mb'],
        )

    yield look()
    for number, indices in enumerate(itertools.islice(batches, total), 1):
        images += len(dataset.__getitems__(indices)['data_samples'])
        if number % every == 0 or number == total:
            yield look()


def _format(point: StreamPoint) -> str:
    speed = ''
    if point.images:
        speed = (
            f'{point.images / point.seconds:,.0f} images/s '
            f'({point.images / point.cpu_seconds:,.0f} per CPU second), '
        )
    return (
        f'{point.images:>12,} images: {speed}RssAnon {point.anon_mb:,.0f} MB, peak '
        f'{point.peak_mb:,.0f} MB'
    )
