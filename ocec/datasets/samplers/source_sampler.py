"""Drawing from several sources at fixed shares of every batch.

Shapes: D draws of one rank in an epoch, K streams: sources, or classes of sources.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from mmengine.dist import get_dist_info, sync_random_seed
from mmengine.logging import print_log
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from ocec.datasets.samplers.epoch_rest import EpochRest, share_of_rank
from ocec.registry import DATA_SAMPLERS


@dataclass(frozen=True)
class _Stream:
    """Images that are drawn alike, and their share of all draws."""

    index_N: np.ndarray
    share: float


@DATA_SAMPLERS.register_module()
class SourceSampler(EpochRest, Sampler):
    """Draws the sources of a :class:`MixedEyes` at given shares, evenly spread.

    With ``shares=dict(a=0.25, b=0.75)`` every batch whose size is a multiple of 4
    holds exactly a quarter of a, on every rank; of another size the numbers alternate
    and the shares are right over several batches. With ``class_balanced`` the same
    goes for the classes of each source: an eighth of all draws are closed eyes of a.

    Each epoch shuffles every source anew from ``seed + epoch``; within an epoch an
    image comes again only when all others of its source, or of its class there, have
    come. The ranks share these lists: none draws what another has drawn.

    Args:
        dataset: tells its ``index_ranges``, as :class:`ocec.datasets.MixedEyes`.
        shares: name of a source to its weight, >= 0; their sum is made 1 and a source
            without one is not drawn. By default each has its share of the images.
        schedule: other shares from some epoch on, ``dict(begin=5, shares=...)``, where
            ``begin`` counts the epochs trained before: first A, then B.
        class_balanced: draw each class of a source equally often.
        num_samples: draws per epoch over all ranks, > 0; or the name of a source:
            as many as show it once, at its share in the last stage. By default N.
        seed: of the draws, equal on all ranks; by default a random one.

    Raises:
        ValueError: an argument is out of range, a source is unknown or lacks a class,
            or the dataset has no sources.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        shares: Mapping[str, float] | None = None,
        schedule: Sequence[Mapping] = (),
        class_balanced: bool = False,
        num_samples: int | str | None = None,
        seed: int | None = None,
    ) -> None:
        if not hasattr(dataset, 'index_ranges'):
            raise ValueError(
                f'SourceSampler: {type(dataset).__name__} has no sources; use MixedEyes'
            )
        self.rank, self.world_size = get_dist_info()
        self.class_balanced = class_balanced
        ranges = dataset.index_ranges
        if shares is None:
            shares = {name: len(indices) for name, indices in ranges.items()}
        #: from which epoch on, and the shares then
        self.begins = [0, *_check_begins(schedule)]
        self.shares = [
            _normalized(given, list(ranges))
            for given in (shares, *(stage['shares'] for stage in schedule))
        ]
        self.num_draws = self._count_draws(num_samples, ranges)
        self.streams = [_streams(dataset, now, class_balanced) for now in self.shares]
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        for number in range(len(self.begins)):
            print_log(self._describe(dataset, number), logger='current')

    def __iter__(self) -> Iterator[int]:
        """Iterate over the indices of this rank."""
        order_D = self._order(self.begun_with or self.world_size)
        own = share_of_rank(
            order_D, seen=self.seen, rank=self.rank, ranks=self.world_size
        )
        return iter(own.tolist())

    def __len__(self) -> int:
        """Return the draws D per epoch of one rank."""
        return math.ceil(self.num_draws / self.world_size)

    def set_epoch(self, epoch: int) -> None:
        """Choose the draws of an epoch; mmengine calls this before each.

        Args:
            epoch: epochs trained before, >= 0.
        """
        self.epoch = epoch

    def _order(self, ranks: int) -> Tensor:
        """Draw this epoch for some ranks: theirs by turns, of one source at a time."""
        streams = self.streams[bisect.bisect_right(self.begins, self.epoch) - 1]
        num_rounds = math.ceil(self.num_draws / ranks)
        stream_D = spread_evenly([stream.share for stream in streams], num_rounds)
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        index_DR = torch.empty((num_rounds, ranks), dtype=torch.int64)
        for number, stream in enumerate(streams):
            places = torch.from_numpy(np.flatnonzero(stream_D == number))
            drawn = _shuffle(stream, len(places) * ranks, generator)
            index_DR[places] = drawn.view(-1, ranks)
        return index_DR.flatten()

    def _count_draws(self, num_samples: int | str | None, ranges: Mapping) -> int:
        if num_samples is None:
            return sum(map(len, ranges.values()))
        if isinstance(num_samples, str):
            share = self.shares[-1].get(num_samples)
            if not share:
                raise ValueError(
                    f'num_samples={num_samples!r} is no source that is drawn at the '
                    f'end; there are {[n for n, s in self.shares[-1].items() if s]}'
                )
            return math.ceil(len(ranges[num_samples]) / share)
        if num_samples <= 0:
            raise ValueError(f'num_samples must be > 0, got {num_samples}')
        return num_samples

    def _describe(self, dataset: Dataset, number: int) -> str:
        drawn = {
            name: f'{100 * share:.1f} % {name} ({_passes(self.num_draws, share, n)})'
            for name, share in self.shares[number].items()
            if (n := len(dataset.index_ranges[name])) and share
        }
        return (
            f'SourceSampler: from epoch {self.begins[number] + 1}, {self.num_draws:,} '
            f'draws per epoch: {", ".join(drawn.values())}'
            + self._describe_balance(dataset, self.streams[number])
        )

    def _describe_balance(self, dataset: Dataset, streams: Sequence[_Stream]) -> str:
        """Say what weight balances the draws: ``auto`` would count the images."""
        if not hasattr(dataset, 'labels'):
            return ''
        opened = sum(s.share * dataset.labels[s.index_N].mean() for s in streams)
        text = f'; {100 * opened:.1f} % of the draws are open'
        if 0 < opened < 1:
            text += (
                ", which pos_weight='auto' does not know: to balance a loss, give it "
                f'pos_weight={(1 - opened) / opened:.3g}'
            )
        return text


