"""What every contender of the benchmark shares: data, config, device, clocks."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from mmengine.config import Config
from mmengine.hooks import Hook

from ocec.apis.run_config import load_run_config
from ocec.datasets.eye_parquet import EyeParquet
from ocec.datasets.eye_table import SPLITS, find_parquet_files, read_eye_table
from ocec.datasets.picture_reader import PictureReader
from ocec.engine.runner import Runner
from ocec.functional.probability import CLASS_NAMES

#: workers of loaders that decode picture by picture
WORKERS = {'cpu': 2, 'cuda': 8}
_CLEAR_REFS = Path('/proc/self/clear_refs')
_STATUS = Path('/proc/self/status')
_CPU_INFO = Path('/proc/cpuinfo')


@dataclass(frozen=True)
class BenchmarkSetup:
    """What a measuring process is told.

    Args:
        config: config file of the training.
        data: parquet file that all contenders read.
        pictures: folder with the same pictures as files, ``train/open/12.png``.
        work_dir: folder for runs, emptied by whoever made it.
        cfg_options: ``KEY=VALUE`` texts.
        device: ``cpu`` or ``cuda``.
        threads: of torch in the measuring process, >= 1.
        epochs: that are timed, after one that is not; >= 1.
    """

    config: str
    data: str
    pictures: str
    work_dir: str
    cfg_options: tuple[str, ...] = ()
    device: str = 'cpu'
    threads: int = 2
    epochs: int = 2

    def load_config(self) -> Config:
        """Return the config that runs, on the data of the benchmark."""
        options = [*self.cfg_options]
        return load_run_config(
            self.config, work_dir=self.work_dir, cfg_options=options, data=self.data
        )

    def synchronize(self) -> None:
        """Wait until the device has done what it was told."""
        if self.device == 'cuda':
            torch.cuda.synchronize()


class EpochClock(Hook):
    """Note when epochs begin and end."""

    priority = 'VERY_HIGH'

    def __init__(self, synchronize: Callable[[], None]) -> None:
        self.synchronize = synchronize
        self.starts: list[float] = []

    def before_train_epoch(self, runner: Runner) -> None:
        """Note the time.

        Args:
            runner: the runner.
        """
        self._note()

    def after_train(self, runner: Runner) -> None:
        """Note the time.

        Args:
            runner: the runner.
        """
        self._note()

    def _note(self) -> None:
        self.synchronize()
        self.starts.append(time.perf_counter())

    def seconds(self) -> list[float]:
        """Return the length of every epoch but the first, with what follows it."""
        return np.diff(self.starts)[1:].tolist()


def write_subset(
    data: str | Path | Sequence[str], num_train: int, num_val: int, out: Path
) -> None:
    """Write evenly spaced usable rows of the splits into one parquet file.

    Splits get the names that the toolbox uses, ``val`` for ``validation``.

    Args:
        data: a parquet file, a folder of them, a pattern, or a list of those.
        num_train: rows of the train split, at most.
        num_val: rows of the val split, at most.
        out: file to write.

    Raises:
        FileNotFoundError: no file matches ``data``.
        ValueError: a split has no rows, or pictures are not embedded.
    """
    columns = ['label', 'class_id', 'group', 'image_path', 'image_bytes']
    files = find_parquet_files(data)
    tables = []
    for file in files:
        names = pq.read_schema(file).names
        if 'split' not in names or 'image_bytes' not in names:
            raise ValueError(
                f'{file}: the benchmark needs the columns "split" and "image_bytes"'
            )
        tables.append(pq.read_table(file, columns=[c for c in columns if c in names]))
    eyes = read_eye_table(files)
    split_N = eyes.split_N.copy()
    split_N[[row for row, _ in eyes.bad_rows]] = -1
    chosen, names = [], []
    for split, number in (('train', num_train), ('val', num_val)):
        rows = np.flatnonzero(split_N == SPLITS.index(split))
        if not len(rows):
            raise ValueError(f'{data}: split "{split}" has no usable rows')
        places = np.linspace(0, len(rows) - 1, min(number, len(rows))).astype(int)
        chosen.append(rows[places])
        names += [split] * len(places)
    table = pa.concat_tables(tables, promote_options='permissive')
    table = table.take(np.concatenate(chosen))
    if num_absent := table.column('image_bytes').null_count:
        raise ValueError(
            f'{data}: {num_absent:,} of {len(table):,} rows have no image_bytes; the '
            'benchmark needs embedded pictures'
        )
    pq.write_table(table.append_column('split', pa.array(names)), out)


def write_pictures(data: Path, folder: Path) -> None:
    """Write the pictures of a parquet file as files, for loaders of others.

    Args:
        data: parquet file with embedded pictures.
        folder: ``split/label/row.png`` (or jpg) are written there.
    """
    for split in ('train', 'val'):
        dataset = EyeParquet(data, split, image_size=(8, 8), pipeline=[])
        reader = PictureReader(dataset.table)
        for row, label in zip(dataset.rows, dataset.labels, strict=True):
            encoded = reader.read_encoded(int(row))
            suffix = 'png' if encoded[1:4].tobytes() == b'PNG' else 'jpg'
            path = folder / split / CLASS_NAMES[label] / f'{row}.{suffix}'
            path.parent.mkdir(parents=True, exist_ok=True)
            encoded.tofile(path)


def build_runner(
    setup: BenchmarkSetup, *, epochs: int, validate: bool, distributed: bool = False
) -> Runner:
    """Build the toolbox's own run.

    Args:
        setup: of the benchmark.
        epochs: to train.
        validate: keep validation.
        distributed: as one of several ranks, told by the environment.

    Returns:
        The runner, not started.
    """
    cfg = setup.load_config()
    cfg.train_cfg.max_epochs = epochs
    cfg.launcher = 'pytorch' if distributed else 'none'
    if not validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        cfg.default_hooks.checkpoint.save_best = None
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    return Runner.from_cfg(cfg)


def reset_peak_memory() -> bool:
    """Let the peak of this process' memory begin anew.

    Returns:
        Whether it did; False on anything but Linux, and where that is forbidden.
    """
    try:
        _CLEAR_REFS.write_text('5')
    except OSError:
        return False
    return True


def peak_memory_mb() -> float | None:
    """Return the highest memory of this process since the last reset, in MB.

    Returns:
        None where the system does not tell.
    """
    lines = _STATUS.read_text().splitlines() if _STATUS.exists() else []
    peaks = [line for line in lines if line.startswith('VmHWM:')]
    return int(peaks[0].split()[1]) / 1024 if peaks else None


def count_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def describe_machine(device: str) -> dict[str, str | int]:
    """Say what the figures were measured on.

    Args:
        device: ``cpu`` or ``cuda``.

    Returns:
        name to value.
    """
    found = {
        'processor': _processor(),
        'cores': count_cores(),
        'cpu capability': torch.backends.cpu.get_cpu_capability(),
        'load (1 min) at the start': round(os.getloadavg()[0], 2),
        'platform': platform.platform(),
        'python': platform.python_version(),
        'torch': torch.__version__,
        'date': time.strftime('%Y-%m-%d'),
    }
    if device == 'cuda':
        found['gpu'] = torch.cuda.get_device_name()
    return found


def _processor() -> str:
    names = _CPU_INFO.read_text().splitlines() if _CPU_INFO.exists() else []
    names = [line.split(':')[1].strip() for line in names if 'model name' in line]
    return names[0] if names else platform.processor() or platform.machine()
