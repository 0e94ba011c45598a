"""mmengine's sampler without a Python number for every row of the data."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from mmengine.dataset import DefaultSampler as MMEngineDefaultSampler

from ocec.datasets.samplers.epoch_rest import EpochRest
from ocec.registry import DATA_SAMPLERS

# turned into Python numbers at once
CHUNK = 4096


@DATA_SAMPLERS.register_module()
class DefaultSampler(EpochRest, MMEngineDefaultSampler):
    """Rows in order or shuffled, divided over the ranks: mmengine's, in its order.

    mmengine's makes a list of the whole epoch, about 40 bytes a row; this one holds
    4 bytes a row, and for rows in order nothing.

    Args:
        dataset: has a length.
        shuffle: shuffle anew in every epoch.
        seed: of the shuffling; None lets the ranks agree on a random one.
        round_up: repeat the first rows so that all ranks get as many.
    """

    def __iter__(self) -> Iterator[int]:
        """Yield the rows of this rank."""
        num_rows = len(self.dataset)
        order = None
        if self.shuffle:
            generator = torch.Generator().manual_seed(self.seed + self.epoch)
            order = torch.randperm(num_rows, generator=generator)
            if num_rows <= torch.iinfo(torch.int32).max:
                order = order.int()
        end = num_rows
        if self.round_up:
            num_rounds = math.ceil(max(num_rows - self.seen, 0) / self.world_size)
            end = self.seen + num_rounds * self.world_size
        for begin in range(self.seen + self.rank, end, CHUNK * self.world_size):
            stop = min(begin + CHUNK * self.world_size, end)
            place = torch.arange(begin, stop, self.world_size) % num_rows
            yield from (place if order is None else order[place]).tolist()
