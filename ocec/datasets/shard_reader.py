"""Encoded pictures by number, from parquet files that are larger than memory.

Shapes: N samples, C chunks, B samples of a batch, K of them of one chunk.
"""

from __future__ import annotations

import math
import os
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from torch.utils.data import get_worker_info

from ocec.datasets.eye_columns import open_piecewise
from ocec.datasets.picture_decode import PictureError
from ocec.datasets.picture_file import read_encoded
from ocec.datasets.shard_chunks import ROWS_PER_CHUNK, ChunkTable


@dataclass
class _Cursor:
    """A row group that is being read; ``place`` is the chunk that comes next."""

    batches: Iterator[pa.RecordBatch]
    place: int = 0


@dataclass
class _Kept:
    """What one process has read: it must not get into another one."""

    process: int
    max_samples: int
    max_cursors: int
    chunks: OrderedDict[int, pa.RecordBatch] = field(default_factory=OrderedDict)
    num_samples: int = 0
    cursors: OrderedDict[tuple[int, int], _Cursor] = field(default_factory=OrderedDict)
    # by row group: first chunk that cannot be read, and why
    damaged: dict[tuple[int, int], tuple[int, str]] = field(default_factory=dict)


class ShardReader:
    """Reads samples in any order; fast where those asked for together lie together.

    Row groups are read from their beginning, chunk by chunk, and the samples of the
    chunks that were asked for last are kept, as encoded pictures. So a window of
    neighbours is read once in any order, and one that moves on over a file reads it
    once.

    Args:
        table: the chunks, of ``ROWS_PER_CHUNK`` rows at most.
        row_N: (N,) rising number of the row of each sample.
        window: samples of a lane that are asked for in any order, >= 1.
        lanes: of all workers together, >= 1; each asks for a window of its own.
        allow_outside: also read pictures outside the folder of their parquet file.
    """

    def __init__(
        self,
        table: ChunkTable,
        row_N: np.ndarray,
        *,
        window: int,
        lanes: int = 1,
        allow_outside: bool = False,
    ) -> None:
        self.table = table
        self.row_N = row_N
        #: (C + 1,) int64, number of the first sample of each chunk, then N
        self.first_index_C = np.searchsorted(row_N, table.first_row_C)
        self.window = window
        self.lanes = lanes
        self.allow_outside = allow_outside
        self._kept: _Kept | None = None
        #: chunks read so far; more than there are where some were read twice
        self.num_reads = 0

    def __getstate__(self) -> dict:
        """Leave out what belongs to this process: open files."""
        return {**vars(self), '_kept': None}

    def read(self, index_B: Sequence[int]) -> list[np.ndarray | PictureError]:
        """Read encoded pictures.

        Args:
            index_B: B numbers of samples in [0, N).

        Returns:
            Of each (n,) uint8, or why there is none.
        """
        index_B = np.asarray(index_B, np.int64)
        chunk_B = np.searchsorted(self.first_index_C, index_B, side='right') - 1
        found: list[np.ndarray | PictureError] = [PictureError('not read')] * len(
            index_B
        )
        for chunk in np.unique(chunk_B).tolist():  # rising: files are read onwards
            places = np.flatnonzero(chunk_B == chunk)
            for place, picture in zip(
                places.tolist(), self._pictures(chunk, index_B[places]), strict=True
            ):
                found[place] = picture
        return found

    def _pictures(
        self, chunk: int, index_K: np.ndarray
    ) -> Iterable[np.ndarray | PictureError]:
        try:
            batch = self._chunk(chunk)
        except PictureError as error:
            return [error] * len(index_K)
        wanted = batch.take(pa.array(index_K - self.first_index_C[chunk]))
        file = self.table.files[self.table.file_C[chunk]]
        return read_encoded(wanted, file, self.allow_outside)

    def _of_process(self) -> _Kept:
        """Return what this process keeps; a forked one begins with nothing."""
        if self._kept is None or self._kept.process != os.getpid():
            worker = get_worker_info()
            num_workers = 1 if worker is None else worker.num_workers
            # lanes whose batches a worker gets, when they are dealt out by turns
            lanes = self.lanes // math.gcd(self.lanes, num_workers)
            # two more: the ends of a window lie within chunks
            limit = lanes * (self.window + 2 * ROWS_PER_CHUNK)
            self._kept = _Kept(os.getpid(), limit, max_cursors=lanes + 1)
        return self._kept

    def _chunk(self, chunk: int) -> pa.RecordBatch:
        """Return a chunk, from memory or from its file."""
        kept = self._of_process()
        if chunk in kept.chunks:
            kept.chunks.move_to_end(chunk)
            return kept.chunks[chunk]
        place = int(self.table.place_C[chunk])
        group = int(self.table.file_C[chunk]), int(self.table.row_group_C[chunk])
        first_damaged, problem = kept.damaged.get(group, (place + 1, ''))
        if place >= first_damaged:
            raise PictureError(problem)
        cursor = kept.cursors.pop(group, None)
        if cursor is None or cursor.place > place:
            cursor = self._open(group)
        batch = None
        while cursor.place <= place:
            batch = self._next(group, chunk - place + cursor.place, cursor)
        kept.cursors[group] = cursor
        while len(kept.cursors) > kept.max_cursors:
            kept.cursors.popitem(last=False)
        assert batch is not None  # the loop has run at least once
        return batch

    def _open(self, group: tuple[int, int]) -> _Cursor:
        file, row_group = group
        try:
            parquet = open_piecewise(self.table.files[file])
        except (pa.ArrowException, OSError) as error:
            raise self._damage(group, 0, str(error)) from error
        wanted = {'image_bytes', 'image_path'} & set(parquet.schema_arrow.names)
        # no threads: those of a parent do not live on in a forked worker
        return _Cursor(
            parquet.iter_batches(
                ROWS_PER_CHUNK,
                row_groups=[row_group],
                columns=sorted(wanted),
                use_threads=False,
            )
        )

    def _next(
        self, group: tuple[int, int], chunk: int, cursor: _Cursor
    ) -> pa.RecordBatch:
        """Read the next chunk of a row group and keep it."""
        expected = int(np.diff(self.table.first_row_C[chunk : chunk + 2])[0])
        try:
            batch = next(cursor.batches)
        except StopIteration:
            raise self._damage(group, cursor.place, 'its rows are missing') from None
        except (pa.ArrowException, OSError) as error:
            raise self._damage(group, cursor.place, str(error)) from error
        if batch.num_rows != expected:
            text = f'{batch.num_rows:,} rows in place of {expected:,}'
            raise self._damage(group, cursor.place, text)
        cursor.place += 1
        self.num_reads += 1
        return self._keep(chunk, batch)

    def _keep(self, chunk: int, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Keep the samples of a chunk; what was asked for longest ago is dropped."""
        begin, end = self.first_index_C[chunk : chunk + 2].tolist()
        if end - begin < batch.num_rows:
            in_chunk = self.row_N[begin:end] - self.table.first_row_C[chunk]
            batch = batch.take(pa.array(in_chunk))
        kept = self._of_process()
        if chunk not in kept.chunks:
            kept.num_samples += batch.num_rows
        kept.chunks[chunk] = batch
        kept.chunks.move_to_end(chunk)
        while kept.num_samples > kept.max_samples and len(kept.chunks) > 1:
            _, dropped = kept.chunks.popitem(last=False)
            kept.num_samples -= dropped.num_rows
        return batch

    def _damage(self, group: tuple[int, int], place: int, text: str) -> PictureError:
        """Note that a row group cannot be read any further."""
        problem = (
            f'row group {group[1]} is damaged from its row {place * ROWS_PER_CHUNK:,} '
            f'on: {text}'
        )
        self._of_process().damaged[group] = place, problem
        return PictureError(problem)
