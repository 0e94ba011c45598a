"""How fast a data set is decoded and read, and how much memory that takes.

Build and reading are measured in a fresh process each, so that the memory of one does
not count for the other.
"""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from ocec.datasets.cache import open_decoded_cache
from ocec.datasets.eye_parquet import EyeParquet, parse_image_size
from ocec.datasets.eye_table import find_parquet_files, read_eye_table
from ocec.datasets.image_file import MAX_MAPPED_BYTES
from ocec.engine.checkpoint_io import write_text_atomically

EXTRAPOLATED_ROWS = 10_000_000
MEMORY_FIELDS = {'RssAnon': 'anon_mb', 'RssFile': 'file_mb', 'VmHWM': 'peak_mb'}
BYTES_PER_ROW_WANTED = 16


@dataclass(frozen=True)
class BuildFigures:
    """What opening the table and building the cache took.

    Args:
        rows: rows of all files.
        table_seconds: reading all columns but the pictures.
        built: False if the cache was there already.
        cache_seconds: building, or opening, the cache.
        rows_per_second: decoded, on all cores; None if the cache was there.
        cache_bytes: size of the pictures in the cache.
        start: memory after the imports, in MB: ``anon_mb`` of its own, ``file_mb`` of
            files and ``peak_mb`` of both together.
        end: the same at the end.
    """

    rows: int
    table_seconds: float
    built: bool
    cache_seconds: float
    rows_per_second: float | None
    cache_bytes: int
    start: dict[str, float]
    end: dict[str, float]


@dataclass(frozen=True)
class ReadingFigures:
    """What random batches took, on one thread.

    Args:
        images: of the split.
        open_seconds: of the data set, whose cache exists.
        num_batches: of each pass.
        crops_per_second: of the first and the warm pass, by the clock.
        crops_per_cpu_second: the same by the time of the processor, which other
            programs on the machine do not lengthen.
        kept_bytes: arrays of the data set, by name.
        kept_bytes_per_row: their sum by rows of all files.
        start: memory after the imports, as in :class:`BuildFigures`.
        opened: when the data set is open.
        end: after both passes.
    """

    images: int
    open_seconds: float
    num_batches: int
    crops_per_second: tuple[float, float]
    crops_per_cpu_second: tuple[float, float]
    kept_bytes: dict[str, int]
    kept_bytes_per_row: float
    start: dict[str, float]
    opened: dict[str, float]
    end: dict[str, float]


def measure_reading(
    data: str | Path | Sequence[str],
    *,
    split: str = 'train',
    image_size: Sequence[int] | str = (32, 64),
    batch_size: int = 256,
    num_batches: int | None = None,
    cache_dir: str | Path | None = None,
    json_file: str | Path | None = None,
) -> tuple[BuildFigures, ReadingFigures]:
    """Print how fast a data set is decoded and read, and how much memory that takes.

    Args:
        data: a parquet file, a folder of them, a pattern, or a list of those.
        split: ``train``, ``val`` or ``test``, for the reading.
        image_size: (H, W) in pixels.
        batch_size: images of a batch, >= 1.
        num_batches: of a pass, >= 1; by default all images once.
        cache_dir: folder of the decoded cache; an empty one measures the build.
        json_file: file for all numbers.

    Returns:
        Figures of the build and of the reading.

    Raises:
        FileNotFoundError: no file matches ``data``.
        ValueError: the data cannot be used, or an argument is out of range.
    """
    for name, number in (('batch_size', batch_size), ('num_batches', num_batches)):
        if number is not None and number < 1:
            raise ValueError(f'{name} must be >= 1, got {number}')
    size = parse_image_size(image_size)
    files = find_parquet_files(data)
    built = _in_fresh_process(measure_build, files, size, cache_dir)
    read = _in_fresh_process(
        measure_batches, files, split, size, cache_dir, batch_size, num_batches
    )
    calculated = extrapolate(built, read)
    print('\n'.join(format_figures(built, read, calculated, batch_size)))
    if json_file is not None:
        content = {
            'data': str(data),
            'image_size': list(size),
            'batch_size': batch_size,
            'build': asdict(built),
            'reading': asdict(read),
            'calculated_not_run': calculated,
        }
        Path(json_file).parent.mkdir(parents=True, exist_ok=True)
        write_text_atomically(json.dumps(content, indent=2) + '\n', Path(json_file))
    return built, read


