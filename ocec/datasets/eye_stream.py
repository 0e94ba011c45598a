"""Eye crops from parquet files that are larger than memory and than any cache.

Shapes: B images in a batch, H x W pixels, C chunks of rows.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.logging import print_log

from ocec.datasets.cache import INTERPOLATIONS
from ocec.datasets.eye_columns import open_eye_file
from ocec.datasets.eye_parquet import SHOWN_BAD_ROWS, EyeParquet
from ocec.datasets.eye_table import BadRow, find_parquet_files
from ocec.datasets.picture_decode import PictureError, decode_picture
from ocec.datasets.shard_chunks import ChunkTable, cut_into_chunks
from ocec.datasets.shard_reader import ShardReader
from ocec.registry import DATASETS

# places in the data where a batch is looked for that could not be read at all
MAX_PROBES = 8
# far from any number of rows of a file: neighbours are damaged too
PROBE_STEP = 2_654_435_761


@DATASETS.register_module()
class EyeParquetStream(EyeParquet):
    """:class:`EyeParquet` without a cache: pictures are decoded whenever they are read.

    Memory holds ``buffer_rows`` encoded pictures, and of each row of the files what
    :class:`EyeParquet` holds. Rows, splits, sample ids and pixels are those of
    :class:`EyeParquet`. It is meant to be read by a
    :class:`ocec.datasets.ShardSampler`; any other sampler works too, but reads whole
    row groups for single rows.

    A picture that cannot be decoded is found when its turn comes. With
    ``bad_rows='skip'`` another one of the batch takes its place, so that all ranks
    have as many; a warning says which. A file that is no parquet is left out then.

    Args:
        data: a parquet file, a folder of them, a glob pattern, or a list of those.
        split: ``train``, ``val`` or ``test``.
        image_size: (H, W) in pixels, or a text such as ``32x64``.
        buffer_rows: encoded pictures that one rank keeps to shuffle, of all lanes
            together, >= 1.
        lanes: stretches of the data that one rank reads at the same time, >= 1; a
            multiple of ``num_workers``, so that none is read by two workers.
        split_ratios: as in :class:`EyeParquet`.
        split_seed: as in :class:`EyeParquet`.
        fold: as in :class:`EyeParquet`.
        group_by: as in :class:`EyeParquet`.
        bad_rows: ``error``: stop at what cannot be used; ``skip``: replace it.
        interpolation: ``bilinear`` or ``area``, OpenCV's.
        allow_outside: as in :class:`EyeParquet`.

    Raises:
        FileNotFoundError: no file matches ``data``.
        ValueError: an argument, a column or a row is wrong, or no row is left; the
            message names file and row.
    """

    def __init__(
        self,
        data: str | Path | Sequence[str | Path],
        split: str,
        *,
        image_size: Sequence[int] | str,
        buffer_rows: int = 16_384,
        lanes: int = 4,
        split_ratios: Mapping[str, float] | None = None,
        split_seed: int = 42,
        fold: Sequence[int] | None = None,
        group_by: str | None = 'group',
        bad_rows: str = 'error',
        interpolation: str = 'bilinear',
        allow_outside: bool = False,
    ) -> None:
        for name, number in (('buffer_rows', buffer_rows), ('lanes', lanes)):
            if number < 1:
                raise ValueError(f'{name} must be >= 1, got {number}')
        if buffer_rows < lanes:
            raise ValueError(
                f'buffer_rows={buffer_rows} is divided over lanes={lanes}: choose more'
            )
        if interpolation not in INTERPOLATIONS:
            raise ValueError(
                f'interpolation must be one of {sorted(INTERPOLATIONS)}, '
                f'got {interpolation!r}'
            )
        self.buffer_rows = buffer_rows
        self.lanes = lanes
        self._skips = bad_rows == 'skip'
        self._num_replaced = 0
        files = find_parquet_files(data)
        if self._skips:
            files = _readable(files)
        super().__init__(
            list(files),
            split,
            image_size=image_size,
            split_ratios=split_ratios,
            split_seed=split_seed,
            fold=fold,
            group_by=group_by,
            bad_rows=bad_rows,
            interpolation=interpolation,
            allow_outside=allow_outside,
        )
        self._reader = ShardReader(
            cut_into_chunks(self.table.files),
            self.rows,
            window=max(buffer_rows // lanes, 1),
            lanes=lanes,
            allow_outside=allow_outside,
        )
        _log(
            f'{split}: streamed from {len(self.chunks.files):,} files with '
            f'{self.chunks.num_row_groups:,} row groups, {buffer_rows:,} pictures '
            f'shuffled in {lanes} lanes'
        )

    @property
    def chunks(self) -> ChunkTable:
        """Where the rows of the files lie."""
        return self._reader.table

    @property
    def first_index_C(self) -> np.ndarray:  # noqa: N802  a shape suffix
        """Number of the first image of each chunk, then of all: (C + 1,) int64."""
        return self._reader.first_index_C

    def pixel_digests(self) -> None:
        """Return None: all pictures would have to be decoded."""

    def __getitems__(self, indices: Sequence[int]) -> dict:
        """Read and decode a batch.

        Args:
            indices: B numbers in [0, len(self)).

        Returns:
            As :meth:`EyeParquet.__getitems__`.

        Raises:
            ValueError: a picture cannot be used; the message names file and row.
        """
        index_B = np.asarray(indices, np.int64) % len(self)
        images_BHWC, problems = self._decode(index_B)
        if problems:
            self._handle_problems(index_B, problems)
            images_BHWC, index_B = self._replace(images_BHWC, index_B, problems)
        inputs_BCHW = torch.from_numpy(images_BHWC).permute(0, 3, 1, 2)
        rows_B = self.rows[index_B].astype(np.int64)
        return {'inputs': inputs_BCHW, 'data_samples': self._targets(rows_B)}

    def _open_pictures(
        self,
        pipeline: Sequence[dict | Callable] | None,
        interpolation: str,
        cache_dir: str | Path | None,
        allow_outside: bool,
    ) -> tuple[Path | None, Mapping[int, BadRow]]:
        """Nothing to prepare: what is wrong with pictures shows when they are read."""
        self.pipeline = None
        self._interpolation = INTERPOLATIONS[interpolation]
        return None, {}

    def _decode(self, index_B: np.ndarray) -> tuple[np.ndarray, dict[int, str]]:
        """Decode pictures; what is wrong with some is told by their place."""
        height, width = self.image_size
        images_BHWC = np.zeros((len(index_B), height, width, 3), np.uint8)
        problems = {}
        for place, encoded in enumerate(self._reader.read(index_B)):
            try:
                if isinstance(encoded, PictureError):
                    raise encoded
                image = decode_picture(encoded)
            except PictureError as error:
                problems[place] = str(error)
                continue
            image = cv2.resize(
                image, (width, height), interpolation=self._interpolation
            )
            cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=images_BHWC[place])
        return images_BHWC, problems

    def _handle_problems(
        self, index_B: np.ndarray, problems: Mapping[int, str]
    ) -> None:
        """Stop, or say what is replaced; of many only the first few."""
        bad = [
            BadRow(*self.table.locate(int(self.rows[index_B[place]])), problem)
            for place, problem in problems.items()
        ]
        if not self._skips:
            raise ValueError(f"{bad[0]}. Mend it, or replace it with bad_rows='skip'")
        shown = bad[: max(SHOWN_BAD_ROWS - self._num_replaced, 0)]
        self._num_replaced += len(bad)
        for row in shown:
            _log(f'{row}; another picture takes its place', logging.WARNING)
        if shown and self._num_replaced >= SHOWN_BAD_ROWS:
            _log('further pictures are replaced without a word', logging.WARNING)

    def _replace(
        self,
        images_BHWC: np.ndarray,
        index_B: np.ndarray,
        problems: Mapping[int, str],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Fill bad places by turns with the good ones; of a bad batch, from elsewhere.

        Where depends on the batch alone: a resumed run finds the same.
        """
        first, probe = int(index_B[0]), 0
        while len(problems) == len(index_B):
            probe += 1
            if probe > MAX_PROBES:
                file, row = self.table.locate(int(self.rows[first]))
                raise ValueError(
                    f'{file}, row {row}: no picture can be used here, nor in '
                    f'{MAX_PROBES} other places of the data'
                )
            begin = (first + probe * PROBE_STEP) % len(self)
            index_B = (begin + np.arange(len(index_B))) % len(self)
            images_BHWC, problems = self._decode(index_B)
        good = np.setdiff1d(np.arange(len(index_B)), list(problems))
        source_B = np.arange(len(index_B))
        source_B[list(problems)] = np.resize(good, len(problems))
        return images_BHWC[source_B], index_B[source_B]


def _readable(files: Sequence[Path]) -> list[Path]:
    """Leave out files that are no parquet, with a warning for each."""
    good, problems = [], []
    for file in files:
        try:
            open_eye_file(file)
        except ValueError as error:
            problems.append(error)
            _log(f'left out: {error}', logging.WARNING)
        else:
            good.append(file)
    if not good:
        raise ValueError(f'none of the {len(files):,} files can be read: {problems[0]}')
    return good


def _log(message: str, level: int = logging.INFO) -> None:
    print_log(message, logger='current', level=level)
