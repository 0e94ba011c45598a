"""Samplers for data that are read onwards: neighbours in the files stay together."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence

import numpy as np
from mmengine.dist import all_gather_object, get_dist_info, sync_random_seed
from torch.utils.data import Dataset, Sampler

from ocec.datasets.shard_order import RankShare, ShuffledShards, rest_of_ranks
from ocec.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class ShardSampler(Sampler):
    """Divides files over the ranks and shuffles them, so that each reads few of them.

    In every epoch the files come in another order, their row groups in sequence; each
    rank gets a stretch of this line and shuffles within windows of it. Every sample
    comes once; where they do not come out even over the ranks, the first of the line
    are repeated, fewer than one per rank. The order depends on the seed, the epoch, the
    ranks, the batch size, and ``lanes`` and ``buffer_rows`` of the dataset; not on the
    workers.

    With a :class:`ShardBatchSampler` the workers of a rank share its stretch; without
    one each of them reads all of it.

    Args:
        dataset: :class:`ocec.datasets.EyeParquetStream`, or one like it: ``chunks``,
            ``first_index_C``, ``lanes`` and ``buffer_rows``.
        shuffle: shuffle anew in every epoch; else the order of the files.
        whole_files: shuffle files, and read their row groups in sequence; else shuffle
            the row groups of all files, which mixes better where files are sorted.
        seed: of the shuffling, equal on all ranks; by default a random one.

    Raises:
        ValueError: the dataset does not tell its chunks, or the ranks read different
            data.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        shuffle: bool = True,
        whole_files: bool = True,
        seed: int | None = None,
    ) -> None:
        if not hasattr(dataset, 'first_index_C'):
            raise ValueError(
                f'ShardSampler needs an EyeParquetStream, got a '
                f'{type(dataset).__name__}: use DefaultSampler'
            )
        self.dataset = dataset
        self.shuffle = shuffle
        self.whole_files = whole_files
        self.rank, self.world_size = get_dist_info()
        _check_same_data(all_gather_object(_describe(dataset)))
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        self.seen = 0
        self.begun_with = self.world_size

    def __iter__(self) -> Iterator[int]:
        """Yield the samples of this rank, or what is left of them."""
        for batch in self.batches(1, lanes=1):
            yield from batch

    def __len__(self) -> int:
        """Return the samples per epoch of one rank."""
        return math.ceil(len(self.dataset) / self.world_size)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch; mmengine calls this before each.

        Args:
            epoch: epochs trained before, >= 0.
        """
        self.epoch = epoch

    def go_on(self, seen: int, begun_with: int) -> None:
        """Begin the epoch where it was stopped.

        Args:
            seen: samples that all ranks together have seen of it, >= 0.
            begun_with: ranks that it was begun with, >= 1. Of another number than now:
                what they had left is divided anew.
        """
        self.seen = seen
        self.begun_with = begun_with

    def batches(
        self, batch_size: int, *, lanes: int, drop_last: bool = False
    ) -> Iterator[list[int]]:
        """Yield the batches that are left of the epoch.

        Args:
            batch_size: >= 1.
            lanes: >= 1.
            drop_last: leave a last batch of fewer samples out.

        Yields:
            numbers of samples.
        """
        settings = (batch_size, lanes, drop_last)
        shuffles = np.random.default_rng((self.seed, self.epoch))
        chunks = self.dataset.chunks
        line = ShuffledShards(
            self.dataset.first_index_C,
            chunks.file_C if self.whole_files else chunks.number_of_row_group_C,
            shuffles if self.shuffle else None,
        )
        first = self.seen // (batch_size * self.begun_with)
        if self.begun_with != self.world_size:
            shares = [
                self._share(line, rank, self.begun_with, *settings)
                for rank in range(self.begun_with)
            ]
            line, first = rest_of_ranks(shares, first), 0
        if len(line):
            share = self._share(line, self.rank, self.world_size, *settings)
            for batch in share.batches(first):
                yield batch.tolist()

    def _share(
        self,
        line,
        rank: int,
        ranks: int,
        batch_size: int,
        lanes: int,
        drop_last: bool,
    ) -> RankShare:
        return RankShare(
            line,
            rank,
            ranks,
            batch_size,
            lanes,
            window=max(self.dataset.buffer_rows // lanes, 1),
            seed=(self.seed, self.epoch) if self.shuffle else None,
            drop_last=drop_last,
        )


@DATA_SAMPLERS.register_module()
class ShardBatchSampler(Sampler):
    """Batches of a :class:`ShardSampler`, from its lanes by turns.

    Loaders hand batches to their workers by turns too, so a worker reads its own lanes
    only, if their number is a multiple of that of the workers.

    Args:
        sampler: the sampler.
        batch_size: >= 1.
        drop_last: leave a last batch of fewer samples out.

    Raises:
        ValueError: it is another sampler.
    """

    def __init__(
        self, sampler: Sampler, batch_size: int, drop_last: bool = False
    ) -> None:
        if not isinstance(sampler, ShardSampler):
            raise ValueError(
                'ShardBatchSampler needs sampler=dict(type="ShardSampler"), got a '
                f'{type(sampler).__name__}'
            )
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the batches of this rank, or what is left of them."""
        yield from self.sampler.batches(
            self.batch_size, lanes=self.sampler.dataset.lanes, drop_last=self.drop_last
        )

    def __len__(self) -> int:
        """Return the batches per epoch of one rank."""
        if self.drop_last:
            return len(self.sampler) // self.batch_size
        return math.ceil(len(self.sampler) / self.batch_size)


def _describe(dataset: Dataset) -> tuple[int, str, str]:
    """Images, a digest of where they lie, and the files of a dataset in words."""
    digest = hashlib.sha256(dataset.first_index_C.tobytes())
    digest.update(dataset.chunks.first_row_C.tobytes())
    files = dataset.chunks.files
    more = f' and {len(files) - 1} more' if len(files) > 1 else ''
    return len(dataset), digest.hexdigest(), f'{files[0]}{more}'


def _check_same_data(of_ranks: Sequence[tuple[int, str, str]]) -> None:
    """Refuse ranks that would wait for each other: their machines differ."""
    for rank, (num_images, digest, files) in enumerate(of_ranks):
        if digest != of_ranks[0][1]:
            raise ValueError(
                f'the ranks read different data: rank 0 has {of_ranks[0][0]:,} images '
                f'of {of_ranks[0][2]}, rank {rank} has {num_images:,} of {files}; '
                'every machine needs the same parquet files'
            )