def measure_build(
    files: Sequence[Path],
    image_size: tuple[int, int],
    cache_dir: str | Path | None,
) -> BuildFigures:
    """Read the table and build the cache, or open it.

    Args:
        files: the parquet files.
        image_size: (H, W) in pixels.
        cache_dir: folder of the decoded cache.

    Returns:
        The figures.
    """
    start, lines, times = read_memory(), [], [time.perf_counter()]
    table = read_eye_table(files)
    times.append(time.perf_counter())
    root = None if cache_dir is None else Path(cache_dir).expanduser()
    cache = open_decoded_cache(table, image_size, root=root, log=lines.append)
    times.append(time.perf_counter())
    table_seconds, cache_seconds = np.diff(times).tolist()
    return BuildFigures(
        rows=len(table),
        table_seconds=table_seconds,
        built=bool(lines),
        cache_seconds=cache_seconds,
        rows_per_second=len(table) / cache_seconds if lines else None,
        cache_bytes=cache.images_NHWC.nbytes,
        start=start,
        end=read_memory(),
    )


def measure_batches(
    files: Sequence[Path],
    split: str,
    image_size: tuple[int, int],
    cache_dir: str | Path | None,
    batch_size: int,
    num_batches: int | None,
) -> ReadingFigures:
    """Read random batches from the cache, twice, on one thread.

    Args:
        files: the parquet files.
        split: ``train``, ``val`` or ``test``.
        image_size: (H, W) in pixels.
        cache_dir: folder of the decoded cache.
        batch_size: images of a batch.
        num_batches: of a pass; None takes all images once.

    Returns:
        The figures.
    """
    torch.set_num_threads(1)
    start, began = read_memory(), time.perf_counter()
    dataset = EyeParquet(files, split, image_size=image_size, cache_dir=cache_dir)
    open_seconds, opened = time.perf_counter() - began, read_memory()
    batches = _choose_batches(len(dataset), batch_size, num_batches)
    passes = [_read_batches(dataset, batches) for _ in range(2)]
    kept = count_kept_bytes(dataset)
    return ReadingFigures(
        images=len(dataset),
        open_seconds=open_seconds,
        num_batches=len(batches),
        crops_per_second=tuple(by_clock for by_clock, _ in passes),
        crops_per_cpu_second=tuple(by_cpu for _, by_cpu in passes),
        kept_bytes=kept,
        kept_bytes_per_row=sum(kept.values()) / len(dataset.table),
        start=start,
        opened=opened,
        end=read_memory(),
    )


def read_memory() -> dict[str, float]:
    """Read the memory of this process.

    Returns:
        In MB (1e6 bytes): ``anon_mb``, of its own; ``file_mb``, pages of files, which
        the system can take back; ``peak_mb``, the most of both together so far.
    """
    lines = Path('/proc/self/status').read_text().splitlines()
    values = dict(line.split(':', 1) for line in lines)
    return {
        ours: int(values[name].split()[0]) * 1024 / 1e6
        for name, ours in MEMORY_FIELDS.items()
    }


def count_kept_bytes(dataset: EyeParquet) -> dict[str, int]:
    """Count what a data set keeps in memory for its rows.

    Args:
        dataset: with a decoded cache.

    Returns:
        Bytes of its arrays and of those of its table, by name; none twice.
    """
    arrays = {**vars(dataset.table), **vars(dataset)}
    owned = {id(a): (n, a) for n, a in arrays.items() if isinstance(a, np.ndarray)}
    return {name: array.nbytes for name, array in owned.values()}


