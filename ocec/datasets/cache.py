"""Pictures decoded and resized once, into one uint8 array in a file.

A cache is a folder: ``images.npy`` (N, H, W, 3) RGB, ``manifest.json`` and, if some
rows cannot be used, ``bad_rows.csv``, which lists those with bad columns too. Its name
holds a fingerprint of the sources, the size, the interpolation and the format version,
so a stale cache is never opened. Ranks and data workers share the pages that the system
keeps of it. Building holds a few batches in memory, however many rows there are.
"""

from __future__ import annotations

import contextlib
import csv
import fcntl
import hashlib
import io
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from ocec.datasets.eye_columns import open_piecewise, stream_image_paths
from ocec.datasets.eye_table import BadRow, EyeTable
from ocec.datasets.image_file import image_writer
from ocec.datasets.picture_decode import PictureError, decode_picture
from ocec.datasets.picture_file import (
    picture_path,
    read_encoded,
    stream_encoded,
)
from ocec.functional import file_ops
from ocec.functional.parquet_limits import touch_column

FORMAT_VERSION = 2
OTHER_FOLDER = (
    'Choose another disk with the environment variable OCEC_CACHE_DIR or the dataset '
    'argument cache_dir'
)
INTERPOLATIONS = {'bilinear': cv2.INTER_LINEAR, 'area': cv2.INTER_AREA}
# one task of a decoding thread: long enough to hide its overhead, short enough
# for an even load at the end
ROWS_PER_TASK = 256


@dataclass(frozen=True)
class DecodedCache:
    """An opened cache.

    Args:
        folder: where it lies.
        images_NHWC: (N, H, W, 3) uint8 RGB, read-only and memory-mapped; rows that
            could not be read are black.
        bad_rows: (row, reason) of those rows.
    """

    folder: Path
    images_NHWC: np.ndarray
    bad_rows: tuple[tuple[int, BadRow], ...]


def default_cache_root() -> Path:
    """Folder of all caches: ``$OCEC_CACHE_DIR``, else ``ocec`` in the user's cache."""
    if root := os.environ.get('OCEC_CACHE_DIR'):
        return Path(root).expanduser()
    base = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    return Path(base).expanduser() / 'ocec'


def open_decoded_cache(
    table: EyeTable,
    image_size: tuple[int, int],
    *,
    interpolation: str = 'bilinear',
    root: Path | None = None,
    allow_outside: bool = False,
    log: Callable[[str], None] = print,
) -> DecodedCache:
    """Open the cache of a table, building it first where it does not exist.

    When several processes ask at once, one builds and the others wait.

    Args:
        table: rows to decode, all of them, whatever their split.
        image_size: (H, W) in pixels; the aspect ratio is not kept.
        interpolation: ``bilinear`` or ``area``, OpenCV's.
        root: folder of all caches; ``default_cache_root()`` if not given.
        allow_outside: also read pictures outside the folder of their parquet file.
        log: gets one line on what was done.

    Returns:
        The cache, opened read-only.

    Raises:
        ValueError: unknown interpolation, or a parquet file is damaged.
        OSError: the disk is too small for the cache, or the folder not writable.
    """
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f'interpolation must be one of {sorted(INTERPOLATIONS)}, '
            f'got {interpolation!r}'
        )
    root = default_cache_root() if root is None else Path(root)
    height, width = image_size
    name = f'{_fingerprint(table)}-{height}x{width}-{interpolation}-v{FORMAT_VERSION}'
    if allow_outside:  # has pictures that the other one lists as bad rows
        name += '-outside'
    folder = root / name
    if not (folder / 'manifest.json').exists():
        with _advice_if_unwritable(root):
            root.mkdir(parents=True, exist_ok=True)
        with _locked(root / f'{name}.lock'):
            if not (folder / 'manifest.json').exists():  # another rank was faster
                _build(table, image_size, interpolation, folder, allow_outside, log)
    manifest = json.loads((folder / 'manifest.json').read_text())
    return DecodedCache(
        folder=folder,
        images_NHWC=np.load(folder / 'images.npy', mmap_mode='r'),
        bad_rows=tuple((row, BadRow(*rest)) for row, *rest in manifest['bad_rows']),
    )


def footer_sha256(file: Path) -> str:
    """Hash the end of a parquet file: its schema, row counts and statistics.

    Args:
        file: the parquet file.

    Returns:
        SHA-256 of its last 64 KiB, hexadecimal.
    """
    with open(file, 'rb') as stream:
        stream.seek(-min(file.stat().st_size, 65536), os.SEEK_END)
        return hashlib.sha256(stream.read()).hexdigest()


def _fingerprint(table: EyeTable) -> str:
    """Identify the sources: parquet footers, sizes and times, and picture files."""
    digest = hashlib.sha256()
    for file in table.files:
        stat = file.stat()
        digest.update(f'{file.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|'.encode())
        digest.update(footer_sha256(file).encode())
        if not _all_embedded(file):
            _digest_pictures(file, digest)
    return digest.hexdigest()[:20]


def _all_embedded(file: Path) -> bool:
    """Whether every row of a file carries its picture, by the file's statistics."""
    parquet = open_piecewise(file)
    metadata = parquet.metadata
    names = metadata.schema.names
    if 'image_bytes' not in names:
        return False
    column = names.index('image_bytes')
    for group in range(metadata.num_row_groups):
        try:
            touch_column(parquet, group, 'image_bytes')
        except (pa.ArrowException, OSError):
            return False  # which row it is, is told when it is decoded
        statistics = metadata.row_group(group).column(column).statistics
        if statistics is None or statistics.null_count != 0:
            return False
    return True


