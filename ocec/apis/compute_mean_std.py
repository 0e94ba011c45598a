"""Mean and standard deviation of the pixels of a data set, for normalisation.

Shapes: B images in a chunk, H x W pixels, C channels, V pixel values.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ocec.apis.progress import track
from ocec.datasets.eye_parquet import EyeParquet
from ocec.engine.checkpoint_io import write_text_atomically
from ocec.functional.pixel_statistics import count_pixel_values, mean_std_of_counts
from ocec.functional.probability import CLOSED, OPEN

CHUNK = 4096
"""Images read at once."""


@dataclass(frozen=True)
class PixelStatistics:
    """Statistics of one file, or of all.

    Args:
        source: the file, or ``all``.
        num_closed: images of closed eyes.
        num_open: images of open eyes.
        mean: of red, green, blue, in pixel values [0, 255].
        std: of red, green, blue, in pixel values, of the population.
    """

    source: str
    num_closed: int
    num_open: int
    mean: list[float]
    std: list[float]


def compute_mean_std(
    files: Sequence[str | Path],
    *,
    split: str = 'train',
    image_size: Sequence[int] | str = (32, 64),
    groups: Sequence[str] = (),
    bad_rows: str = 'error',
    out: str | Path | None = None,
    chunk: int = CHUNK,
) -> list[PixelStatistics]:
    """Print mean and std of each file and of all together, ready for a config.

    All together is what the images of all files in one would give. The result does
    not depend on ``chunk``.

    Args:
        files: parquet files, folders or patterns, each a data set.
        split: ``train``, ``val`` or ``test``.
        image_size: (H, W) that the images are resized to, as in training.
        groups: only images of these groups (subjects, recordings); none takes all.
        bad_rows: ``error`` or ``skip``.
        out: JSON file for the same numbers.
        chunk: images read at once, >= 1.

    Returns:
        One for each file and, last, one for all.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: a file cannot be read, there are no images, or an argument is out
            of range.
    """
    if chunk < 1:
        raise ValueError(f'chunk must be >= 1, got {chunk}')
    datasets = [
        EyeParquet(str(file), split, image_size=image_size, bad_rows=bad_rows)
        for file in files
    ]
    _check_groups(datasets, groups)
    counts_FCV, labels_F2 = [], []
    for dataset in datasets:
        count_CV, label_counts = _count(dataset, set(groups), chunk)
        counts_FCV.append(count_CV)
        labels_F2.append(label_counts)
    statistics = [
        _statistics(str(file), count_CV, label_counts)
        for file, count_CV, label_counts in zip(
            files, counts_FCV, labels_F2, strict=True
        )
    ]
    statistics.append(_statistics('all', sum(counts_FCV), sum(labels_F2)))
    _print(statistics, datasets[0])
    if out is not None:
        _write(Path(out), statistics, datasets[0], groups)
    return statistics


def format_snippet(statistics: PixelStatistics) -> str:
    """Return the numbers as a line of a config.

    Args:
        statistics: the numbers.

    Returns:
        ``data_preprocessor=dict(mean=[...], std=[...])``, three decimals.

    Raises:
        ValueError: a std is 0, which nothing can be divided by.
    """
    if round(min(statistics.std), 3) == 0:
        raise ValueError(
            f'{statistics.source}: all pixels of a channel have one value, std is '
            f'{statistics.std}: nothing can be normalised with it'
        )
    mean, std = (
        ', '.join(f'{value:.3f}' for value in values)
        for values in (statistics.mean, statistics.std)
    )
    return f'data_preprocessor=dict(mean=[{mean}], std=[{std}])'


def _check_groups(datasets: Sequence[EyeParquet], groups: Sequence[str]) -> None:
    known = {name for dataset in datasets for name in dataset.table.group_names}
    if unknown := sorted(set(groups) - known):
        raise ValueError(
            f'no file has the groups {unknown}; groups there: {sorted(known)[:20]}'
        )


def _count(
    dataset: EyeParquet, groups: set[str], chunk: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pixel values (C, V) and labels (closed, open) of the wanted images."""
    names = dataset.table.group_names
    wanted_groups = [code for code, name in enumerate(names) if name in groups]
    starts = range(0, len(dataset), chunk)
    count_CV, label_counts = 0, np.zeros(2, np.int64)
    for start in track(starts, total=len(starts), what=f'chunks of {chunk:,} images'):
        rows = range(start, min(start + chunk, len(dataset)))
        batch = dataset.__getitems__(rows)
        images_BHWC = batch['inputs'].permute(0, 2, 3, 1).numpy()
        targets = batch['data_samples']
        label_B = targets.label_B.numpy()
        if groups:
            is_wanted_B = np.isin(targets.group_id_B.numpy(), wanted_groups)
            images_BHWC, label_B = images_BHWC[is_wanted_B], label_B[is_wanted_B]
        count_CV = count_CV + count_pixel_values(images_BHWC)
        label_counts += np.bincount(label_B, minlength=2)
    return count_CV, label_counts


def _statistics(source: str, count_CV, label_counts) -> PixelStatistics:
    if not label_counts.any():
        raise ValueError(f'{source}: no image of these groups in this split')
    mean, std = mean_std_of_counts(count_CV)
    return PixelStatistics(
        source=source,
        num_closed=int(label_counts[CLOSED]),
        num_open=int(label_counts[OPEN]),
        mean=mean,
        std=std,
    )


def _print(statistics: Sequence[PixelStatistics], dataset: EyeParquet) -> None:
    height, width = dataset.image_size
    shown = statistics if len(statistics) > 2 else statistics[:1]  # all is the file
    for item in shown:
        mean, std = (
            ', '.join(f'{value:.3f}' for value in values)
            for values in (item.mean, item.std)
        )
        print(
            f'{item.source}: {item.num_closed + item.num_open:,} images of split '
            f'{dataset.split} ({item.num_closed:,} closed, {item.num_open:,} open), '
            f'{height}x{width}\n  mean {mean}  std {std}  (R, G, B)'
        )
    print(format_snippet(statistics[-1]))


def _write(
    out: Path,
    statistics: Sequence[PixelStatistics],
    dataset: EyeParquet,
    groups: Sequence[str],
) -> None:
    content = {
        'split': dataset.split,
        'image_size': list(dataset.image_size),
        'groups': list(groups),
        'files': [asdict(item) for item in statistics[:-1]],
        'all': asdict(statistics[-1]),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text_atomically(json.dumps(content, indent=2) + '\n', out)
    print(f'written: {out}')