def spread_evenly(shares: Sequence[float], num: int) -> np.ndarray:
    """Say which of K streams each of D draws is of, so that none comes in clusters.

    The j-th draw of a stream, j from 1, is due at time (j - 1/2) / share, and all are
    sorted by it. After T draws, where share * T is a whole number for every stream,
    each has had exactly as many.

    Args:
        shares: of each stream, >= 0, with sum 1.
        num: D, >= 0.

    Returns:
        (D,) int64 in [0, K).

    Example:
        >>> spread_evenly([0.25, 0.75], 8).tolist()
        [1, 0, 1, 1, 1, 0, 1, 1]
    """
    times, streams = [], []
    for number, share in enumerate(shares):
        count = math.ceil(num * share) + 1 if share > 0 else 0
        times.append((np.arange(count) + 0.5) / share if count else np.empty(0))
        streams.append(np.full(count, number))
    order = np.argsort(np.concatenate(times), kind='stable')
    return np.concatenate(streams)[order[:num]]


def _shuffle(stream: _Stream, num: int, generator: torch.Generator) -> Tensor:
    """Draw from a stream: whole passes in new orders, until there are enough."""
    size = len(stream.index_N)
    passes = [
        torch.randperm(size, generator=generator) for _ in range(math.ceil(num / size))
    ]
    empty = torch.empty(0, dtype=torch.int64)
    return torch.from_numpy(stream.index_N)[torch.cat([empty, *passes])[:num]]


def _streams(
    dataset: Dataset, shares: Mapping[str, float], class_balanced: bool
) -> list[_Stream]:
    streams = []
    for name, share in shares.items():
        if not share:
            continue
        index_N = np.array(dataset.index_ranges[name], np.int64)
        if not class_balanced:
            streams.append(_Stream(index_N, share))
            continue
        names = dataset.metainfo['classes']
        for label, class_name in enumerate(names):
            of_class_N = index_N[dataset.labels[index_N] == label]
            if not len(of_class_N):
                raise ValueError(
                    f'class_balanced: none of the {len(index_N):,} images of {name} '
                    f'is {class_name}. Add some, or use class_balanced=False'
                )
            streams.append(_Stream(of_class_N, share / len(names)))
    return streams


def _normalized(shares: Mapping[str, float], names: Sequence[str]) -> dict[str, float]:
    if unknown := sorted(set(shares) - set(names)):
        raise ValueError(f'shares: {unknown} are no sources; there are {list(names)}')
    if any(not 0 <= share < math.inf for share in shares.values()):
        raise ValueError(f'shares must be finite and >= 0, got {dict(shares)}')
    total = sum(shares.values())
    if not total:
        raise ValueError(f'shares: nothing would be drawn, got {dict(shares)}')
    return {name: shares.get(name, 0) / total for name in names}


def _check_begins(schedule: Sequence[Mapping]) -> list[int]:
    for stage in schedule:
        if set(stage) != {'begin', 'shares'}:
            raise ValueError(
                'a stage of schedule is dict(begin=EPOCH, shares=...), got the keys '
                f'{sorted(stage)}'
            )
    begins = [stage['begin'] for stage in schedule]
    if begins != sorted({begin for begin in begins if begin > 0}):
        raise ValueError(f'schedule: begin must rise from above 0, got {begins}')
    return begins


def _passes(num_draws: int, share: float, num_images: int) -> str:
    return f'each of its {num_images:,} images {num_draws * share / num_images:.3g} x'
