"""The order in which files that are larger than memory are read in an epoch.

An epoch is one line of samples: files or row groups shuffled, their rows in sequence.
Each rank has a stretch of it, each lane of a rank a stretch of that, and the batches of
a rank come from its lanes by turns. Within a lane the samples are shuffled in windows.
All follows from numbers: any batch can be computed without those before it.

Shapes: N samples of an epoch, C chunks, L lanes, B samples of a batch, W of a window.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


class ShuffledShards:
    """The samples of an epoch in line: files shuffled, their chunks in sequence.

    Args:
        first_index_C: (C + 1,) number of the first sample of each chunk, then N.
        unit_C: (C,) number of what is shuffled, a file or a row group, in which each
            chunk lies.
        rng: shuffles; None leaves the order as it is.
    """

    def __init__(
        self,
        first_index_C: np.ndarray,
        unit_C: np.ndarray,
        rng: np.random.Generator | None = None,
    ) -> None:
        order_C = np.arange(len(unit_C))
        if rng is not None and len(unit_C):
            rank_of_unit = rng.permutation(int(unit_C.max()) + 1)
            order_C = np.argsort(rank_of_unit[unit_C], kind='stable')
        self._first_C = first_index_C[:-1][order_C]
        num_C = np.diff(first_index_C)[order_C]
        self._begin_C = np.concatenate([[0], np.cumsum(num_C)])

    def __len__(self) -> int:
        """Return the number of samples N."""
        return int(self._begin_C[-1])

    def take(self, begin: int, end: int) -> np.ndarray:
        """Return a stretch of the line; behind its end it begins anew.

        Args:
            begin: first place, >= 0.
            end: place behind the last, >= begin.

        Returns:
            (end - begin,) int64, numbers of samples in [0, N).
        """
        place = np.arange(begin, end) % len(self)
        chunk = np.searchsorted(self._begin_C, place, side='right') - 1
        return self._first_C[chunk] + place - self._begin_C[chunk]


class ListedSamples:
    """Samples in line that are listed one by one, as the rest of an epoch is.

    Args:
        index_N: (N,) int64, numbers of samples.
    """

    def __init__(self, index_N: np.ndarray) -> None:
        self.index_N = index_N

    def __len__(self) -> int:
        """Return the number of samples N."""
        return len(self.index_N)

    def take(self, begin: int, end: int) -> np.ndarray:
        """Return a stretch of the line, as :class:`ShuffledShards` does.

        Args:
            begin: first place, >= 0.
            end: place behind the last, >= begin.

        Returns:
            (end - begin,) int64, numbers of samples.
        """
        return self.index_N[np.arange(begin, end) % len(self)]


@dataclass(frozen=True)
class RankShare:
    """What one rank reads of a line of samples.

    Args:
        line: :class:`ShuffledShards` or :class:`ListedSamples`.
        rank: in [0, ranks).
        ranks: >= 1.
        batch_size: B, >= 1.
        lanes: L, >= 1.
        window: samples that are shuffled with each other W, >= 1.
        seed: whole numbers that the shuffling depends on; None does not shuffle.
        drop_last: leave a last batch of fewer samples out.
    """

    line: ShuffledShards | ListedSamples
    rank: int
    ranks: int
    batch_size: int
    lanes: int
    window: int
    seed: tuple[int, ...] | None
    drop_last: bool = False

    @property
    def num_samples(self) -> int:
        """Samples of a rank: as many of each, so some of the first come twice."""
        return math.ceil(len(self.line) / self.ranks)

    def __len__(self) -> int:
        """Return the number of batches."""
        return count_batches(self.num_samples, self.batch_size, self.drop_last)

    def batches(self, first: int = 0) -> Iterator[np.ndarray]:
        """Yield batches.

        Args:
            first: number of the first one, in [0, len(self)].

        Yields:
            (B,) int64, numbers of samples; of the last batch fewer.
        """
        end_L = lane_ends(self.num_samples, self.batch_size, self.lanes)
        begin_L = np.concatenate([[0], end_L[:-1]])
        # the window that each lane is in: its number and its samples
        current_L: list[tuple[int, np.ndarray]] = [(-1, np.empty(0))] * self.lanes
        for number in range(first, len(self)):
            lane = number % self.lanes
            size = int(end_L[lane] - begin_L[lane])
            place = number // self.lanes * self.batch_size
            parts, stop = [], min(place + self.batch_size, size)
            while place < stop:
                window, begin, end = self._window_at(lane, place, size)
                if current_L[lane][0] != window:
                    offset = self.rank * self.num_samples + int(begin_L[lane])
                    samples = self.line.take(offset + begin, offset + end)
                    current_L[lane] = window, self._shuffled(samples, lane, window)
                upto = min(stop, end)
                parts.append(current_L[lane][1][place - begin : upto - begin])
                place = upto
            yield np.concatenate(parts)

    def rest(self, first: int) -> np.ndarray:
        """Return the samples of the batches from one on, lane after lane.

        Args:
            first: number of that batch, in [0, len(self)].

        Returns:
            (N,) int64; neighbours in the files stay together.
        """
        empty = np.empty(0, np.int64)
        of_lane_L: list[list[np.ndarray]] = [[] for _ in range(self.lanes)]
        for number, batch in enumerate(self.batches(first), first):
            of_lane_L[number % self.lanes].append(batch)
        return np.concatenate([empty, *(b for lane in of_lane_L for b in lane)])

    def _window_at(self, lane: int, place: int, size: int) -> tuple[int, int, int]:
        """Return number, begin and end of the window at a place of a lane."""
        # the first one is shorter in the first lanes: lanes fill up by turns
        shift = self.window - max(self.window * (lane + 1) // self.lanes, 1)
        window = (place + shift) // self.window
        begin = max(window * self.window - shift, 0)
        return window, begin, min((window + 1) * self.window - shift, size)

    def _shuffled(self, samples: np.ndarray, lane: int, window: int) -> np.ndarray:
        if self.seed is None:
            return samples
        rng = np.random.default_rng((*self.seed, self.rank, lane, window))
        return rng.permutation(samples)


def count_batches(num_samples: int, batch_size: int, drop_last: bool) -> int:
    """Count the batches of some samples.

    Args:
        num_samples: >= 0.
        batch_size: >= 1.
        drop_last: leave a last batch of fewer samples out.

    Returns:
        Batches, >= 0.
    """
    if drop_last:
        return num_samples // batch_size
    return math.ceil(num_samples / batch_size)


def lane_ends(num_samples: int, batch_size: int, lanes: int) -> np.ndarray:
    """Cut samples into lanes so that batch number i is the next one of lane i % L.

    Args:
        num_samples: >= 0.
        batch_size: B, >= 1.
        lanes: L, >= 1.

    Returns:
        (L,) int64, where each lane ends; the lanes differ by one batch at most.

    Example:
        >>> lane_ends(10, 4, 2).tolist()
        [6, 10]
    """
    num_batches = count_batches(num_samples, batch_size, drop_last=False)
    lane_L = np.arange(lanes)
    size_L = (num_batches - lane_L + lanes - 1) // lanes * batch_size
    if num_batches:
        # the last batch may be short
        size_L[(num_batches - 1) % lanes] -= num_batches * batch_size - num_samples
    return np.cumsum(size_L)


def rest_of_ranks(shares: Sequence[RankShare], first: int) -> ListedSamples:
    """Put what ranks have left of an epoch in line.

    Args:
        shares: of all ranks that began it.
        first: number of the next batch of each.

    Returns:
        The samples, each once, in an order that keeps neighbours together.
    """
    left = np.concatenate([share.rest(first) for share in shares])
    _, place = np.unique(left, return_index=True)  # of those that come twice the first
    return ListedSamples(left[np.sort(place)])
