"""The batches of a training: the same ones, whatever reads them and from where on."""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Iterator, Sequence
from typing import Any

from mmengine.dist import get_dist_info
from mmengine.logging import print_log
from torch.utils.data import DataLoader, Dataset, IterableDataset

from ocec.engine.random_numbers import drawing_from

# settings of a loader that are those of ours too
_TAKEN_OVER = (
    'num_workers',
    'collate_fn',
    'pin_memory',
    'timeout',
    'worker_init_fn',
    'multiprocessing_context',
    'generator',
    'prefetch_factor',
    'persistent_workers',
    'pin_memory_device',
)


class SeededIndices(list):
    """Indices of a batch, and the seed of what is drawn while it is read."""

    seed: tuple[int, ...]


class BatchOrder:
    """The batches of an epoch as indices, with a seed each.

    The seed holds epoch, rank and number of the batch, so that neither a resume nor
    the worker that happens to read the batch changes what is drawn.

    Args:
        batches: the loader's sampler of batches.
        seed: of the run, equal on all ranks.
    """

    def __init__(self, batches: Any, seed: int) -> None:
        self.batches = batches
        #: 1 where batches have sizes of their own: then they are counted
        self.batch_size = getattr(batches, 'batch_size', 1)
        self.seed = seed
        self.epoch = self.first = self.skipped = 0

    def __iter__(self) -> Iterator[SeededIndices]:
        """Yield the batches of this rank, from ``first`` on."""
        rank, _ = get_dist_info()
        left = itertools.islice(iter(self.batches), self.skipped, None)
        before: Sequence[int] = ()
        for number, indices in enumerate(left, self.first):
            if len(indices) == 1 < self.batch_size:
                # batch norm cannot train on one image; another one comes again
                indices = [*(before or indices)[-1:], *indices]
            before = indices
            batch = SeededIndices(indices)
            batch.seed = (self.seed, self.epoch, rank, number)
            yield batch


class SeededReader(Dataset):
    """Reads the batches of a dataset, each with random numbers of its own seed.

    Args:
        dataset: with ``__getitems__`` or ``__getitem__``.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        """Return the length of the dataset."""
        return len(self.dataset)

    def __getitems__(self, indices: SeededIndices) -> Any:
        """Read a batch.

        Args:
            indices: of a :class:`BatchOrder`.

        Returns:
            What the dataset returns, or a list of its samples.
        """
        read = getattr(self.dataset, '__getitems__', None)
        with drawing_from(indices.seed):
            return read(indices) if read else [self.dataset[i] for i in indices]


class TrainBatches:
    """Reads the epochs of a training in the way of its loader.

    Where nothing is drawn while data are read (``dataset.pipeline`` is None) nothing
    is seeded. A dataset that iterates by itself is read as it comes.

    Args:
        loader: of the training; it is not iterated over itself, but for a dataset
            that iterates by itself or has no batches.
        seed: of the run, equal on all ranks.
    """

    def __init__(self, loader: DataLoader, seed: int) -> None:
        self.loader = loader
        self._order: BatchOrder | None = None
        self._reader = loader
        if isinstance(loader.dataset, IterableDataset) or loader.batch_sampler is None:
            return
        self._order = BatchOrder(loader.batch_sampler, seed)
        is_plain = getattr(loader.dataset, 'pipeline', True) is None
        self._reader = DataLoader(
            loader.dataset if is_plain else SeededReader(loader.dataset),
            batch_sampler=self._order,
            **{name: getattr(loader, name) for name in _TAKEN_OVER},
        )

    @property
    def samples_of_a_step(self) -> int:
        """Samples that all ranks together see at a step."""
        return (self._order.batch_size if self._order else 1) * get_dist_info()[1]

    def first_of(self, seen: int, begun_with: int) -> int:
        """Return the number of the next batch of an epoch that was begun.

        Args:
            seen: samples that all ranks together have seen of the epoch, >= 0.
            begun_with: ranks that the epoch was begun with, >= 1.

        Returns:
            In [0, batches of an epoch]; its batches are the last ones of the epoch.
        """
        if seen == 0 or self._order is None:
            return 0
        num_batches = len(self.loader)
        _, world_size = get_dist_info()
        step = self.samples_of_a_step
        if begun_with == world_size and seen % step == 0:
            return min(seen // step, num_batches)
        if not self._tell_sampler(seen, begun_with):
            return min(math.ceil(seen / step), num_batches)
        num_left = sum(1 for _ in self.loader.batch_sampler)
        return max(num_batches - num_left, 0)

    def of_epoch(
        self, epoch: int, seen: int = 0, begun_with: int | None = None
    ) -> Iterator[tuple[int, Any]]:
        """Read what is left of an epoch.

        Args:
            epoch: epochs trained before, >= 0; the sampler knows it already.
            seen: samples that all ranks together have seen of it, >= 0.
            begun_with: ranks that it was begun with; those of now if not given.

        Returns:
            Pairs of a number in the epoch and a batch.
        """
        _, world_size = get_dist_info()
        begun_with = begun_with or world_size
        first = self.first_of(seen, begun_with)
        if self._order is not None:
            is_told = self._tell_sampler(seen, begun_with)
            self._order.epoch, self._order.first = epoch, first
            self._order.skipped = 0 if is_told else first
            if first and not is_told and begun_with != world_size:
                name = type(self.loader.sampler).__name__
                print_log(
                    f'{name} cannot divide the rest of an epoch over {world_size} '
                    f'ranks that {begun_with} have begun: some of its samples come '
                    'again and others not',
                    logger='current',
                    level=logging.WARNING,
                )
        return enumerate(self._reader, first)

    def _tell_sampler(self, seen: int, begun_with: int) -> bool:
        """Let the sampler begin there; False if it cannot."""
        sampler = getattr(self.loader.batch_sampler, 'sampler', None)
        if not hasattr(sampler, 'go_on'):
            return False
        sampler.go_on(seen, begun_with)
        return True