def _digest_pictures(file: Path, digest) -> None:
    """Add the size and time of each picture file, so that an edited one is seen."""
    paths = (path for batch in stream_image_paths(file) for path in batch.to_pylist())
    for path in paths:
        with contextlib.suppress(OSError):  # missing ones are reported when decoding
            stat = os.stat(picture_path(file, path)) if path else None
            digest.update(
                f'{path}|{stat and (stat.st_size, stat.st_mtime_ns)}'.encode()
            )


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock; the system frees it when its holder dies."""
    with _advice_if_unwritable(path.parent):
        path.touch()
    with open(path, 'w') as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(stream, fcntl.LOCK_UN)


def _build(table, image_size, interpolation, folder: Path, allow_outside, log) -> None:
    """Decode into a temporary folder and rename it: readers see all or nothing."""
    start = time.perf_counter()
    building = folder.with_name(f'.{folder.name}.{os.getpid()}.tmp')
    _remove_leftovers(folder)
    shape_NHWC = (len(table), *image_size, 3)
    needed = math.prod(shape_NHWC)
    _check_space(folder.parent, needed)
    with _advice_if_unwritable(folder.parent):
        building.mkdir()
    try:
        with _advice_if_full(folder.parent, needed):
            with image_writer(building / 'images.npy', shape_NHWC) as write:
                bad_rows = _decode_all(
                    table, write, image_size, interpolation, allow_outside
                )
            listed = [*table.bad_rows, *table.bad_split_rows, *bad_rows]
            if listed:
                _write_bad_rows(building / 'bad_rows.csv', listed)
            manifest = {
                'version': FORMAT_VERSION,
                'files': [str(file) for file in table.files],
                'rows': len(table),
                'image_size': list(image_size),
                'interpolation': interpolation,
                'bad_rows': [(r, b.file, b.row, b.problem) for r, b in bad_rows],
            }
            # with the names of the other files, before the folder can be found
            content = json.dumps(manifest).encode()
            file_ops.replace_file(building / 'manifest.json', content)
            file_ops.rename(building, folder)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    seconds = time.perf_counter() - start
    log(
        f'decoded {len(table):,} images to {image_size[0]}x{image_size[1]} in '
        f'{seconds:.1f} s ({len(table) / seconds:,.0f} per second), cache: {folder}'
    )


@contextlib.contextmanager
def _advice_if_full(root: Path, needed: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in file_ops.DISK_FULL:
            raise
        raise OSError(
            f'{root}: the decoded cache needs {needed / 1e9:.1f} GB '
            f'({error.strerror}). {OTHER_FOLDER}'
        ) from error


@contextlib.contextmanager
def _advice_if_unwritable(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OSError(
            f'{root}: the folder of decoded caches cannot be made or written to '
            f'({error.strerror}). {OTHER_FOLDER}'
        ) from error


def _remove_leftovers(folder: Path) -> None:
    """Remove what a killed builder left; the lock is held, so nobody builds now."""
    # the folder itself is here only if it lost its manifest
    for leftover in (folder, *folder.parent.glob(f'.{folder.name}.*.tmp')):
        shutil.rmtree(leftover, ignore_errors=True)


def _check_space(root: Path, needed: int) -> None:
    free = shutil.disk_usage(root).free
    if needed > free:
        raise OSError(
            f'{root}: the decoded cache needs {needed / 1e9:.1f} GB, {free / 1e9:.1f} '
            f'GB are free. {OTHER_FOLDER}'
        )


def _write_bad_rows(path: Path, bad_rows) -> None:
    stream = io.StringIO(newline='')
    writer = csv.writer(stream)
    writer.writerow(['file', 'row', 'problem'])
    by_row = sorted(bad_rows, key=lambda row_and_problem: row_and_problem[0])
    writer.writerows((b.file, b.row, b.problem) for _, b in by_row)
    file_ops.replace_file(path, stream.getvalue().encode(), sync_name=False)


def _decode_all(
    table: EyeTable,
    write: Callable[[int, np.ndarray], None],
    image_size: tuple[int, int],
    interpolation: str,
    allow_outside: bool,
):
    """Fill the file on all cores (OpenCV releases the GIL); return the bad rows."""
    bad_rows: list[tuple[int, BadRow]] = []
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    num_threads = len(os.sched_getaffinity(0))
    with (
        ThreadPoolExecutor(num_threads) as pool,
        Progress('decoding images', *columns, transient=True) as progress,
    ):
        bar = progress.add_task('', total=len(table))
        pending = []
        for first_row, batch, file in stream_encoded(table, ROWS_PER_TASK):
            pending.append(
                pool.submit(
                    _decode_batch,
                    batch,
                    file,
                    table,
                    first_row,
                    write,
                    image_size,
                    INTERPOLATIONS[interpolation],
                    allow_outside,
                )
            )
            # bounded: a reader that is faster than the decoders must not fill memory
            while len(pending) > 4 * num_threads:
                bad_rows += pending.pop(0).result()
                progress.advance(bar, ROWS_PER_TASK)
        for task in pending:
            bad_rows += task.result()
            progress.advance(bar, ROWS_PER_TASK)
    return bad_rows


def _decode_batch(
    batch, file, table, first_row, write, image_size, interpolation, allow_outside
):
    height, width = image_size
    images_BHWC = np.zeros((batch.num_rows, height, width, 3), np.uint8)
    bad_rows = []
    for offset, encoded in enumerate(read_encoded(batch, file, allow_outside)):
        row = first_row + offset
        try:
            if isinstance(encoded, PictureError):
                raise encoded
            image = decode_picture(encoded)
        except PictureError as error:
            bad_rows.append((row, BadRow(*table.locate(row), str(error))))
            continue
        image = cv2.resize(image, (width, height), interpolation=interpolation)
        cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=images_BHWC[offset])
    write(first_row, images_BHWC)
    return bad_rows
