"""Drawing images by weight: classes equally often, hard samples more often.

Shapes: N images of the dataset, K hard samples, D draws of an epoch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from mmengine.dist import get_dist_info, sync_random_seed
from mmengine.logging import print_log
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from ocec.datasets.samplers.epoch_rest import EpochRest, share_of_rank
from ocec.datasets.samplers.hard_samples import read_hard_samples
from ocec.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class WeightedSampler(EpochRest, Sampler):
    """Draws each class equally often, and listed hard samples more often.

    An epoch is one list of draws, from a generator seeded with ``seed + epoch``; each
    rank takes every ``world_size``-th of it. Where that does not come out even, the
    first draws are repeated at the end, so that all ranks get equally many.

    With ``class_balanced`` a hard sample is drawn more often at the cost of its own
    class only. A loss that balances too (``pos_weight='auto'``) would do so a second
    time: give it ``pos_weight=1.0``.

    Args:
        dataset: tells its ``labels`` and the ``indices_of`` sample ids, as
            :class:`ocec.datasets.EyeParquet` does.
        class_balanced: divide each weight by the sum of its class, which is 1 / count
            without hard samples; else weights stay as they are.
        hard_samples: CSV with a column ``sample_id`` and optionally ``weight``, see
            :func:`ocec.datasets.samplers.hard_samples.read_hard_samples`.
        hard_weight: weight of the listed samples if the CSV has none, > 0; all other
            samples have 1.
        num_samples: draws per epoch over all ranks, > 0; by default N.
        replacement: whether an image may come more than once per epoch; if not,
            ``num_samples`` must be less than N, or all come whatever their weight.
        seed: of the draws, equal on all ranks; by default a random one.

    Raises:
        FileNotFoundError: there is no such CSV.
        ValueError: an argument is out of range, the dataset lacks a class or does not
            tell what is needed, or the CSV is wrong or lists samples of other splits.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        class_balanced: bool = True,
        hard_samples: str | None = None,
        hard_weight: float = 2.0,
        num_samples: int | None = None,
        replacement: bool = True,
        seed: int | None = None,
    ) -> None:
        if not 0 < hard_weight < math.inf:
            raise ValueError(f'hard_weight must be > 0, got {hard_weight}')
        self.rank, self.world_size = get_dist_info()
        self.num_draws = len(dataset) if num_samples is None else num_samples
        self.replacement = replacement
        self._check_num_draws(len(dataset))
        weight_N = np.ones(len(dataset))
        hard = ''
        if hard_samples is not None:
            hard = _raise_hard_samples(weight_N, dataset, hard_samples, hard_weight)
        if class_balanced:
            _balance_classes(weight_N, dataset)
        self.weight_N = torch.from_numpy(weight_N)
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        print_log(
            self._describe(dataset) + hard + (DOUBLE_BALANCE if class_balanced else ''),
            logger='current',
        )

    def __iter__(self) -> Iterator[int]:
        """Iterate over the indices of this rank."""
        own = share_of_rank(
            self._draw(), seen=self.seen, rank=self.rank, ranks=self.world_size
        )
        return iter(own.tolist())

    def __len__(self) -> int:
        """Return the draws per epoch of one rank."""
        return math.ceil(self.num_draws / self.world_size)

    def set_epoch(self, epoch: int) -> None:
        """Choose the draws of an epoch; mmengine calls this before each.

        Args:
            epoch: number of the epoch, >= 0.
        """
        self.epoch = epoch

    def _draw(self) -> Tensor:
        """Draw the (D,) indices of this epoch, equal on all ranks."""
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        return torch.multinomial(
            self.weight_N, self.num_draws, self.replacement, generator=generator
        )

    def _check_num_draws(self, num_images: int) -> None:
        if self.num_draws <= 0:
            raise ValueError(f'num_samples must be > 0, got {self.num_draws}')
        if not self.replacement and self.num_draws >= num_images:
            raise ValueError(
                f'num_samples={self.num_draws:,} of {num_images:,} images with '
                'replacement=False draws every image, whatever its weight: choose a '
                'smaller num_samples, or replacement=True'
            )

    def _describe(self, dataset: Dataset) -> str:
        once = 'with' if self.replacement else 'without'
        text = (
            f'WeightedSampler: {self.num_draws:,} draws per epoch from '
            f'{len(dataset):,} images {once} replacement'
        )
        if not hasattr(dataset, 'labels'):
            return text
        shares = self.weight_N / self.weight_N.sum()
        listed = ', '.join(
            f'{100 * shares[dataset.labels == label].sum():.1f} % {name}'
            for label, name in enumerate(dataset.metainfo['classes'])
        )
        # what is drawn is gone, so later draws know other shares
        return text + (f', {listed}' if self.replacement else f', the first {listed}')


DOUBLE_BALANCE = (
    "; classes are balanced here, so give a loss with pos_weight='auto' pos_weight=1.0"
)


def _raise_hard_samples(
    weight_N: np.ndarray, dataset: Dataset, path: str, hard_weight: float
) -> str:
    """Multiply the weights of the listed samples in place; return what was done."""
    id_K, weight_K = read_hard_samples(path, default_weight=hard_weight)
    if not hasattr(dataset, 'indices_of'):
        raise ValueError(
            f'hard_samples: {type(dataset).__name__} does not tell the indices_of '
            'sample ids; leave hard_samples out'
        )
    try:
        index_K = dataset.indices_of(id_K)
    except ValueError as error:
        raise ValueError(
            f'{path}: {error}. List only samples that are trained on, by the '
            'sample_id of this very source'
        ) from error
    weight_N[index_K] *= weight_K
    least, most = (weight_K.min(), weight_K.max()) if len(id_K) else (0, 0)
    weights = f'{least:g}' if least == most else f'{least:g} to {most:g}'
    return f'; {len(id_K):,} hard samples of {path} with weight {weights}'


def _balance_classes(weight_N: np.ndarray, dataset: Dataset) -> None:
    """Divide each weight by the sum of its class, in place."""
    if not hasattr(dataset, 'labels'):
        raise ValueError(
            f'class_balanced: {type(dataset).__name__} does not tell its labels; use '
            'class_balanced=False'
        )
    for label, name in enumerate(dataset.metainfo['classes']):
        of_class_N = dataset.labels == label
        if not of_class_N.any():
            raise ValueError(
                f'class_balanced: none of the {len(dataset):,} images is {name}. Add '
                'some, or use class_balanced=False'
            )
        weight_N[of_class_N] /= weight_N[of_class_N].sum()