def extrapolate(built: BuildFigures, read: ReadingFigures) -> dict[str, float]:
    """Calculate the figures of ``EXTRAPOLATED_ROWS`` rows from those measured.

    Args:
        built: figures of the build.
        read: figures of the reading.

    Returns:
        ``rows``, ``cache_gb``, ``kept_mb`` of the data set at 16 bytes per row; if
        the cache is read as a large one is, ``epoch_minutes`` of reading all rows
        warm; if it was built, ``build_minutes``.
    """
    rows = EXTRAPOLATED_ROWS
    found = {
        'rows': rows,
        'cache_gb': built.cache_bytes / built.rows * rows / 1e9,
        'kept_mb': BYTES_PER_ROW_WANTED * rows / 1e6,
    }
    if built.cache_bytes > MAX_MAPPED_BYTES:  # a mapped one is faster
        found['epoch_minutes'] = rows / read.crops_per_second[1] / 60
    if built.rows_per_second:
        found['build_minutes'] = rows / built.rows_per_second / 60
    return found


def format_figures(
    built: BuildFigures,
    read: ReadingFigures,
    calculated: dict[str, float],
    batch_size: int,
) -> list[str]:
    """Put the figures into words.

    Args:
        built: figures of the build.
        read: figures of the reading.
        calculated: of :func:`extrapolate`.
        batch_size: images of a batch.

    Returns:
        The lines.
    """
    speed = 'cache existed'
    if built.rows_per_second:
        speed = f'{built.cache_seconds:.1f} s, {built.rows_per_second:,.0f} rows/s'
    first, warm = read.crops_per_second
    first_cpu, warm_cpu = read.crops_per_cpu_second
    kept = ', '.join(f'{name} {size:,}' for name, size in read.kept_bytes.items())
    times = ''
    if 'build_minutes' in calculated:
        times += f', built in {calculated["build_minutes"]:.1f} min'
    if 'epoch_minutes' in calculated:
        minutes = calculated['epoch_minutes']
        times += f', all read in {minutes:.1f} min if the cache is in memory'
    return [
        f'rows:    {built.rows:,}, table read in {built.table_seconds:.2f} s',
        f'build:   {speed}; cache {built.cache_bytes / 1e9:.2f} GB',
        f'  memory {_format_memory(built.start, built.end)}',
        f'reading: opened in {read.open_seconds:.2f} s; {read.num_batches:,} random '
        f'batches of {batch_size}, one thread',
        f'  first pass {first:,.0f} crops/s ({first_cpu:,.0f} per CPU second)',
        f'  warm pass  {warm:,.0f} crops/s ({warm_cpu:,.0f} per CPU second)',
        f'  memory {_format_memory(read.start, read.end)}',
        f'  kept by the data set: {read.kept_bytes_per_row:.1f} bytes per row ({kept})',
        f'{calculated["rows"]:,} rows (calculated, not run): cache '
        f'{calculated["cache_gb"]:.1f} GB, at most {calculated["kept_mb"]:.0f} MB '
        f'kept{times}',
    ]


def _format_memory(start: dict[str, float], end: dict[str, float]) -> str:
    own, files = (end[name] - start[name] for name in ('anon_mb', 'file_mb'))
    return (
        f'RssAnon {end["anon_mb"]:,.0f} MB ({own:+,.1f} since the imports), RssFile '
        f'{end["file_mb"]:,.0f} MB ({files:+,.1f}), peak {end["peak_mb"]:,.0f} MB'
    )


def _in_fresh_process(function: Callable, *args):
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *args).result()


def _choose_batches(
    num_images: int, batch_size: int, num_batches: int | None
) -> list[np.ndarray]:
    """Indices of random batches, without repetition unless there are too few images."""
    rng = np.random.default_rng(0)
    if num_batches is None:
        order = rng.permutation(num_images)
        return np.split(order, range(batch_size, num_images, batch_size))
    wanted = num_batches * batch_size
    rounds = [rng.permutation(num_images) for _ in range(-(-wanted // num_images))]
    return np.split(np.concatenate(rounds)[:wanted], num_batches)


def _read_batches(
    dataset: EyeParquet, batches: list[np.ndarray]
) -> tuple[float, float]:
    """Images per second by the clock and by the processor's time."""
    num_images = sum(map(len, batches))
    clock, processor = time.perf_counter(), time.process_time()
    for batch in batches:
        dataset.__getitems__(batch)
    return (
        num_images / (time.perf_counter() - clock),
        num_images / (time.process_time() - processor),
    )
